"""The engine `flywheel.database`: `django.db.backends.postgresql` with a helpful refusal."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that, when the embedded server does not run, says how to start it."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a connection, or raise OperationalError that ends in what to run."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError as error:
            hint = self.settings_dict.get("WHEN_DOWN", "")
            raise type(error)(f"{error}\n{hint}" if hint else str(error)) from error

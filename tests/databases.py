"""The databases of a run: migrated once, copied for every worker, emptied of what tests wrote."""

from __future__ import annotations

import fcntl

from django.conf import settings
from django.db import connection, transaction

# Written by migrating, about the models and not about anybody.
KEPT = {"django_content_type", "auth_permission"}


def migrated(run: str) -> str:
    """The name of a database to copy, with every migration in it; a run's first worker makes it."""
    name = f"test_{settings.DATABASES['default']['NAME']}_migrated"
    with (settings.VAR_DIR / "migrated").open("a+") as stamp:
        fcntl.flock(stamp, fcntl.LOCK_EX)
        stamp.seek(0)
        if stamp.read() != run:
            _migrate(name)
            stamp.truncate(0)
            stamp.write(run)
    return name


def _migrate(name: str) -> None:
    own, test = connection.settings_dict["NAME"], connection.settings_dict["TEST"]
    named = test["NAME"]
    test["NAME"] = name
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    # A database with guests cannot be copied.
    connection.close()
    test["NAME"] = named
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = own


def empty() -> None:
    """Delete what tests have written, and wait for those that still write.

    Django's own flush truncates every table, full or empty, and writes what it then lacks about
    the models: a second each time. The record refuses to be emptied, but for a replica.
    """
    tables = set(connection.introspection.django_table_names()) - KEPT
    names = [connection.ops.quote_name(table) for table in sorted(tables)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"LOCK TABLE {', '.join(names)}")
        for name in names:
            cursor.execute(f"DELETE FROM {name}")

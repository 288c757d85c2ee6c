"""`openflywheel`: contribute, follow and fetch from a terminal.

Ends with 0 when all went well, with 1 when some rows were refused, with 2 when the command, the
file or the site could not be used.
"""

from __future__ import annotations

from typing import Any

import click

from openflywheel.commands.fetching import export, pull
from openflywheel.commands.sending import feedback, submit
from openflywheel.commands.standing import login, status
from openflywheel.errors import OpenFlywheelError
from openflywheel.reading.faults import BadFile


class _Refusal(click.ClickException):
    exit_code = 2


class _Told(click.Group):
    """Commands whose expected failures are one sentence, not a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (OpenFlywheelError, BadFile) as failure:
            raise _Refusal(str(failure)) from failure


@click.group(cls=_Told, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Improve the model that you use: send feedback and rows, follow what they do, fetch them.

    The site and the token come from `openflywheel login`, or from OPENFLYWHEEL_URL and
    OPENFLYWHEEL_TOKEN.
    """


for command in (login, feedback, submit, status, pull, export):
    main.add_command(command)

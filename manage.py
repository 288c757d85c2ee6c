#!/usr/bin/env python
"""The operator's command line: `python manage.py help` lists what it can do."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Put the project package on the path and hand over to Django."""
    sys.path.insert(0, str(Path(__file__).resolve().parent / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flywheel.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

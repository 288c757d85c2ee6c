"""The site's own settings in test mode, with the services running before anything asks for them.

pytest imports the settings before any conftest, and each of its workers imports them anew; the
first starts PostgreSQL and Valkey under var/test (without fsync), the others find them running.
"""

import os

os.environ["OPENFLYWHEEL_ENV"] = "test"

from flywheel import settings as site
from flywheel.services import start

if site.DATABASE_IS_EMBEDDED or site.BROKER_IS_EMBEDDED:
    known = start(
        site.VAR_DIR,
        postgres=site.DATABASE_IS_EMBEDDED,
        valkey=site.BROKER_IS_EMBEDDED,
        hurried=True,
    )
    if site.embedded != known:
        # The first start of all has only now made the addresses that the settings read.
        import importlib

        importlib.reload(site)

from flywheel.settings import *  # noqa: F403

# All tests call from one address; those about limits and quotas switch them on for themselves.
LIMITS_FACTOR = 0

# Whatever the machine is connected to, tests connect themselves.
ARGILLA_API_URL = ARGILLA_API_KEY = ARGILLA_WEBHOOK_SECRET = ""

"""PostgreSQL and Valkey of this checkout, from wheels, under `var/`: start, stop, status.

Nothing is installed on the machine and nothing listens on a port: both answer on sockets in a
folder that only their owner may enter, and both ask for a password besides. What runs is found by
asking the operating system which process works in the data folder, so that a stale pid file, or a
pid that now belongs to somebody else, is never believed.
"""

from flywheel.services.addresses import Addresses, recorded
from flywheel.services.errors import ServiceRefused
from flywheel.services.house import remove, start, start_as_configured, status, stop

__all__ = [
    "Addresses",
    "ServiceRefused",
    "recorded",
    "remove",
    "start",
    "start_as_configured",
    "status",
    "stop",
]

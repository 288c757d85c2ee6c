"""The Python client of OpenFlywheel, and its command line.

    from openflywheel import Client

    with Client() as site:
        sent = site.feedback([{"prompt": "2+2", "answer": "5", "success": False}])
        print(sent.counts.stored)

`AsyncClient` has the same methods to await. Errors are subclasses of `OpenFlywheelError`; what the
site refuses is a `Refused` with everything that the site said. `openflywheel.mapping` turns other
tools' shapes into ours.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openflywheel.client import AsyncClient, Client
    from openflywheel.errors import (
        BadRequest,
        Conflict,
        Fault,
        NotAllowed,
        NotFound,
        NotTheSite,
        OpenFlywheelError,
        Problem,
        Refused,
        SignInNeeded,
        SiteFailed,
        TooMany,
        Unreachable,
    )

__all__ = [
    "AsyncClient",
    "BadRequest",
    "Client",
    "Conflict",
    "Fault",
    "NotAllowed",
    "NotFound",
    "NotTheSite",
    "OpenFlywheelError",
    "Problem",
    "Refused",
    "SignInNeeded",
    "SiteFailed",
    "TooMany",
    "Unreachable",
]


def __getattr__(name: str) -> Any:
    # The site reads files with `openflywheel.reading`, in processes where every import counts.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from openflywheel import client, errors

    return getattr(client if name in ("AsyncClient", "Client") else errors, name)

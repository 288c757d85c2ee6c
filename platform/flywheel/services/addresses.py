"""Where the embedded services answer: written once at the first start, read by the settings."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from flywheel.services.errors import ServiceRefused

FILE = "services/addresses.json"


@dataclass(frozen=True)
class Addresses:
    """The URLs of both services, their passwords included. They outlive a stop."""

    database_url: str
    redis_url: str


def recorded(var: Path) -> Addresses | None:
    """The addresses last written under `var`, or None before the first start."""
    try:
        return Addresses(**json.loads((var / FILE).read_text()))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise ServiceRefused(
            f"{var / FILE} belongs to another user: run as that user, set VAR_DIR to a folder of "
            "your own, or remove it after `manage.py services stop`."
        ) from error
    except (ValueError, TypeError):
        # A file cut short by a full disk or a crash; the next start writes it anew.
        return None


def record(var: Path, addresses: Addresses) -> None:
    """Write the addresses so that only their owner reads them, whole or not at all."""
    target = var / FILE
    draft = target.with_suffix(f".{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(addresses), file, indent=2)
    if os.geteuid() == 0:
        # Root may start the services of an ordinary user's checkout, and must not lock them out.
        folder = target.parent.stat()
        os.chown(draft, folder.st_uid, folder.st_gid)
    draft.replace(target)

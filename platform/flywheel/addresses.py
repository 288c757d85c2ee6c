"""Addresses of the database and the broker, parsed once, at the door."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit


class AddressRefused(ValueError):
    """An address that cannot be used; the message names the mend."""


@dataclass(frozen=True)
class DatabaseAddress:
    """Where PostgreSQL answers; `host` is a name, an IP address or the folder of its socket."""

    name: str
    user: str = ""
    password: str = ""
    host: str = ""
    port: int | None = None
    options: tuple[tuple[str, str], ...] = ()

    def as_django(self) -> dict[str, Any]:
        """The address as Django's DATABASES wants it, without ENGINE."""
        return {
            "NAME": self.name,
            "USER": self.user,
            "PASSWORD": self.password,
            "HOST": self.host,
            "PORT": str(self.port or ""),
            "OPTIONS": dict(self.options),
        }

    @property
    def url(self) -> str:
        """The address as a libpq URL."""
        query = [("host", self.host), ("port", str(self.port or "")), *self.options]
        pairs = "&".join(f"{key}={quote(value, safe='')}" for key, value in query if value)
        user = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        return f"postgresql://{user}/{quote(self.name, safe='')}" + (f"?{pairs}" if pairs else "")


@dataclass(frozen=True)
class BrokerAddress:
    """Where Valkey or Redis answers: over TCP, or on the socket `path`."""

    host: str = ""
    port: int = 6379
    path: str = ""
    user: str = ""
    password: str = ""
    database: int = 0
    tls: bool = False

    @property
    def for_celery(self) -> str:
        """The URL in Celery's words."""
        if self.path:
            path = quote(self.path.lstrip("/"))
            return f"redis+socket://{self._login}/{path}?virtual_host={self.database}"
        return self.url

    @property
    def url(self) -> str:
        """The URL in redis-py's words."""
        if self.path:
            return f"unix://{self._login}{quote(self.path)}?db={self.database}"
        scheme = "rediss" if self.tls else "redis"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{self._login}{host}:{self.port}/{self.database}"

    @property
    def _login(self) -> str:
        if not (self.user or self.password):
            return ""
        return f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@"


def parse_database_url(url: str) -> DatabaseAddress:
    """Read `postgresql://user:password@host:port/name?sslmode=require`.

    A socket's folder may stand percent-encoded as the host, or as `?host=/folder`.
    """
    parts = urlsplit(url)
    if parts.scheme != "postgresql":
        raise AddressRefused(
            f"DATABASE_URL begins with {parts.scheme or 'nothing'}://; only PostgreSQL is spoken "
            "here: write postgresql://user:password@host:5432/name."
        )
    query = dict(parse_qsl(parts.query))
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise AddressRefused(
            "DATABASE_URL names no database: write it after the host, "
            "postgresql://user:password@host:5432/name."
        )
    port = _port(parts.netloc, "DATABASE_URL", query.pop("port", ""))
    return DatabaseAddress(
        name=name,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        # urlsplit lowers the case of a host name; a folder must keep it.
        host=query.pop("host", "") or unquote(_host(parts.netloc)),
        port=port,
        options=tuple(sorted(query.items())),
    )


def parse_redis_url(url: str) -> BrokerAddress:
    """Read `redis://:password@host:6379/0`, `rediss://…` or `unix://:password@/path?db=0`."""
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise AddressRefused(
            f"REDIS_URL begins with {parts.scheme or 'nothing'}://; write "
            "redis://:password@host:6379/0, rediss://… for TLS, or unix://:password@/path?db=0."
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme == "unix":
        number = dict(parse_qsl(parts.query)).get("db", "0")
        path = unquote(parts.path)
        if not path:
            raise AddressRefused("REDIS_URL names no socket: write unix://:password@/path?db=0.")
        return BrokerAddress(path=path, user=user, password=password, database=_database(number))
    if not parts.hostname:
        raise AddressRefused("REDIS_URL names no host: write redis://:password@host:6379/0.")
    return BrokerAddress(
        host=parts.hostname,
        port=_port(parts.netloc, "REDIS_URL") or 6379,
        user=user,
        password=password,
        database=_database(parts.path.lstrip("/") or "0"),
        tls=parts.scheme == "rediss",
    )


def _host(netloc: str) -> str:
    host = netloc.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _port(netloc: str, variable: str, given: str = "") -> int | None:
    text = given or netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise AddressRefused(f"{variable} names port {text!r}; a port is a number up to 65535.")
    return int(text)


def _database(text: str) -> int:
    if not text.isdecimal():
        raise AddressRefused(f"REDIS_URL names database {text!r}; write a number such as 0.")
    return int(text)

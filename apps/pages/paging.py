"""Pages of a list by key, so that the millionth PR is as near as the first."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import QueryDict

SIZE = 25


class Slice(NamedTuple):
    """What stands on one page of a list, and the addresses of its neighbours."""

    items: list[Any]
    newer: str
    older: str


def slice_of(things: QuerySet[Any], asked: Mapping[str, str], size: int = SIZE) -> Slice:
    """The page that `?before=` or `?after=` (a key) asks for; the other filters are kept.

    An impossible key shows the first page.
    """
    before, after = _key(asked, "before"), _key(asked, "after")
    if after:
        found = list(things.filter(pk__gt=after).order_by("pk")[: size + 1])
        items = found[:size][::-1]
        more_newer, more_older = len(found) > size, True
    else:
        ordered = things.order_by("-pk")
        found = list((ordered.filter(pk__lt=before) if before else ordered)[: size + 1])
        items = found[:size]
        more_newer, more_older = bool(before), len(found) > size
    return Slice(
        items,
        _address(asked, "after", items[0].pk) if items and more_newer else "",
        _address(asked, "before", items[-1].pk) if items and more_older else "",
    )


def _key(asked: Mapping[str, str], name: str) -> int | None:
    value = asked.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _address(asked: Mapping[str, str], name: str, key: int) -> str:
    query = QueryDict(mutable=True)
    query.update({k: v for k, v in asked.items() if k not in ("before", "after") and v})
    query[name] = str(key)
    return f"?{query.urlencode()}"

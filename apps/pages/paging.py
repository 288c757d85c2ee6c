"""Pages of a list by key, so that the millionth PR is as near as the first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.http import QueryDict

SIZE = 25


class Slice(NamedTuple):
    """What stands on one page of a list, and the addresses of its neighbours."""

    items: list[Any]
    newer: str
    older: str


def slice_of(
    things: QuerySet[Any],
    asked: Mapping[str, str],
    size: int = SIZE,
    *,
    by: tuple[str, bool] = ("pk", True),
) -> Slice:
    """The page that `?before=` or `?after=` (a place) asks for; the other filters are kept.

    `by` is the field of the order and whether it falls. An impossible place shows the first page.
    """
    before, after = _place(asked, "before", by[0]), _place(asked, "after", by[0])
    if after:
        # Towards the beginning: the order is turned round, and the page turned back.
        found = list(_beyond(things, by, after, onwards=False)[: size + 1])
        items = found[:size][::-1]
        more_newer, more_older = len(found) > size, True
    else:
        found = list(_beyond(things, by, before, onwards=True)[: size + 1])
        items = found[:size]
        more_newer, more_older = bool(before), len(found) > size
    return Slice(
        items,
        _address(asked, "after", items[0], by[0]) if items and more_newer else "",
        _address(asked, "before", items[-1], by[0]) if items and more_older else "",
    )


Place = tuple[Any, int]


def _beyond(
    things: QuerySet[Any], by: tuple[str, bool], place: Place | None, *, onwards: bool
) -> QuerySet[Any]:
    """What comes after a place in the order (or, not onwards, before it), nearest first."""
    name, falling = by
    down = falling == onwards
    sign, less = ("-", "lt") if down else ("", "gt")
    names = ["pk"] if name == "pk" else [name, "pk"]
    ordered = things.order_by(*(f"{sign}{each}" for each in names))
    if place is None:
        return ordered
    value, key = place
    further = Q(**{f"{name}__{less}": value})
    return ordered.filter(further | Q(**{name: value, f"pk__{less}": key}))


def _place(asked: Mapping[str, str], name: str, field: str) -> Place | None:
    """A key, or `<value>_<key>` where the order is by a value."""
    value, _, key = asked.get(name, "").rpartition("_")
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    if field == "pk":
        return int(key), int(key)
    if field == "touched_at":
        return (moment, int(key)) if (moment := _moment(value)) else None
    return (int(value), int(key)) if value.isascii() and value.isdigit() else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _address(asked: Mapping[str, str], name: str, item: Any, field: str) -> str:
    query = QueryDict(mutable=True)
    query.update({k: v for k, v in asked.items() if k not in ("before", "after") and v})
    value = getattr(item, field)
    place = value.isoformat() if isinstance(value, datetime) else value
    query[name] = str(item.pk) if field == "pk" else f"{place}_{item.pk}"
    return f"?{query.urlencode()}"

"""What a call takes and gives, as its view declares it.

    class Comments(Face):
        \"\"\"GET lists the discussion; POST says something.\"\"\"

        calls = {
            "GET": Call({200: Page(shapes.Comment)}),
            "POST": Call({201: shapes.Comment}, takes=Remark, example={"text": "Good."}),
        }

`apps/api/schema.py` makes the OpenAPI document of it, and the tests hold every answer against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# A yes or no behind the question mark; the name alone is a yes. Generated clients send their own
# true and false.
SWITCH: dict[str, Any] = {
    "anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["0", "1", ""]}],
}


@dataclass(frozen=True)
class Page:
    """A list by cursor whose elements have the shape `of`."""

    of: Any


@dataclass(frozen=True)
class Call:
    """One method of one address.

    `gives`: the shape of the answer by status (None: an answer without a body).
    `takes`: the form of `apps.api.bodies` (or a shape) of a JSON body; `lines`: the shape of one
    line, where NDJSON is read too.
    `query`: parameters of the address, described in `apps.api.schema.PARAMETERS` or here, as a
    mapping of names to JSON Schemas. Those of a `Page` come by themselves.
    `refuses`: codes of problems besides those that every address of its sort can give.
    `headers`: what a success carries besides, described in `apps.api.schema.HEADERS`; `perhaps`:
    what it may carry. `guarded`: an edit that asks for If-Match.
    `media_types`: what a success comes as, where that is not JSON alone.
    `impersonal`: open to everybody, and no token changes anything.
    `example`: a body that is answered by the first status of `gives`.
    """

    gives: Mapping[int, Any]
    takes: Any = None
    lines: Any = None
    query: tuple[str, ...] | Mapping[str, Mapping[str, Any]] = ()
    refuses: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    example: Any = None
    example_lines: tuple[Any, ...] = ()
    perhaps: tuple[str, ...] = ()
    guarded: bool = False
    impersonal: bool = False
    media_types: tuple[str, ...] = ("application/json",)

    @property
    def parameters(self) -> frozenset[str]:
        """The names that its address takes behind the question mark."""
        return frozenset({*self.query, *(("cursor", "limit") if self.paged else ())})

    @property
    def paged(self) -> bool:
        """Whether it answers with a page."""
        return any(isinstance(shape, Page) for shape in self.gives.values())


class Facts:
    """What JSON Schema can say of a type and Python cannot: `Annotated[int, Facts(minimum=0)]`."""

    def __init__(self, **schema: Any) -> None:
        self.schema = schema

"""The types of `apps.api.shapes` as JSON Schema (draft 2020-12, which OpenAPI 3.1 takes)."""

from __future__ import annotations

import inspect
from datetime import datetime
from enum import Enum
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from apps.api.calls import Facts, Page

Schema = dict[str, Any]

PLAIN: dict[Any, Schema] = {
    Any: {},
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
}


class Shapes:
    """Turns types into JSON Schema; each class becomes a component of the document."""

    def __init__(self, registry: ComponentRegistry) -> None:
        self.registry = registry

    def of(self, hint: Any) -> Schema:
        """The JSON Schema of a type of `apps.api.shapes`."""
        if isinstance(hint, Page):
            return self._page(hint.of)
        if hint in PLAIN:
            return dict(PLAIN[hint])
        if is_typeddict(hint):
            return self._component(hint)
        if inspect.isclass(hint) and issubclass(hint, Enum):
            return {"type": "string", "enum": [word.value for word in hint if word.value]}
        return self._composed(hint)

    def _composed(self, hint: Any) -> Schema:
        origin, inner = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._annotated(*inner)
        if origin is NotRequired:
            return self.of(inner[0])
        if origin is list:
            return {"type": "array", "items": self.of(inner[0])}
        if origin is dict:
            values = self.of(inner[1])
            return {"type": "object", "additionalProperties": values or True}
        if origin is Literal:
            return _one_of(inner)
        if origin is Union or "UnionType" in type(hint).__name__:
            return self._either([self.of(one) for one in inner])
        raise TypeError(f"{hint} has no place in the OpenAPI document; see apps/api/shapes/")

    def _annotated(self, hint: Any, *notes: Any) -> Schema:
        schema = self.of(hint)
        for note in notes:
            schema |= note.schema if isinstance(note, Facts) else {"description": note}
        return schema

    def _either(self, schemas: list[Schema]) -> Schema:
        null = {"type": "null"}
        real = [schema for schema in schemas if schema != null]
        plain = len(real) == 1 and isinstance(real[0].get("type"), str) and "enum" not in real[0]
        if plain and null in schemas:
            return real[0] | {"type": [real[0]["type"], "null"]}
        return {"anyOf": schemas}

    def _component(self, shape: Any) -> Schema:
        component = ResolvedComponent(
            name=shape.__name__, type=ResolvedComponent.SCHEMA, object=shape
        )
        if component not in self.registry:
            self.registry.register(component)
            component.schema = self._object(shape)
        return component.ref

    def _object(self, shape: Any) -> Schema:
        hints = get_type_hints(shape, include_extras=True)
        needed = [
            name
            for name, hint in hints.items()
            # (With postponed annotations the class itself does not know which are NotRequired.)
            if name in shape.__required_keys__ and get_origin(hint) is not NotRequired
        ]
        schema: Schema = {"type": "object", "description": inspect.getdoc(shape)}
        schema["properties"] = {name: self.of(hint) for name, hint in hints.items()}
        if needed:
            schema["required"] = needed
        # Rows that others send may say more than we read.
        schema["additionalProperties"] = shape.__name__.startswith("Sent")
        return schema

    def _page(self, of: Any) -> Schema:
        link = {"type": ["string", "null"], "format": "uri"}
        component = ResolvedComponent(
            name=f"{of.__name__}List", type=ResolvedComponent.SCHEMA, object=Page(of)
        )
        if component not in self.registry:
            self.registry.register(component)
            component.schema = {
                "type": "object",
                "description": "One page; `next` and `prev` lead to those beside it.",
                "properties": {
                    "items": {"type": "array", "items": self.of(of)},
                    "next": link,
                    "prev": link,
                },
                "required": ["items", "next", "prev"],
                "additionalProperties": False,
            }
        return component.ref


def _one_of(words: tuple[Any, ...]) -> Schema:
    """One of these words. (Of true alone: generators know no enumeration of booleans.)"""
    if words == (True,):
        return {"type": "boolean", "const": True}
    return {"type": "string", "enum": list(words)}

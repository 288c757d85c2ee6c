"""What a client of the released API would stumble over in the present one.

Answers may say more and requests may leave more out; never the other way round.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Told = Callable[[str, Schema, Schema, int], Iterator[str]]
MOST_DEPTH = 12
# What people read and no client does. (A field may go by such a name, and stays.)
WORDS = ("description", "summary", "title", "example", "examples", "tags", "headers")
NAMED = ("properties", "schemas", "paths", "responses")
LIMITS: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("maxLength", "maximum", "maxItems", "exclusiveMaximum"), operator.lt),
    **dict.fromkeys(("minLength", "minimum", "minItems", "exclusiveMinimum"), operator.gt),
}


def breaks(released: Schema, present: Schema) -> list[str]:
    """Every breaking change between two OpenAPI documents, each as a sentence."""
    return list(_Comparison(released, present).paths())


def contract(document: Any, *, names: bool = False) -> Any:
    """The document without what `breaks` does not look at; in a map of `names` every key stays."""
    if isinstance(document, list):
        return [contract(one) for one in document]
    if not isinstance(document, Mapping):
        return document
    return {
        key: contract(value, names=key in NAMED)
        for key, value in document.items()
        if names or key not in WORDS
    }


class _Comparison:
    """Two documents, so that references are followed in the right one."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old, self.new = old, new

    def paths(self) -> Iterator[str]:
        for path, methods in self.old["paths"].items():
            if path not in self.new["paths"]:
                yield f"{path} is gone"
                continue
            for method, before in methods.items():
                name = f"{method.upper()} {path}"
                after = self.new["paths"][path].get(method)
                if after is None:
                    yield f"{name} is gone"
                else:
                    yield from self._operation(name, before, after)

    def _operation(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        yield from self._parameters(name, old, new)
        yield from self._body(name, old.get("requestBody", {}), new.get("requestBody", {}))
        for status, before in old["responses"].items():
            after = new["responses"].get(status)
            if after is None:
                if status < "300":
                    yield f"{name} no longer answers {status}"
                continue
            for media, content in before.get("content", {}).items():
                if media not in after.get("content", {}):
                    yield f"{name} {status} no longer comes as {media}"
                else:
                    place = f"{name} {status}"
                    both = content["schema"], after["content"][media]["schema"]
                    yield from self._given(place, *both, 0)

    def _parameters(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        before = {(p["in"], p["name"]): p for p in old.get("parameters", [])}
        after = {(p["in"], p["name"]): p for p in new.get("parameters", [])}
        for key, parameter in before.items():
            place = f"{name} {key[1]} in {key[0]}"
            if key not in after:
                yield f"{place} is no longer taken"
            else:
                yield from self._taken(place, parameter["schema"], after[key]["schema"], 0)
        for key, parameter in after.items():
            was = before.get(key, {}).get("required", False)
            if parameter.get("required") and not was:
                yield f"{name} {key[1]} in {key[0]} is required now"

    def _body(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        if new.get("required") and not old.get("required"):
            yield f"{name} requires a body now"
        for media, content in old.get("content", {}).items():
            if media not in new.get("content", {}):
                yield f"{name} no longer takes {media}"
            else:
                both = content["schema"], new["content"][media]["schema"]
                yield from self._taken(f"{name} body", *both, 0)

    def _taken(self, place: str, old: Schema, new: Schema, depth: int) -> Iterator[str]:
        """What was good to send must stay good to send."""
        old, new = _followed(old, self.old), _followed(new, self.new)
        if depth > MOST_DEPTH:
            return
        if _several(old, new):
            for before in _branches(old):
                yield from _least(self._taken, place, [(before, a) for a in _branches(new)], depth)
            return
        yield from _missing(place, "takes", _types(old), _types(new))
        yield from _tighter(place, old, new)
        if "enum" in new:
            if "enum" not in old:
                yield f"{place} takes only {', '.join(map(str, new['enum']))} now"
            else:
                yield from _missing(place, "takes", old["enum"], new["enum"])
        for name in sorted(set(new.get("required", [])) - set(old.get("required", []))):
            yield f"{place}/{name} is required now"
        known, closed = new.get("properties", {}), new.get("additionalProperties") is False
        for name, before in old.get("properties", {}).items():
            if name in known:
                yield from self._taken(f"{place}/{name}", before, known[name], depth + 1)
            elif closed:
                yield f"{place}/{name} is no longer taken"
        if "items" in old and "items" in new:
            yield from self._taken(f"{place}/*", old["items"], new["items"], depth + 1)

    def _given(self, place: str, old: Schema, new: Schema, depth: int) -> Iterator[str]:
        """What a client reads must still be there, and still of a kind that it knows."""
        old, new = _followed(old, self.old), _followed(new, self.new)
        if depth > MOST_DEPTH:
            return
        if _several(old, new):
            for after in _branches(new):
                yield from _least(self._given, place, [(b, after) for b in _branches(old)], depth)
            return
        for kind in sorted(set(_types(new)) - set(_types(old)) if _types(old) else ()):
            yield f"{place} can be {kind} now"
        known, sure = new.get("properties", {}), new.get("required", [])
        for name, before in old.get("properties", {}).items():
            if name not in known:
                yield f"{place}/{name} is gone"
                continue
            if name in old.get("required", []) and name not in sure:
                yield f"{place}/{name} can be missing now"
            yield from self._given(f"{place}/{name}", before, known[name], depth + 1)
        if "items" in old and "items" in new:
            yield from self._given(f"{place}/*", old["items"], new["items"], depth + 1)


def _followed(schema: Schema, document: Schema) -> Schema:
    """The schema itself, where a reference stands for it."""
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def _types(schema: Schema) -> list[str]:
    """The JSON types that a schema names; none where it leaves them open."""
    named = schema.get("type", [])
    return [named] if isinstance(named, str) else list(named)


def _branches(schema: Schema) -> list[Schema]:
    """The schemas of which a value follows one; the schema itself, where it names none."""
    return list(schema.get("anyOf") or schema.get("oneOf") or [schema])


def _several(old: Schema, new: Schema) -> bool:
    return len(_branches(old)) > 1 or len(_branches(new)) > 1


def _least(told: Told, place: str, pairs: list[tuple[Schema, Schema]], depth: int) -> list[str]:
    """What breaks between the two of the pair that fits best; nothing, where one fits."""
    return min((list(told(place, *pair, depth + 1)) for pair in pairs), key=len)


def _tighter(place: str, old: Schema, new: Schema) -> Iterator[str]:
    """Limits on what may be sent that were looser, or were not there."""
    for name, is_tighter in LIMITS.items():
        if name in new and (name not in old or is_tighter(new[name], old[name])):
            yield f"{place} has {name} {new[name]} now"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{place} has to match {new['pattern']} now"
    if _types(new) and not _types(old) and "enum" not in old:
        yield f"{place} takes only {', '.join(_types(new))} now"


def _missing(place: str, verb: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    for value in old if new else ():
        if value not in new:
            yield f"{place} no longer {verb} {value}"

"""What a client of the released API would stumble over in the present one.

Answers may say more and requests may leave more out; never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
MOST_DEPTH = 12


def breaks(released: Schema, present: Schema) -> list[str]:
    """Every breaking change between two OpenAPI documents, each as a sentence."""
    return list(_Comparison(released, present).paths())


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
        yield from _missing(place, "takes", _types(old), _types(new))
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


def _missing(place: str, verb: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    for value in old if new else ():
        if value not in new:
            yield f"{place} no longer {verb} {value}"

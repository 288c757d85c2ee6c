"""The words that a field may hold, as one component of the OpenAPI document wherever they stand.

Written out at each place they become, in a generated client, a type of their own for each: a
licence that was read from one answer could not be sent with the next request.
"""

from __future__ import annotations

from typing import Any

from apps.accounts.models import Role, Scope
from apps.api import versions
from apps.builds.models import Verdict as BuildVerdict
from apps.builds.stages import Stage as BuildStage
from apps.contributions.models import Consent, Kind, Licence
from apps.contributions.stages import Stage
from apps.reviews.models import Verdict
from apps.rollouts.stages import Stage as RolloutStage

Schema = dict[str, Any]

CHOICES = {
    "Licence": ("Under which licence rows are given", Licence),
    "Consent": ("What may be done with rows, from least to most", Consent),
    "Kind": ("What a contribution consists of", Kind),
    "Stage": ("Where a contribution is", Stage),
    "BuildStage": ("Where a build is", BuildStage),
    "BuildVerdict": ("What comparing a build came to", BuildVerdict),
    "RolloutStage": ("Where a rollout is", RolloutStage),
    "Verdict": ("What a reviewer decides", Verdict),
    "Role": ("What an account may do", Role),
    "Scope": ("What a token may be used for", Scope),
}
# What drf-spectacular writes beside the words of a form: the words and their labels once more.
LABELS = "* `"


def components() -> dict[str, Schema]:
    """Each list of words that has a name."""
    found: dict[str, Schema] = {}
    for name, (meaning, choices) in CHOICES.items():
        labels = {word: str(label) for word, label in choices.choices if word}
        lines = [f"{LABELS}{word}` - {label}" for word, label in labels.items()]
        found[name] = _texts([*labels], "\n".join([f"{meaning}:", *lines]))
    days = "The day on which a version of this API was fixed"
    return found | {"ApiVersion": _texts([*versions.VERSIONS], days)}


def named(result: Schema, **_: Any) -> Schema:
    """The document with these words as components of their own (a hook of drf-spectacular)."""
    apart = components()
    names = {tuple(words["enum"]): name for name, words in apart.items()}
    found: Schema = _referring(result, names)
    schemas = found["components"]["schemas"] | apart
    found["components"]["schemas"] = dict(sorted(schemas.items()))
    return found


def _texts(words: list[str], description: str) -> Schema:
    return {"type": "string", "enum": words, "description": description}


def _referring(node: Any, names: dict[tuple[str, ...], str]) -> Any:
    if isinstance(node, list):
        return [_referring(one, names) for one in node]
    if not isinstance(node, dict):
        return node
    words = node.get("enum")
    if isinstance(words, list) and (name := names.get(tuple(words))):
        return {"$ref": f"#/components/schemas/{name}"} | _of_the_place(node)
    return {key: _referring(value, names) for key, value in node.items()}


def _of_the_place(node: Schema) -> Schema:
    """What is said of the field, and not of its words."""
    return {
        key: node[key]
        for key in ("description", "default")
        if key in node and not str(node[key]).startswith(LABELS)
    }

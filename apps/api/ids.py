"""Ids that say what they name (`pr_12`), beside the plain number that people say aloud.

Every resource shows both, and every address takes either. The prefixes are a table, so that no two
kinds can share one.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.urls import register_converter
from rest_framework import serializers

from apps.accounts.models import Token
from apps.builds.models import Build
from apps.checks.models import Finding
from apps.community.models import Dispatch, Endpoint
from apps.contributions.models import Comment, Contribution
from apps.history.models import Event
from apps.reviews.models import Decision
from apps.rollouts.models import Rollout
from apps.traces.models import Trace

PREFIXES: dict[type[Model], str] = {
    Contribution: "pr",
    Comment: "comment",
    Finding: "finding",
    Decision: "decision",
    Build: "build",
    Rollout: "rollout",
    Trace: "tr",
    Token: "token",
    Event: "evt",
    Endpoint: "we",
    Dispatch: "dlv",
}
# Of each of these there is a converter: `contributions/<pr:number>`.
ADDRESSED = (Contribution, Build, Rollout, Token, Endpoint, Dispatch)
# A BIGINT holds any number of eighteen digits.
DIGITS = 18


def id_of(shown: Model) -> str:
    """The id that a client sees."""
    return f"{PREFIXES[type(shown)]}_{shown.pk}"


def named(kind: type[Model], number: int | None) -> str | None:
    """The id of something by its number alone; None where there is none."""
    return None if number is None else f"{PREFIXES[kind]}_{number}"


def number_in(text: str, kind: type[Model]) -> int | None:
    """The number that a client means by `12` or `pr_12`; None when it is neither."""
    digits = text.removeprefix(f"{PREFIXES[kind]}_")
    good = digits.isascii() and digits.isdigit() and len(digits) <= DIGITS
    return int(digits) if good else None


class Number(serializers.Field[Any, Any, Any, Any]):
    """A number in a body, as it is or as the id of its kind."""

    default_error_messages = {"invalid": "this is neither a number nor an id such as {example}"}

    def __init__(self, kind: type[Model], **more: Any) -> None:
        self.kind = kind
        super().__init__(**more)

    def to_internal_value(self, data: Any) -> int:
        """The number; a number may come as JSON's own or as an id."""
        if isinstance(data, int) and not isinstance(data, bool) and 0 < data < 10**DIGITS:
            return data
        number = number_in(data, self.kind) if isinstance(data, str) else None
        if not number:
            self.fail("invalid", example=f"{PREFIXES[self.kind]}_12")
        return number

    def to_representation(self, value: Any) -> Any:
        return value


def pattern_of(prefix: str) -> str:
    """What an address says of a thing: its number, alone or behind its prefix."""
    return rf"(?:{prefix}_)?[0-9]{{1,{DIGITS}}}"


def _register(kind: type[Model]) -> None:
    """A converter for addresses under the prefix's own name: `contributions/<pr:number>`."""
    prefix = PREFIXES[kind]

    class Converter:
        regex = pattern_of(prefix)

        def to_python(self, text: str) -> int:
            return int(text.removeprefix(f"{prefix}_"))

        def to_url(self, value: Any) -> str:
            return str(value)

    register_converter(Converter, prefix)


for kind in ADDRESSED:
    _register(kind)

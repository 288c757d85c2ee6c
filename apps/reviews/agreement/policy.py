"""Which PRs need more than one voice, and what is drawn, as the line's policy says.

The numbers stand in the line's policy under `review`, `agreement`; those below hold where it says
nothing. Two kinds of reasons ask for another voice. A *risk* always does, however few reviewers
there are: a PR that could do harm waits rather than passes on one person's word. The *draw* is a
measurement, and only asks where enough reviewers are there to give its voices and to adjudicate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from apps.skills.models import ModelLine

OVERRIDE, FLAGGED, NEWCOMER, PROTECTED = "override", "flagged", "newcomer", "protected"
OVERLAP, GOLD = "overlap", "gold"
RISKS = frozenset((OVERRIDE, FLAGGED, NEWCOMER, PROTECTED))

REASONS = {
    OVERRIDE: _("it was in quarantine, and people overruled the screens"),
    FLAGGED: _("a screen flagged it"),
    NEWCOMER: _("its author is new here, and it has many rows"),
    PROTECTED: _("it has many rows for a protected skill"),
    OVERLAP: _("it was drawn, to measure how well reviewers agree"),
}


@dataclass(frozen=True)
class AgreementPolicy:
    """How many voices a PR gets, and what is drawn.

    overlap         share of PRs drawn for several voices
    voices          how many vote before any vote is opened
    agreeing        how many of them have to say the same; else one more person decides
    second_for      the risks that ask for as many voices as a draw does
    newcomer_below  an author with fewer accepted PRs is new
    many_rows       what a newcomer or a protected skill needs a second voice for; some 50 rows are
                    enough to plant a behaviour, a handful is not
    waits           days until a round closes without those who never came
    gold            share of a reviewer's items whose verdict is known
    gold_answers    after so many answers a gold item is taken away
    audit           share of decisions that are looked at again
    signal          rate of false discoveries among signals
    """

    overlap: float = 0.05
    voices: int = 2
    agreeing: int = 2
    second_for: tuple[str, ...] = (OVERRIDE, FLAGGED, NEWCOMER, PROTECTED)
    newcomer_below: int = 3
    many_rows: int = 20
    waits: float = 3.0
    gold: float = 0.03
    gold_answers: int = 10
    audit: float = 0.02
    signal: float = 0.01

    def __post_init__(self) -> None:
        for name in ("overlap", "gold", "audit", "signal"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share between 0 and 1, not {getattr(self, name)}")
        if not 1 <= self.agreeing <= self.voices:
            raise ValueError(f"{self.agreeing} of {self.voices} voices cannot agree")
        if self.agreeing * 2 <= self.voices:
            raise ValueError("less than a majority would let two verdicts win at once")

    @classmethod
    def of(cls, line: ModelLine) -> AgreementPolicy:
        """The policy of a line."""
        said: dict[str, Any] = line.policy.get("review", {}).get("agreement", {})
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in said.items() if name in known}
        if "second_for" in values:
            values["second_for"] = tuple(values["second_for"])
        return cls(**values)

    @property
    def patience(self) -> timedelta:
        """How long a round waits for those who never came."""
        return timedelta(days=self.waits)


@dataclass(frozen=True)
class Asked:
    """How many voices one PR needs, and the codes of why."""

    voices: int = 1
    agreeing: int = 1
    because: tuple[str, ...] = ()


def asked(policy: AgreementPolicy, bears: Mapping[str, bool], *, drawn: bool) -> Asked:
    """What the policy asks for a PR that bears these risks, or was drawn.

    The draw is a reason only where there is no better one.
    """
    because = tuple(code for code in policy.second_for if bears.get(code))
    if not because and drawn:
        because = (OVERLAP,)
    return Asked(policy.voices, policy.agreeing, because) if because else Asked()


def drawn_in_secret(what: str, digest: str, share: float) -> bool:
    """A draw that an author cannot foresee: else they would change a comma until they escape it."""
    mac = salted_hmac(f"openflywheel.{what}", digest, algorithm="sha256").hexdigest()
    return share_of(mac) < share


def drawn_in_public(what: str, digest: str, share: float) -> bool:
    """A draw that anybody can repeat; `digest` is one that nobody could choose (an event's)."""
    return share_of(sha256(f"openflywheel.{what}|{digest}".encode()).hexdigest()) < share


def share_of(digest: str) -> float:
    """The place of a hexadecimal digest between 0 and 1."""
    return int(digest[:13], 16) / 16**13

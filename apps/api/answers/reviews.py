"""The queue, several voices and second looks, as the API shows them."""

from __future__ import annotations

from dataclasses import asdict
from math import ceil
from typing import Any

from apps.api.ids import id_of
from apps.reviews.agreement.models import Alpha, Audit
from apps.reviews.agreement.queries import Overturned, Voices
from apps.reviews.agreement.voting import Awaited
from apps.reviews.desk.models import Appeal
from apps.reviews.models import Claim, Habits, Tie
from apps.reviews.queue.worth import Score


def awaits(stored: Awaited | Voices) -> dict[str, Any]:
    """How many verdicts are in and what is missing; never which way they went."""
    weight = stored.given + stored.halves / 2
    missing = max(1, ceil(stored.of - weight))
    return {
        "given": stored.given,
        "of": stored.of,
        "because": list(stored.because),
        "adjudication": stored.adjudication,
        "halves": stored.halves,
        "needs": "one more reviewer, whose verdict decides"
        if stored.adjudication
        else f"{missing} more reviewer{'s' if missing > 1 else ''}, each on their own",
    }


def alpha(one: Alpha) -> dict[str, Any]:
    """Krippendorff's alpha of one week."""
    return {
        "week": one.week.isoformat(),
        "skill": one.skill.name if one.skill else None,
        "alpha": one.alpha,
        "low": one.low,
        "high": one.high,
        "items": one.items,
        "voices": one.voices,
    }


def overturned(rate: Overturned) -> dict[str, Any]:
    """The overturn rate with its interval."""
    low, high = rate.interval or (None, None)
    return {
        "answered": rate.answered,
        "overturned": rate.overturned,
        "waiting": rate.waiting,
        "rate": rate.rate,
        "low": low,
        "high": high,
    }


def audit(shown: Audit) -> dict[str, Any]:
    """A decision that was looked at again."""
    first = shown.decision
    return {
        "contribution": id_of(first.contribution),
        "decision": id_of(first),
        "event": shown.event,
        "first": {"reviewer": first.reviewer.username, "verdict": first.verdict},
        "second": {"reviewer": str(shown.auditor), "verdict": shown.verdict},
        "because": shown.because,
        "overturned": shown.overturned,
        "at": shown.answered_at,
    }


def appeal(made: Appeal) -> dict[str, Any]:
    """An appeal against a rejection; who heard it and what came of it, once somebody has."""
    return {
        "contribution": id_of(made.contribution),
        "number": made.contribution_id,
        "rejection": id_of(made.decision),
        "words": made.words,
        "made_at": made.made_at,
        "outcome": made.outcome or None,
        "heard_by": made.heard_by.username if made.heard_by else None,
        "because": made.because,
        "heard_at": made.heard_at,
    }


def claim(held: Claim) -> dict[str, Any]:
    """Until when an item is held; whoever has it open claims it again before that."""
    return {"number": held.contribution_id, "by": held.reviewer.username, "until": held.expires_at}


def score(shown: Score) -> dict[str, Any]:
    """Why an item is offered, as numbers and as a sentence."""
    return {
        "value": shown.value,
        "factors": [asdict(factor) for factor in shown.factors],
        "says": shown.says,
    }


def habits(told: Habits | None) -> dict[str, Any]:
    """A reviewer's habits; who has told none takes whatever comes."""
    if told is None:
        nothing = {"cap": None, "quiet_from": None, "quiet_until": None}
        return {"skills": [], **nothing, "time_zone": "UTC"}
    return {
        "skills": sorted(skill.name for skill in told.skills.all()),
        "cap": told.cap,
        "quiet_from": told.quiet_from and f"{told.quiet_from:%H:%M}",
        "quiet_until": told.quiet_until and f"{told.quiet_until:%H:%M}",
        "time_zone": told.time_zone,
    }


def tie(found: Tie) -> dict[str, Any]:
    """Evidence that two accounts may be one person's."""
    return {
        "number": found.pk,
        "accounts": [found.one.username, found.other.username],
        "kind": found.kind,
        "says": str(found),
        "evidence": found.evidence,
        "found_at": found.found_at,
        "dismissed_by": found.dismissed_by.username if found.dismissed_by else None,
        "dismissed_because": found.dismissed_because,
    }

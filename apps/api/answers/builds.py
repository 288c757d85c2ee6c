"""Builds, rollouts and blind pairs, as the API shows them."""

from __future__ import annotations

from typing import Any

from apps.api.ids import id_of
from apps.builds.models import Build
from apps.rollouts.models import Look, Rollout
from apps.traces.actions import shadow_is_a
from apps.traces.models import Trace


def build(shown: Build) -> dict[str, Any]:
    """A build as it stands in a list."""
    return {
        "id": id_of(shown),
        "number": shown.pk,
        "stage": shown.stage,
        "reason": shown.reason,
        "row_count": shown.row_count,
        "progress": {"done": shown.steps_done, "total": shown.steps_total},
        "adapter": shown.adapter or None,
        "digest": shown.digest or None,
        "verdict": shown.verdict or None,
        "verdict_reasons": shown.verdict_reasons,
        "overridden_by": str(shown.verdict_overridden_by) if shown.verdict_overridden_by else None,
        "overridden_because": shown.verdict_overridden_because,
        "created_at": shown.created_at,
        "ended_at": shown.ended_at,
        "shipped_at": shown.shipped_at,
    }


def build_page(shown: Build) -> dict[str, Any]:
    """A build with its manifest and its comparison; folders of this machine are left out."""
    entries = shown.entries.values("contribution", "revision", "digest", "row_count")
    return build(shown) | {
        "asked_by": str(shown.asked_by) if shown.asked_by else None,
        "live_digest": shown.live_digest,
        "contributions": list(entries),
        "report": shown.report,
    }


def rollout(shown: Rollout) -> dict[str, Any]:
    """A rollout as it stands in a list."""
    return {
        "id": id_of(shown),
        "number": shown.pk,
        "channel": shown.channel.name,
        "candidate": shown.candidate.name,
        "incumbent": shown.incumbent.name,
        "build": shown.candidate.build_id,
        "stage": shown.stage,
        "percent": shown.percent,
        "reason": shown.reason,
        "created_at": shown.created_at,
        "ended_at": shown.ended_at,
    }


def rollout_page(shown: Rollout, *, requests: int) -> dict[str, Any]:
    """A rollout with its criteria, its running statistics and every look of the gates."""
    return rollout(shown) | {
        "started_by": str(shown.started_by) if shown.started_by else None,
        "requests": requests,
        "criteria": shown.criteria,
        "statistics": shown.statistics,
        "looks": [look(taken) for taken in shown.looks.all()],
    }


def look(taken: Look) -> dict[str, Any]:
    """One look of the gates."""
    return {
        "at": taken.at,
        "stage": taken.stage,
        "percent": taken.percent,
        "requests": taken.requests,
        "judged": taken.judged,
        "decision": taken.decision,
        "reason": taken.reason,
        "statistics": taken.statistics,
    }


def pair(shadow: Trace) -> dict[str, Any]:
    """Two answers to one request; which of them is the candidate's is not said."""
    live = shadow.mirror_of.answer if shadow.mirror_of else ""
    first, second = (shadow.answer, live) if shadow_is_a(shadow) else (live, shadow.answer)
    return {
        "pair": shadow.public_id,
        "skill": shadow.skill.name if shadow.skill else None,
        "messages": shadow.messages,
        "a": first,
        "b": second,
    }

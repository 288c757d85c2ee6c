"""ETags: strong ones of what was shown, and the part of them by which an edit is guarded.

The tag of a PR is `"<state>.<content>"`. The second part names the bytes; the first names what an
edit can change, so that a comment by somebody else does not spoil an edit under way.
"""

from __future__ import annotations

import hashlib
import json

from django.http import HttpResponse
from rest_framework.request import Request

from apps.api.problems import Problem
from apps.contributions.models import Contribution

LENGTH = 20


def state_of(contribution: Contribution) -> str:
    """What an edit takes for granted: the words, the skill, the stage and the rows."""
    taken = [
        *(contribution.title, contribution.description, contribution.skill_id),
        *(contribution.stage, contribution.revision, contribution.digest),
    ]
    return _short(json.dumps([contribution.pk, *taken]).encode())


def tag(response: HttpResponse, state: str = "") -> str:
    """The ETag of a rendered response."""
    content = _short(response.content)
    return f'"{state}.{content}"' if state else f'"{content}"'


def unchanged(request: Request, known: str) -> bool:
    """Whether the client has exactly this already (If-None-Match, by weak comparison)."""
    asked = _tags(request.headers.get("If-None-Match", ""))
    return "*" in asked or known.strip('"') in asked


def ensure_matches(request: Request, contribution: Contribution) -> None:
    """A Problem unless If-Match names the state in which the contribution is now (428, 412)."""
    header = request.headers.get("If-Match")
    if header is None:
        raise Problem(
            "if_match_missing",
            f"send If-Match with the ETag that GET {request.path} gave you, so that nobody's "
            "edit is lost",
        )
    states = {known.partition(".")[0] for known in _tags(header, strong=True)}
    if "*" not in states and state_of(contribution) not in states:
        raise stale(contribution)


def stale(contribution: Contribution) -> Problem:
    """The refusal of an edit that was made on something that has changed since."""
    return Problem(
        "changed_since", f"{contribution} has changed since you read it; GET it and edit again"
    )


def _tags(header: str, *, strong: bool = False) -> set[str]:
    """The opaque parts of a list of entity tags; weak ones never match an If-Match."""
    entries = [entry.strip() for entry in header.split(",") if entry.strip()]
    if strong:
        entries = [entry for entry in entries if not entry.startswith("W/")]
    return {entry.removeprefix("W/").strip('"') for entry in entries}


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:LENGTH]

"""PRs with all that stands on their pages, as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from rest_framework.request import Request

from apps.accounts.models import Account
from apps.api.answers.accounts import person
from apps.api.answers.reviews import awaits
from apps.api.ids import id_of
from apps.api.paging import link_after
from apps.builds.models import Hold
from apps.checks.models import Finding
from apps.checks.queries import findings_of, findings_on
from apps.community.life import Hop
from apps.contributions.discussion.queries import published
from apps.contributions.models import Comment, Consent, Contribution, Revision, Row
from apps.contributions.rules import is_author, may_see_rows
from apps.contributions.stages import Stage
from apps.reviews.agreement.queries import voices_on
from apps.reviews.desk.appealing import appeals_on, way_back
from apps.reviews.evidence.queries import Shown
from apps.reviews.models import Decision
from apps.reviews.queries import decisions_on, decisions_on_each
from apps.reviews.queue.promises import Promise, promise_of
from apps.reviews.rules import may_decide

Person = Account | AnonymousUser


# Whose turn it is at each stage, and what they do.
TURNS: dict[str, tuple[str, str]] = {
    Stage.DRAFT: ("author", "submit it"),
    Stage.SUBMITTED: ("checks", "screen it; no person needs to act"),
    Stage.IN_REVIEW: ("reviewer", "decide on it"),
    Stage.QUARANTINED: ("maintainer", "look at what the screens found, release or reject it"),
    Stage.CHANGES_REQUESTED: ("author", "send a revision"),
    Stage.ACCEPTED: ("builds", "take it into the next build; no person needs to act"),
    # (A list does not ask which of the two is left; `_next` does.)
    Stage.REJECTED: ("author", "send a revision that mends it, or appeal"),
    Stage.WITHDRAWN: ("nobody", "it has ended"),
}

# Of a long discussion; what came before has a list of its own.
COMMENTS_SHOWN = 50
STRANDED = {
    "who": "maintainer",
    "what": "find another reviewer; nobody who is there may give the review that is missing",
}
UNTRAINED = ("nobody", "it is accepted, and no build takes it in")


def contribution(shown: Contribution, request: Request) -> dict[str, Any]:
    """A contribution as it stands in a list."""
    fields = {
        "id": id_of(shown),
        "number": shown.pk,
        "url": request.build_absolute_uri(reverse("api:contribution", args=[shown.pk])),
        "page": request.build_absolute_uri(shown.get_absolute_url()),
        "title": shown.title,
        "kind": shown.kind,
        "skill": shown.skill.name if shown.skill else None,
        "author": shown.author.username,
        "stage": shown.stage,
        "acts_next": _turn(shown),
        "licence": shown.licence,
        "consent": shown.consent,
        "revision": shown.revision,
        "digest": shown.digest,
        "row_count": shown.row_count,
        "created_at": shown.created_at,
        "submitted_at": shown.submitted_at,
    }
    # The sender's own name for it may say more than they want to say to everybody.
    return fields | {"batch": shown.batch} if is_author(request.user, shown) else fields


# What `?expand=` may put in the place of a name, or add.
EXPANSIONS = ("author", "checks", "decisions")


def expanded(
    shown: Sequence[Contribution], wanted: Sequence[str], request: Request
) -> dict[int, dict[str, Any]]:
    """For each contribution what `?expand=` asks for; a query or two, however many there are."""
    more: dict[int, dict[str, Any]] = {one.pk: {} for one in shown}
    if "author" in wanted:
        for one in shown:
            more[one.pk]["author"] = person(one.author)
    if "checks" in wanted:
        for one in shown:
            more[one.pk]["checks"] = []
        decides, by_number = may_decide(request.user), {one.pk: one for one in shown}
        for number, found in findings_on(shown):
            sees_rows = may_see_rows(request.user, by_number[number])
            more[number]["checks"].append(finding(found, sees_rows=sees_rows, decides=decides))
    if "decisions" in wanted:
        for one in shown:
            more[one.pk]["decisions"] = []
        for taken in decisions_on_each(shown):
            more[taken.contribution_id]["decisions"].append(decision(taken))
    return more


def contribution_page(shown: Contribution, request: Request) -> dict[str, Any]:
    """A contribution with everything that was found, said and decided about it."""
    sees_rows = may_see_rows(request.user, shown)
    rows = reverse("api:contribution-rows", args=[shown.pk])
    decisions, voices = list(decisions_on(shown)), voices_on(shown)
    stranded = shown.stage == Stage.IN_REVIEW and bool(voices and voices.stranded_at)
    return contribution(shown, request) | {
        "acts_next": STRANDED if stranded else _next(shown, decisions),
        "description": shown.description,
        "answer": None if stranded else promise(promise_of(shown)),
        "signed_off": shown.signed_off,
        "source": shown.source,
        "rows_url": request.build_absolute_uri(rows) if sees_rows else None,
        "held": held(Hold.objects.filter(contribution=shown).select_related("by").first()),
        "findings": [
            finding(found, sees_rows=sees_rows, decides=may_decide(request.user))
            for found in findings_of(shown).select_related("dismissed_by")
        ],
        "decisions": [decision(taken) for taken in decisions],
        "awaits": awaits(voices) if voices else None,
        "revisions": [revision(sent, sees_rows=sees_rows) for sent in shown.revisions.all()],
        **_comments(shown, request),
    }


def _comments(shown: Contribution, request: Request) -> dict[str, Any]:
    """The latest of the discussion, oldest first, and where those before them are."""
    said = list(published(shown, request.user).order_by("-pk")[: COMMENTS_SHOWN + 1])
    latest, more = said[:COMMENTS_SHOWN], len(said) > COMMENTS_SHOWN
    address = request.build_absolute_uri(reverse("api:comments", args=[shown.pk]))
    return {
        "comments": [comment(one) for one in reversed(latest)],
        "comments_next": link_after(latest[-1], address) if more else None,
    }


def _next(shown: Contribution, decisions: Sequence[Decision]) -> dict[str, str]:
    """Whose turn it is, to the last word: after a rejection it depends on what is left."""
    if shown.stage != Stage.REJECTED:
        return _turn(shown)
    left = way_back(shown, made=appeals_on(shown).first(), decisions=decisions)
    if left.hearing:
        return {"who": "reviewer", "what": "hear the appeal"}
    revision = "send a revision that mends it" if left.revision else ""
    appeal = "appeal" if left.appeal else ""
    if not (revision or appeal):
        return {"who": "nobody", "what": "it has ended"}
    return {"who": "author", "what": ", or ".join(filter(None, (revision, appeal)))}


def _turn(shown: Contribution) -> dict[str, str]:
    """Whose turn it is, by what a list knows."""
    trains = shown.consent == Consent.TRAIN and shown.reverts_id is None
    accepted = shown.stage == Stage.ACCEPTED
    who, what = UNTRAINED if accepted and not trains else TURNS[shown.stage]
    return {"who": who, "what": what}


def held(hold: Hold | None) -> dict[str, Any] | None:
    """Why an accepted contribution is kept out of builds, if it is."""
    if hold is None:
        return None
    return {"by": hold.by.username, "because": hold.because, "since": hold.created_at}


def finding(found: Finding, *, sees_rows: bool, decides: bool) -> dict[str, Any]:
    """What a screen found; its words can quote rows, so they are shown to whom sees the rows."""
    fields: dict[str, Any] = {
        "id": id_of(found),
        "number": found.pk,
        "screen": found.screen,
        "severity": found.severity,
        "dismissed": found.dismissed_by is not None,
        "dismissed_because": found.dismissed_because,
    }
    if sees_rows:
        fields |= {"rows": found.rows, "message": found.message, "mend": found.mend}
    return fields | {"evidence": found.evidence} if decides else fields


def decision(taken: Decision) -> dict[str, Any]:
    """One person's verdict."""
    return {
        "id": id_of(taken),
        "number": taken.pk,
        "reviewer": taken.reviewer.username,
        "verdict": taken.verdict,
        "because": taken.because,
        "revision": taken.revision,
        "digest": taken.digest,
        "override": taken.override,
        "at": taken.created_at,
    }


def promise(given: Promise | None) -> dict[str, Any] | None:
    """By when somebody answers, and what that rests on."""
    if given is None:
        return None
    return {
        "by": given.by,
        "seconds": round(given.seconds),
        "measured": given.measured,
        "full": given.full,
        "held_back": given.held_back,
        "says": given.says(),
    }


def revision(sent: Revision, *, sees_rows: bool) -> dict[str, Any]:
    """A version of the rows, and what could not be kept of it."""
    fields = {
        "number": sent.number,
        "digest": sent.digest,
        "note": sent.note,
        "at": sent.created_at,
        "refused_count": len(sent.refused),
    }
    return fields | {"refused": sent.refused} if sees_rows else fields


def comment(said: Comment) -> dict[str, Any]:
    """A line of the discussion."""
    return {
        "id": id_of(said),
        "number": said.pk,
        "author": said.author.username,
        "text": said.text,
        "at": said.created_at,
    }


def row(shown: Row) -> dict[str, Any]:
    """A row with the fields that it has, under the names that TRL reads."""
    fields: dict[str, Any] = {
        "position": shown.position,
        "skill": shown.skill.name if shown.skill else None,
        "prompt": shown.prompt,
    }
    if shown.context:
        fields["context"] = shown.context
    for name in ("completion", "chosen", "rejected", "original", "client_id"):
        if text := getattr(shown, name):
            fields[name] = text
    if shown.label is not None:
        fields["label"] = shown.label
    if shown.stars is not None:
        fields["stars"] = shown.stars
    if shown.trace_id is not None:
        fields["trace"] = f"tr_{shown.trace_id}"
    if shown.feedback is not None:
        fields["feedback"] = f"fb_{shown.feedback}"
    return fields | {"digest": shown.digest}


def hops(life: Sequence[Hop]) -> list[dict[str, Any]]:
    """Every station of a contribution's life."""
    told = ("kind", "id", "at", "title", "because", "facts")
    return [{name: getattr(hop, name) for name in told} for hop in life]


def evidence(told: Shown, number: int, *, rows_seen: bool) -> dict[str, Any]:
    """What was measured of a PR's rows; answers only for those who may read the rows."""
    found = told.evidence
    counts = ("asked", "failing", "fixed", "spoiled", "cases", "broken")
    return {
        "number": number,
        "preview": True,
        "state": str(told.state),
        "reason": found.reason if found else "",
        "revision": found.revision if found else None,
        "version": found.version_name if found else None,
        "current": told.current,
        **{name: getattr(found, name, None) for name in counts},
        "measured_at": found.ended_at if found else None,
        "rows": found.answers if found and rows_seen else [],
        "kept": found.kept if found and rows_seen else [],
    }

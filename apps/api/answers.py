"""How things look to a client: plain dictionaries, each field named here and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from rest_framework.request import Request

from apps.accounts.models import Account, Token
from apps.api.ids import id_of
from apps.builds.models import Build, Hold
from apps.checks.models import Finding
from apps.checks.queries import findings_of, findings_on
from apps.community.life import Hop
from apps.community.models import Dispatch, Endpoint, Notice
from apps.community.news import kind_of_news
from apps.community.queries import Leaderboard, sentence_of
from apps.contributions.discussion.queries import published
from apps.contributions.models import Comment, Contribution, Revision, Row
from apps.contributions.rules import is_author, may_see_rows
from apps.contributions.stages import Stage
from apps.history.models import Event, Proposal
from apps.reviews.agreement.models import Alpha, Audit
from apps.reviews.agreement.queries import Overturned, Voices, voices_on
from apps.reviews.agreement.voting import Awaited
from apps.reviews.evidence.queries import Shown
from apps.reviews.models import Claim, Decision, Habits, Tie
from apps.reviews.queries import decisions_on, decisions_on_each
from apps.reviews.queue.promises import Promise, promise_of
from apps.reviews.queue.worth import Score
from apps.reviews.rules import may_decide
from apps.rollouts.models import Look, Rollout
from apps.skills.models import Skill
from apps.traces import queries as traces
from apps.traces.actions import shadow_is_a
from apps.traces.models import Delivery, Trace, Unstored
from apps.traces.stages import Stage as DeliveryStage

Person = Account | AnonymousUser

# Whose turn it is at each stage, and what they do.
TURNS: dict[str, tuple[str, str]] = {
    Stage.DRAFT: ("author", "submit it"),
    Stage.SUBMITTED: ("checks", "screen it; no person needs to act"),
    Stage.IN_REVIEW: ("reviewer", "decide on it"),
    Stage.QUARANTINED: ("maintainer", "look at what the screens found, release or reject it"),
    Stage.CHANGES_REQUESTED: ("author", "send a revision"),
    Stage.ACCEPTED: ("builds", "take it into the next build; no person needs to act"),
    Stage.REJECTED: ("nobody", "it has ended"),
    Stage.WITHDRAWN: ("nobody", "it has ended"),
}


def account(shown: Account) -> dict[str, Any]:
    """A person as they see themselves."""
    return {"name": shown.username, "role": shown.role, "email": shown.email}


def token(shown: Token, text: str = "") -> dict[str, Any]:
    """A token; its text only in the answer that made it."""
    fields = {
        "id": id_of(shown),
        "number": shown.pk,
        "name": shown.name,
        "prefix": shown.prefix,
        "scopes": shown.scopes,
        "created_at": shown.created_at,
        "expires_at": shown.expires_at,
        "last_used_at": shown.last_used_at,
        "last_used_from": shown.last_used_from,
    }
    return fields | {"token": text} if text else fields


def skill(shown: Skill) -> dict[str, Any]:
    """What the model should be good at."""
    return {
        "name": shown.name,
        "title": shown.title,
        "description": shown.description,
        "protected": shown.protected,
        "margin": shown.margin,
    }


def contribution(shown: Contribution, request: Request) -> dict[str, Any]:
    """A contribution as it stands in a list."""
    who, what = TURNS[shown.stage]
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
        "acts_next": {"who": who, "what": what},
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


def person(shown: Account) -> dict[str, Any]:
    """An account as everybody sees it."""
    return {"name": shown.username, "role": shown.role, "joined_at": shown.date_joined}


def contribution_page(shown: Contribution, request: Request) -> dict[str, Any]:
    """A contribution with everything that was found, said and decided about it."""
    sees_rows = may_see_rows(request.user, shown)
    rows = reverse("api:contribution-rows", args=[shown.pk])
    return contribution(shown, request) | {
        "description": shown.description,
        "answer": promise(promise_of(shown)),
        "signed_off": shown.signed_off,
        "source": shown.source,
        "rows_url": request.build_absolute_uri(rows) if sees_rows else None,
        "held": held(Hold.objects.filter(contribution=shown).select_related("by").first()),
        "findings": [
            finding(found, sees_rows=sees_rows, decides=may_decide(request.user))
            for found in findings_of(shown).select_related("dismissed_by")
        ],
        "decisions": [decision(taken) for taken in decisions_on(shown)],
        "awaits": awaits(waiting) if (waiting := voices_on(shown)) else None,
        "revisions": [revision(sent, sees_rows=sees_rows) for sent in shown.revisions.all()],
        "comments": [comment(said) for said in published(shown, request.user)],
    }


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


def proposal(waiting: Proposal) -> dict[str, Any]:
    """What waits for a second person; they agree by sending the same request."""
    return {
        "action": waiting.action,
        "terms": waiting.terms,
        "because": waiting.because,
        "by": waiting.proposed_by.username,
        "at": waiting.proposed_at,
        "expires_at": waiting.expires_at,
        "needs": "a second person who sends the same request",
    }


def awaits(stored: Awaited | Voices) -> dict[str, Any]:
    """How many verdicts are in and what is missing; never which way they went."""
    missing = stored.of - stored.given
    return {
        "given": stored.given,
        "of": stored.of,
        "because": list(stored.because),
        "adjudication": stored.adjudication,
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


def service(shown: Account) -> dict[str, Any]:
    """A service account as its owner sees it."""
    return {"name": shown.username, "role": shown.role, "since": shown.date_joined}


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


def leaderboard(board: Leaderboard) -> dict[str, Any]:
    """Counts by week and by person, and how long it took to be served (seconds)."""
    return asdict(board)


def event(written: Event) -> dict[str, Any]:
    """A line of the record with everything that its digest covers."""
    return {
        "id": id_of(written),
        "number": written.pk,
        "subject": {"kind": written.subject_kind, "id": written.subject_id},
        "verb": written.verb,
        "left": written.left,
        "entered": written.entered,
        "actor": written.actor,
        "account": written.account_id,
        "because": written.because,
        "details": written.details,
        # As the digest reads it: to the microsecond.
        "at": written.at.isoformat(),
        "previous": written.previous,
        "digest": written.digest,
    }


def endpoint(shown: Endpoint) -> dict[str, Any]:
    """A webhook; its key only in the answer that made it."""
    return {
        "id": shown.public_id,
        "number": shown.pk,
        "url": shown.url,
        "wants": shown.wants,
        "own_only": shown.own_only,
        "algorithm": shown.algorithm,
        "created_at": shown.created_at,
        "failing_since": shown.failing_since,
        "disabled_at": shown.disabled_at,
        "disabled_because": shown.disabled_because,
    }


def delivery(shown: Dispatch) -> dict[str, Any]:
    """One message to one webhook, and how its last try went."""
    return {
        "id": shown.public_id,
        "number": shown.pk,
        "message": shown.message_id,
        "type": shown.kind,
        "body": json.loads(shown.body),
        "created_at": shown.created_at,
        "tries": shown.tries,
        "status": shown.status,
        "answer": shown.answer,
        "delivered_at": shown.delivered_at,
        "next_try_at": shown.next_try_at,
    }


def notice(shown: Notice) -> dict[str, Any]:
    """A line of the inbox."""
    return {
        "number": shown.pk,
        "text": sentence_of(shown),
        "type": kind_of_news(shown.event),
        "contribution": shown.contribution_id,
        "event": shown.event_id,
        "reason": shown.reason,
        "at": shown.event.at,
        "read_at": shown.read_at,
        "done_at": shown.done_at,
        "saved": shown.saved,
    }


def operation(delivery: Delivery) -> dict[str, Any]:
    """A large delivery and how far it is."""
    left = traces.bytes_left(delivery) if delivery.stage == DeliveryStage.WAITING else 0
    name = delivery.public_id
    return {
        "id": name,
        "stage": delivery.stage,
        "done": delivery.stage in (DeliveryStage.DONE, DeliveryStage.FAILED),
        "progress": round(1 - left / delivery.size, 3) if delivery.size else 0.0,
        "bytes": delivery.size,
        "counts": {
            "rows": delivery.rows,
            "stored": delivery.stored,
            "duplicate": delivery.duplicates,
            "refused": delivery.refused,
        },
        "terms": {"licence": delivery.licence, "consent": delivery.consent}
        if delivery.licence
        else None,
        "fault": delivery.fault or None,
        "received_at": delivery.received_at,
        "ended_at": delivery.ended_at,
        "links": {
            "self": reverse("api:operation", args=[name]),
            "rows": reverse("api:operation-rows", args=[name]),
        },
    }


def unstored(row: Unstored) -> dict[str, Any]:
    """A row of a delivery that was not stored."""
    if row.of:
        return {"row": row.row, "verdict": "duplicate", "of": row.of}
    return {
        "row": row.row,
        "verdict": "refused",
        "code": row.code,
        "pointer": f"/items/{row.row}/{row.pointer}".rstrip("/"),
        "detail": row.detail,
        "mend": row.mend,
    }

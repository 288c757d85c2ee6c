"""Deciding, and the list of what waits."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers, shapes
from apps.api.afresh import afresh
from apps.api.authentication import caller
from apps.api.bodies import DecisionTaken
from apps.api.calls import SWITCH, Call, Page
from apps.api.face import Face, flag
from apps.api.paging import OldestFirst
from apps.api.views.contributions import named
from apps.api.views.queue import upcoming
from apps.contributions.rules import may_see_rows
from apps.history.models import Proposal
from apps.reviews import actions, queries, rules
from apps.reviews.agreement.voting import Awaited
from apps.reviews.evidence.queries import shown
from apps.reviews.models import Decision, Verdict


class Queue(Face):
    """GET lists what the caller may decide on, oldest first; `quarantined=1` what was set aside."""

    scopes = {"GET": Scope.REVIEW}
    calls = {
        "GET": Call(
            {200: Page(shapes.Contribution)},
            query={"quarantined": SWITCH | {"description": "What was set aside"}},
            refuses=("not_a_reviewer",),
        )
    }

    def get(self, request: Request) -> Response:
        reviewer, aside = rules.ensure_reviewing(request.user), flag(request, "quarantined")
        if aside:
            rules.ensure_deciding(reviewer)
        waiting = queries.quarantine() if aside else queries.queue_for(reviewer)
        return self.paged(
            request, waiting, lambda shown: answers.contribution(shown, request), OldestFirst
        )


class Decisions(Face):
    """POST decides on the content that `digest` names; with `next` the answer brings the next item.

    202 says that it is stored and waits: for a second person who releases from quarantine too
    (`proposal`), or for the other reviewers whom the line's policy asks for (`awaits`). A rejection
    has a `reason` from a fixed list. What is decided here is in effect at once; the seconds to undo
    belong to the desk of the site.
    """

    scopes = {"POST": Scope.REVIEW}
    calls = {
        "POST": Call(
            {201: shapes.Decided, 202: shapes.DecisionProposed | shapes.DecisionAwaited},
            takes=DecisionTaken,
            refuses=(
                *("own_work", "affiliated", "not_a_reviewer", "stale", "reason_missing"),
                *("claimed_by_another", "review_refused", "move_refused"),
                *("voice_is_in", "sample_missing"),
            ),
            example={"verdict": "accept", "digest": "{digest}", "because": ""},
        )
    }

    def post(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        wish = self.read(DecisionTaken, request)
        more = {"reason": wish["reason"]} if wish["verdict"] == Verdict.REJECT else {}
        told = {"by": caller(request), "digest": wish["digest"], "because": wish["because"]}
        with afresh(contribution, request):
            taken = actions.VERDICTS[wish["verdict"]](contribution, **told, **more)
        shown = _told(taken) | answers.contribution(contribution, request)
        if wish["next"]:
            shown |= {"next": upcoming(caller(request), request)}
        return Response(shown, status=201 if isinstance(taken, Decision) else 202)


def _told(taken: Decision | Proposal | Awaited) -> dict[str, Any]:
    if isinstance(taken, Proposal):
        return {"proposal": answers.proposal(taken)}
    if isinstance(taken, Awaited):
        return {"awaits": answers.awaits(taken)}
    return {"decision": answers.decision(taken)}


class Measured(Face):
    """GET tells what the rows would do to the live model: its answers, and those of a preview."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.Evidence})}

    def get(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        rows_seen = may_see_rows(request.user, contribution)
        told = shown(contribution, rows_seen=rows_seen)
        return Response(answers.evidence(told, contribution.pk, rows_seen=rows_seen))

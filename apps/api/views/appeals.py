"""Appeals against a rejection: made by its author, heard by somebody else."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.bodies import AppealHeard, AppealMade
from apps.api.calls import Call, Page
from apps.api.face import Face, one
from apps.api.paging import OldestFirst
from apps.api.views.contributions import named
from apps.reviews.desk import appealing
from apps.reviews.rules import ensure_deciding


class Appeals(Face):
    """GET tells of the appeal against a rejection; POST makes it, once, in the author's words."""

    scopes = {"GET": None, "POST": Scope.CONTRIBUTE}
    calls = {
        "GET": Call({200: Page(shapes.Appeal)}),
        "POST": Call(
            {201: shapes.Appeal},
            takes=AppealMade,
            refuses=("not_yours", "reason_missing", "review_refused"),
            example={"words": "The guide says so on page 12."},
        ),
    }

    def get(self, request: Request, number: int) -> Response:
        return self.paged(request, appealing.appeals_on(named(request, number)), answers.appeal)

    def post(self, request: Request, number: int) -> Response:
        words = self.read(AppealMade, request)["words"]
        made = appealing.appeal(named(request, number), by=caller(request), words=words)
        return Response(answers.appeal(made), status=201)


class Hearing(Face):
    """POST lets the rejection stand, or takes it back: then the contribution waits for a new
    decision, by somebody else than who rejected it."""

    scopes = {"POST": Scope.REVIEW}
    calls = {
        "POST": Call(
            {200: shapes.Appeal},
            takes=AppealHeard,
            refuses=(
                *("own_work", "affiliated", "not_a_reviewer", "reason_missing"),
                *("review_refused", "move_refused"),
            ),
            example={"outcome": "overturned", "because": "The guide does say so."},
        )
    }

    def post(self, request: Request, number: int) -> Response:
        found = appealing.appeals_on(named(request, number))
        wish, made = self.read(AppealHeard, request), one(found, "appeal on", contribution=number)
        appealing.hear(made, by=caller(request), **wish)
        return Response(answers.appeal(made))


class OpenAppeals(Face):
    """GET lists the appeals that the caller may hear, oldest first."""

    scopes = {"GET": Scope.REVIEW}
    calls = {"GET": Call({200: Page(shapes.Appeal)}, refuses=("not_a_reviewer",))}

    def get(self, request: Request) -> Response:
        waiting = appealing.waiting_for(ensure_deciding(caller(request)))
        return self.paged(request, waiting, answers.appeal, OldestFirst)

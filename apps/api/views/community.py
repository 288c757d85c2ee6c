"""What everybody may see: the leaderboard and the record."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import answers, shapes
from apps.api.calls import Call, Page
from apps.api.face import Face
from apps.api.paging import OldestFirst
from apps.api.problems import Problem
from apps.community.queries import leaderboard
from apps.history.models import Event
from apps.skills.queries import the_line


class Board(Face):
    """GET counts PRs by week and by person, and says how long they took to be served."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.Leaderboard}, refuses=("no_model_line",))}

    def get(self, request: Request) -> Response:
        return Response(answers.leaderboard(leaderboard(the_line())))


class Events(Face):
    """GET reads the hash-chained record, oldest first; `kind` and `id` narrow it to one thing."""

    scopes = {"GET": None}
    parameters = frozenset({"kind", "id"})
    calls = {
        "GET": Call(
            {200: Page(shapes.Event)},
            query={
                "kind": {"type": "string", "description": "What the events are about"},
                "id": {"type": "string", "pattern": "^[0-9]{1,18}$", "description": "Which one"},
            },
        )
    }

    def get(self, request: Request) -> Response:
        events = Event.objects.all()
        if kind := request.query_params.get("kind"):
            events = events.filter(subject_kind=kind)
        if (number := request.query_params.get("id")) is not None:
            if not number.isascii() or not number.isdigit() or len(number) > 18:
                raise Problem("bad_parameter", "id is not a number")
            events = events.filter(subject_id=int(number))
        return self.paged(request, events, answers.event, OldestFirst)

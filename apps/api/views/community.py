"""What everybody may see: the leaderboard and the record."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import answers, ids, shapes
from apps.api.calls import Call, Page
from apps.api.face import Face
from apps.api.paging import OldestFirst
from apps.api.problems import Problem
from apps.community.queries import leaderboard
from apps.history.models import Event
from apps.history.queries import kind_of
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
    calls = {
        "GET": Call(
            {200: Page(shapes.Event)},
            query={
                "kind": {"type": "string", "description": "What the events are about"},
                "id": {
                    "type": "string",
                    "description": "Which one: a number, or an id such as pr_12",
                },
            },
        )
    }

    def get(self, request: Request) -> Response:
        events = Event.objects.all()
        if kind := request.query_params.get("kind"):
            events = events.filter(subject_kind=kind)
        if asked := request.query_params.get("id"):
            events = events.filter(**_subject(asked))
        return self.paged(request, events, answers.event, OldestFirst)


def _subject(asked: str) -> dict[str, Any]:
    """What `id` narrows to: a number of any kind of thing, or an id that says its kind."""
    for kind, prefix in ids.PREFIXES.items():
        number = ids.number_in(asked, kind)
        if number is not None and asked.startswith(f"{prefix}_"):
            return {"subject_id": number, "subject_kind": kind_of(kind())}
    if (number := ids.number_in(asked, Event)) is None:
        raise Problem("bad_parameter", "id is neither a number nor an id such as pr_12")
    return {"subject_id": number}

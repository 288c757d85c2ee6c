"""What one is told of: the inbox, and which PRs one follows."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.bodies import Following, Marks
from apps.api.calls import Call, Page
from apps.api.face import Face
from apps.api.problems import Problem
from apps.api.views.contributions import named
from apps.community import actions, queries

BOXES = ("inbox", "unread", "saved", "done")


class Inbox(Face):
    """GET lists what one was told, newest first, by `box`; POST marks lines of it."""

    scopes = {"GET": Scope.CONTRIBUTE, "POST": Scope.CONTRIBUTE}
    calls = {
        "GET": Call(
            {200: Page(shapes.Notice)},
            query={"box": {"enum": list(BOXES), "default": "inbox"}},
        ),
        "POST": Call({200: shapes.Marked}, takes=Marks, example={"notices": [1, 2], "as": "read"}),
    }

    def get(self, request: Request) -> Response:
        box = request.query_params.get("box", "inbox")
        if box not in BOXES:
            raise Problem("bad_parameter", f"box is not one of {', '.join(BOXES)}")
        return self.paged(request, queries.inbox(caller(request), box=box), answers.notice)

    def post(self, request: Request) -> Response:
        wish = self.read(Marks, request)
        changed = actions.mark(wish["notices"], by=caller(request), as_=wish["as"])
        return Response({"changed": changed})


class Follow(Face):
    """PUT follows a PR, or mutes it, so that nothing of it is told any more."""

    scopes = {"PUT": Scope.CONTRIBUTE}
    calls = {"PUT": Call({200: shapes.Followed}, takes=Following, example={"muted": False})}

    def put(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        muted = self.read(Following, request)["muted"]
        (actions.mute if muted else actions.follow)(contribution, by=caller(request))
        return Response({"number": contribution.pk, "muted": muted})

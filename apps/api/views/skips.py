"""Passing an item on, and taking that back."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import shapes
from apps.api.authentication import caller
from apps.api.bodies import Skipped
from apps.api.calls import Call
from apps.api.face import Face
from apps.api.views.contributions import named
from apps.reviews.queue import claims, skips
from apps.reviews.rules import ensure_reviewing


class Skips(Face):
    """POST passes an item on, with a reason; DELETE takes that back.

    In between the item is not offered to the caller, for as long as the line's policy says.
    """

    scopes = {"POST": Scope.REVIEW, "DELETE": Scope.REVIEW}
    calls = {
        "POST": Call(
            {201: shapes.Skip},
            takes=Skipped,
            refuses=("own_work", "affiliated", "not_a_reviewer"),
            example={"why": "not_mine", "because": "I know no chemistry."},
        ),
        "DELETE": Call({204: None}, refuses=("not_a_reviewer",)),
    }

    def post(self, request: Request, number: int) -> Response:
        wish = self.read(Skipped, request)
        contribution = named(request, number)
        skipped = claims.skip(contribution, by=caller(request), **wish)
        return Response(
            {"number": contribution.pk, "why": skipped.why, "until": skipped.until}, status=201
        )

    def delete(self, request: Request, number: int) -> Response:
        reviewer = ensure_reviewing(caller(request))
        skips.take_back(named(request, number), by=reviewer)
        return Response(status=204)

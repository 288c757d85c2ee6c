"""Taking a skip back, at the address where it was made."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api.authentication import caller
from apps.api.calls import Call
from apps.api.views import queue
from apps.api.views.contributions import named
from apps.reviews.queue import skips
from apps.reviews.rules import ensure_deciding


class Skips(queue.Skips):
    """POST passes an item on, with a reason; DELETE takes that back.

    In between the item is not offered to the caller, for as long as the line's policy says.
    """

    scopes = {**queue.Skips.scopes, "DELETE": Scope.REVIEW}
    calls = {**queue.Skips.calls, "DELETE": Call({204: None}, refuses=("not_a_reviewer",))}

    def delete(self, request: Request, number: int) -> Response:
        reviewer = ensure_deciding(caller(request))
        skips.take_back(named(request, number), by=reviewer)
        return Response(status=204)

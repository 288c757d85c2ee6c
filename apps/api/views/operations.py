"""Large deliveries that are stored after their answer: how far they are, and what was refused."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.calls import Call, Page
from apps.api.face import Face
from apps.api.paging import OldestFirst
from apps.api.problems import Problem
from apps.api.views.feedback import only_refused
from apps.traces import queries
from apps.traces.models import Delivery


class Operation(Face):
    """GET says how far a delivery of one's own is, and how many rows had which verdict."""

    scopes = {"GET": Scope.FEEDBACK}
    calls = {"GET": Call({200: shapes.Operation}, perhaps=("Retry-After",))}

    def get(self, request: Request, name: str) -> Response:
        delivery = _own(request, name)
        response = Response(answers.operation(delivery))
        if delivery.ended_at is None:
            response["Retry-After"] = "1"
        return response


class OperationRows(Face):
    """GET lists the rows that were not stored, refused ones and duplicates, in order."""

    scopes = {"GET": Scope.FEEDBACK}
    calls = {"GET": Call({200: Page(shapes.Unstored)}, query=("verdicts",))}

    def get(self, request: Request, name: str) -> Response:
        rows: QuerySet = _own(request, name).unstored.all()
        if only_refused(request):
            rows = rows.filter(of="")
        return self.paged(request, rows, answers.unstored, OldestFirst)


def _own(request: Request, name: str) -> Delivery:
    delivery = queries.delivery_named(name, caller(request))
    if delivery is None:
        raise Problem("not_found", f"there is no operation {name[:40]} that you may see")
    return delivery

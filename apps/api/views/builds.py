"""Starting builds, overruling their verdict, and keeping contributions out of them."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers
from apps.api.authentication import caller
from apps.api.bodies import BuildWish, Reason
from apps.api.face import Face, one
from apps.api.views.contributions import named
from apps.builds import actions, queries
from apps.skills.queries import the_line


class Builds(Face):
    """GET lists builds, newest first; POST starts one from what was accepted."""

    fresh = frozenset({"POST"})
    scopes = {"GET": None, "POST": Scope.RELEASE}

    def get(self, request: Request) -> Response:
        builds = queries.recent().select_related("verdict_overridden_by")
        return self.paged(request, builds, answers.build)

    def post(self, request: Request) -> Response:
        wish = self.read(BuildWish, request)
        build = actions.plan(
            the_line(), by=caller(request), contributions=wish.get("contributions")
        )
        return Response(answers.build_page(build), status=201)


class OneBuild(Face):
    """GET shows a build with its manifest and its comparison."""

    scopes = {"GET": None}

    def get(self, request: Request, number: int) -> Response:
        return Response(answers.build_page(one(queries.recent(), "build", pk=number)))


class Override(Face):
    """POST overrules the comparison's refusal of a build; who and why go on record.

    It takes two people: 202 with the proposal for the first, 200 for the second.
    """

    fresh = frozenset({"POST"})
    scopes = {"POST": Scope.RELEASE}

    def post(self, request: Request, number: int) -> Response:
        build = one(queries.recent(), "build", pk=number)
        because = self.read(Reason, request)["because"]
        proposal = actions.override_verdict(build, by=caller(request), because=because)
        page = answers.build_page(build)
        if not proposal.agreed:
            return Response(page | {"proposal": answers.proposal(proposal)}, status=202)
        return Response(page)


class HoldOn(Face):
    """POST keeps a contribution out of builds; DELETE lets it in again."""

    scopes = {"POST": Scope.RELEASE, "DELETE": Scope.RELEASE}

    def post(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        because = self.read(Reason, request)["because"]
        hold = actions.hold(contribution, by=caller(request), because=because)
        return Response({"number": contribution.pk, "held": answers.held(hold)}, status=201)

    def delete(self, request: Request, number: int) -> Response:
        actions.lift_hold(named(request, number), by=caller(request), because="")
        return Response(status=204)

"""Starting builds, overruling their verdict, and keeping contributions out of them."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.bodies import BuildWish, Reason
from apps.api.calls import Call, Page
from apps.api.face import Face, one
from apps.api.views.contributions import named
from apps.builds import actions, queries
from apps.skills.queries import the_line


class Builds(Face):
    """GET lists builds, newest first; POST starts one from what was accepted."""

    fresh = frozenset({"POST"})
    scopes = {"GET": None, "POST": Scope.RELEASE}
    calls = {
        "GET": Call({200: Page(shapes.Build)}),
        "POST": Call(
            {201: shapes.BuildPage},
            takes=BuildWish,
            refuses=(
                *("not_a_release_manager", "nothing_to_build", "build_refused"),
                *("move_refused", "no_model_line"),
            ),
            example={},
        ),
    }

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
    calls = {"GET": Call({200: shapes.BuildPage})}

    def get(self, request: Request, number: int) -> Response:
        return Response(answers.build_page(one(queries.recent(), "build", pk=number)))


class Override(Face):
    """POST overrules the comparison's refusal of a build; who and why go on record.

    It takes two people: 202 with the proposal for the first, 200 for the second.
    """

    fresh = frozenset({"POST"})
    scopes = {"POST": Scope.RELEASE}
    calls = {
        "POST": Call(
            {202: shapes.OverrideProposed, 200: shapes.BuildPage},
            takes=Reason,
            refuses=("not_a_release_manager", "build_refused"),
            example={"because": "The loss is in a skill that we retire this week."},
        )
    }

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
    calls = {
        "POST": Call(
            {201: shapes.HeldNow},
            takes=Reason,
            refuses=("not_a_release_manager", "build_refused"),
            example={"because": "The author asked us to wait for a correction."},
        ),
        "DELETE": Call({204: None}, refuses=("not_a_release_manager",)),
    }

    def post(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        because = self.read(Reason, request)["because"]
        hold = actions.hold(contribution, by=caller(request), because=because)
        return Response({"number": contribution.pk, "held": answers.held(hold)}, status=201)

    def delete(self, request: Request, number: int) -> Response:
        actions.lift_hold(named(request, number), by=caller(request), because="")
        return Response(status=204)

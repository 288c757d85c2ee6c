"""Starting rollouts, and stopping them by hand."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.bodies import Reason, RolloutWish
from apps.api.calls import Call, Page
from apps.api.face import Face, one
from apps.builds import queries as builds
from apps.rollouts import actions, queries
from apps.rollouts.models import Rollout
from apps.skills.queries import the_line


class Rollouts(Face):
    """GET lists rollouts, newest first; POST begins one in shadow."""

    fresh = frozenset({"POST"})
    scopes = {"GET": None, "POST": Scope.RELEASE}
    calls = {
        "GET": Call({200: Page(shapes.Rollout)}),
        "POST": Call(
            {201: shapes.RolloutPage},
            takes=RolloutWish,
            refuses=(
                *("not_a_release_manager", "unfit_build", "channel_busy", "rollout_refused"),
                *("not_found", "unknown_version", "upstream_refused", "no_model_line"),
            ),
            example={"build": 1, "channel": "stable"},
        ),
    }

    def get(self, request: Request) -> Response:
        return self.paged(request, queries.recent(), answers.rollout)

    def post(self, request: Request) -> Response:
        wish = self.read(RolloutWish, request)
        build = one(builds.recent(), "build", pk=wish["build"])
        channel = queries.channel_named(the_line(), wish["channel"])
        rollout = actions.start(build, channel, by=caller(request))
        return Response(_page(rollout), status=201)


class OneRollout(Face):
    """GET shows a rollout with its criteria and every look of the gates."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.RolloutPage})}

    def get(self, request: Request, number: int) -> Response:
        return Response(_page(one(queries.recent(), "rollout", pk=number)))


class Step(Face):
    """POST moves a rollout by hand, for a reason that goes on record."""

    fresh = frozenset({"POST"})
    scopes = {"POST": Scope.RELEASE}
    verb = "pause"
    calls = {
        "POST": Call(
            {200: shapes.RolloutPage},
            takes=Reason,
            refuses=("not_a_release_manager", "rollout_refused", "move_refused"),
            example={"because": "Complaints about the tone of its answers."},
        )
    }

    def post(self, request: Request, number: int) -> Response:
        rollout = one(queries.recent(), "rollout", pk=number)
        because = self.read(Reason, request)["because"]
        STEPS[self.verb](rollout, by=caller(request), because=because)
        return Response(_page(rollout))


STEPS = {"pause": actions.pause, "resume": actions.resume, "roll-back": actions.roll_back}


def _page(rollout: Rollout) -> dict[str, object]:
    return answers.rollout_page(rollout, requests=queries.requests_of(rollout))

"""Starting rollouts, and stopping them by hand."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers
from apps.api.authentication import caller
from apps.api.bodies import Reason, RolloutWish
from apps.api.face import Face, one
from apps.builds import queries as builds
from apps.rollouts import actions, queries
from apps.rollouts.models import Rollout
from apps.skills.queries import the_line


class Rollouts(Face):
    """GET lists rollouts, newest first; POST begins one in shadow."""

    fresh = frozenset({"POST"})
    scopes = {"GET": None, "POST": Scope.RELEASE}

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

    def get(self, request: Request, number: int) -> Response:
        return Response(_page(one(queries.recent(), "rollout", pk=number)))


class Step(Face):
    """POST moves a rollout by hand, for a reason that goes on record."""

    fresh = frozenset({"POST"})
    scopes = {"POST": Scope.RELEASE}
    verb = "pause"

    def post(self, request: Request, number: int) -> Response:
        rollout = one(queries.recent(), "rollout", pk=number)
        because = self.read(Reason, request)["because"]
        STEPS[self.verb](rollout, by=caller(request), because=because)
        return Response(_page(rollout))


STEPS = {"pause": actions.pause, "resume": actions.resume, "roll-back": actions.roll_back}


def _page(rollout: Rollout) -> dict[str, object]:
    return answers.rollout_page(rollout, requests=queries.requests_of(rollout))

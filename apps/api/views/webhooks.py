"""Webhooks: signed messages to an address of one's own, their log, and replay."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.bodies import EndpointChange, EndpointWish
from apps.api.calls import Call, Page
from apps.api.face import Face, one
from apps.community import actions, queries
from apps.community.models import Dispatch, Endpoint

OWNED = {"GET": Scope.CONTRIBUTE, "POST": Scope.CONTRIBUTE}


class Webhooks(Face):
    """GET lists one's webhooks; POST opens one, and shows its key this once."""

    scopes = OWNED
    calls = {
        "GET": Call({200: Page(shapes.Webhook)}),
        "POST": Call(
            {201: shapes.KeyedWebhook},
            takes=EndpointWish,
            refuses=("bad_webhook",),
            example={"url": "https://example.org/hook", "wants": ["pr.*"]},
        ),
    }

    def get(self, request: Request) -> Response:
        return self.paged(request, queries.endpoints_of(caller(request)), answers.endpoint)

    def post(self, request: Request) -> Response:
        endpoint, key = actions.open_endpoint(
            by=caller(request), **self.read(EndpointWish, request)
        )
        return Response(answers.endpoint(endpoint) | {"key": key}, status=201)


class OneWebhook(Face):
    """GET shows a webhook; PATCH changes it; DELETE ends it with its log."""

    scopes = dict.fromkeys(("GET", "PATCH", "DELETE"), Scope.CONTRIBUTE)
    calls = {
        "GET": Call({200: shapes.Webhook}),
        "PATCH": Call(
            {200: shapes.Webhook},
            takes=EndpointChange,
            refuses=("bad_webhook",),
            example={"wants": ["pr.accepted"]},
        ),
        "DELETE": Call({204: None}),
    }

    def get(self, request: Request, number: int) -> Response:
        return Response(answers.endpoint(owned(request, number)))

    def patch(self, request: Request, number: int) -> Response:
        endpoint = owned(request, number)
        actions.change_endpoint(endpoint, **self.read(EndpointChange, request))
        return Response(answers.endpoint(endpoint))

    def delete(self, request: Request, number: int) -> Response:
        actions.close_endpoint(owned(request, number))
        return Response(status=204)


class NewKey(Face):
    """POST makes a new key and shows it this once; for a day the old one signs too."""

    scopes = OWNED
    calls = {"POST": Call({200: shapes.KeyedWebhook})}

    def post(self, request: Request, number: int) -> Response:
        endpoint = owned(request, number)
        key = actions.change_key(endpoint)
        return Response(answers.endpoint(endpoint) | {"key": key})


class SwitchedOn(Face):
    """POST switches a webhook on again that was switched off after many failures."""

    scopes = OWNED
    calls = {"POST": Call({200: shapes.Webhook})}

    def post(self, request: Request, number: int) -> Response:
        endpoint = owned(request, number)
        actions.switch_on(endpoint)
        return Response(answers.endpoint(endpoint))


class Ping(Face):
    """POST sends a message of the kind `ping`."""

    scopes = OWNED
    calls = {"POST": Call({202: shapes.Delivery}, refuses=("community_refused",))}

    def post(self, request: Request, number: int) -> Response:
        return Response(answers.delivery(actions.ping(owned(request, number))), status=202)


class Deliveries(Face):
    """GET lists what was sent in the last thirty days, newest first, with every outcome."""

    scopes = OWNED
    calls = {"GET": Call({200: Page(shapes.Delivery)})}

    def get(self, request: Request, number: int) -> Response:
        sent = Dispatch.objects.filter(endpoint=owned(request, number))
        return self.paged(request, sent, answers.delivery)


class Replay(Face):
    """POST sends a message once more, under the id it had."""

    scopes = OWNED
    calls = {"POST": Call({202: shapes.Delivery}, refuses=("community_refused",))}

    def post(self, request: Request, number: int, delivery: int) -> Response:
        sent: Any = Dispatch.objects.filter(endpoint=owned(request, number))
        again = actions.replay(one(sent, "delivery", pk=delivery))
        return Response(answers.delivery(again), status=202)


def owned(request: Request, number: int) -> Endpoint:
    """The caller's own webhook of this number; a 404 for anybody else's."""
    return one(queries.endpoints_of(caller(request)), "webhook", pk=number)

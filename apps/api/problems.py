"""Every refusal as RFC 9457 `application/problem+json`, each with a code of its own.

The table maps what the apps raise to a status; the sentence is the app's own. Nothing that an
app does not say leaves the house: an unexpected error is logged under its request id and answered
without detail.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404
from django.http.request import UnreadablePostError
from django.urls import reverse
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from apps.accounts import errors as accounts
from apps.builds import errors as builds
from apps.community import errors as community
from apps.contributions import errors as contributions
from apps.history import errors as history
from apps.reviews import errors as reviews
from apps.reviews.argilla import errors as argilla
from apps.rollouts import errors as rollouts
from apps.skills import errors as skills
from apps.skills.models import ModelLine
from apps.traces import errors as traces
from openflywheel.reading.faults import BadFile
from openflywheel.reading.strict_json import BadJSON

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its HTTP status, its code for programs, its title for people."""

    status: int
    code: str
    title: str


SERVER_ERROR = Kind(500, "server_error", "Something broke on our side")

# The first class of an error's own line of ancestors that stands here decides.
KINDS: dict[type[Exception], Kind] = {
    accounts.TooManyTries: Kind(429, "too_many_tries", "Too many tries failed"),
    accounts.BadToken: Kind(401, "bad_token", "The token is not valid"),
    accounts.ScopeMissing: Kind(403, "scope_missing", "The token may not be used for this"),
    accounts.NotFresh: Kind(403, "not_fresh", "Your passkey or code is needed again"),
    accounts.LastAdministrator: Kind(409, "last_administrator", "One administrator must remain"),
    accounts.NotAllowed: Kind(403, "not_allowed", "Your role does not include this"),
    accounts.NameTaken: Kind(409, "name_taken", "The name is taken"),
    accounts.NameReserved: Kind(422, "name_reserved", "The name is reserved"),
    accounts.AccountRefused: Kind(422, "account_refused", "The account cannot be made like this"),
    history.MoveRefused: Kind(409, "move_refused", "It no longer stands where this starts"),
    skills.UnknownSkill: Kind(422, "unknown_skill", "There is no such skill"),
    traces.UnknownTrace: Kind(404, "unknown_trace", "There is no such trace"),
    traces.EmptyDelivery: Kind(422, "empty_body", "The body is empty"),
    traces.KeyTaken: Kind(422, "key_reused", "The Idempotency-Key stands for another request"),
    traces.StillRunning: Kind(409, "request_under_way", "The first request has not ended"),
    contributions.NotYours: Kind(403, "not_yours", "It belongs to somebody else"),
    contributions.NotForYou: Kind(403, "not_for_you", "Your role does not include this"),
    contributions.Locked: Kind(403, "locked", "The conversation is closed"),
    contributions.Outdated: Kind(409, "outdated", "The rows have changed since"),
    BadFile: Kind(422, "bad_file", "The file cannot be read"),
    contributions.TermsMissing: Kind(
        422, "terms_missing", "Licence, consent or sign-off is missing"
    ),
    contributions.NothingUsable: Kind(422, "nothing_usable", "No row could be kept"),
    contributions.BatchTaken: Kind(422, "batch_taken", "The batch name stands for other rows"),
    contributions.BatchMissing: Kind(400, "key_missing", "An Idempotency-Key is needed"),
    contributions.QuotaReached: Kind(429, "quota_reached", "Today's quota is used up"),
    contributions.Changed: Kind(412, "changed_since", "It has changed since you read it"),
    contributions.ContributionRefused: Kind(422, "contribution_refused", "It cannot be taken"),
    argilla.ArgillaOff: Kind(404, "argilla_off", "No Argilla is connected"),
    argilla.BadSignature: Kind(401, "bad_signature", "The signature does not fit"),
    reviews.OwnWork: Kind(403, "own_work", "Nobody decides on their own work"),
    reviews.Affiliated: Kind(403, "affiliated", "You are too close to the author"),
    reviews.HabitRefused: Kind(422, "habit_refused", "The habits cannot be kept like this"),
    reviews.NotAReviewer: Kind(403, "not_a_reviewer", "Your role does not include deciding"),
    reviews.Stale: Kind(409, "stale", "It has changed since you read it"),
    reviews.ReasonMissing: Kind(422, "reason_missing", "A reason is needed"),
    reviews.ClaimedByAnother: Kind(409, "claimed_by_another", "Another reviewer holds it"),
    reviews.VoiceIsIn: Kind(409, "voice_is_in", "Your verdict is in"),
    reviews.SampleMissing: Kind(409, "sample_missing", "So many rows are accepted by a sample"),
    reviews.ReviewRefused: Kind(409, "review_refused", "The decision cannot be taken"),
    builds.NotAReleaseManager: Kind(
        403, "not_a_release_manager", "Your role does not include this"
    ),
    builds.NothingToBuild: Kind(409, "nothing_to_build", "Nothing waits for a build"),
    builds.BuildRefused: Kind(409, "build_refused", "The build does not allow this"),
    rollouts.NotAReleaseManager: Kind(
        403, "not_a_release_manager", "Your role does not include this"
    ),
    rollouts.UnfitBuild: Kind(409, "unfit_build", "The build is not fit to roll out"),
    rollouts.ChannelBusy: Kind(409, "channel_busy", "A rollout is already under way"),
    rollouts.UnknownVersion: Kind(404, "unknown_version", "There is no such version"),
    rollouts.UpstreamRefused: Kind(503, "upstream_refused", "The runtime did not take the version"),
    rollouts.RolloutRefused: Kind(409, "rollout_refused", "The rollout does not allow this"),
    community.BadEndpoint: Kind(422, "bad_webhook", "The webhook cannot be taken"),
    community.CommunityRefused: Kind(409, "community_refused", "This cannot be done"),
    ModelLine.DoesNotExist: Kind(503, "no_model_line", "No model line has been founded yet"),
    BadJSON: Kind(400, "bad_json", "The body is not acceptable JSON"),
    UnreadablePostError: Kind(400, "body_cut_off", "The body ended too early"),
    RequestDataTooBig: Kind(413, "too_large", "The body is too large"),
    SuspiciousOperation: Kind(400, "bad_request", "The request is malformed"),
    OperationalError: Kind(503, "database_away", "The database does not answer"),
    PermissionDenied: Kind(403, "not_allowed", "This is not allowed"),
    Http404: Kind(404, "not_found", "There is nothing here"),
    drf.ValidationError: Kind(422, "bad_fields", "Some fields need mending"),
    drf.NotAuthenticated: Kind(401, "token_missing", "A token is needed"),
    drf.AuthenticationFailed: Kind(401, "bad_credentials", "The credentials are not valid"),
    drf.PermissionDenied: Kind(403, "not_allowed", "This is not allowed"),
    drf.NotFound: Kind(404, "not_found", "There is nothing here"),
    drf.MethodNotAllowed: Kind(405, "method_not_allowed", "This address does not take that method"),
    drf.NotAcceptable: Kind(406, "not_acceptable", "The answer comes as JSON only"),
    drf.UnsupportedMediaType: Kind(
        415, "unsupported_media_type", "The body's type is not read here"
    ),
    drf.ParseError: Kind(400, "bad_request", "The request cannot be read"),
    Exception: SERVER_ERROR,
}

# What programs may meet besides: raised by this face itself.
OWN_KINDS = {
    kind.code: kind
    for kind in (
        Kind(400, "bad_parameter", "A parameter of the address is not understood"),
        Kind(400, "unknown_api_version", "There is no such version of this API"),
        Kind(400, "body_cut_off", "The body ended too early"),
        Kind(400, "bad_encoding", "The body is not what its Content-Encoding says"),
        Kind(404, "not_found", "There is nothing here"),
        Kind(409, "request_under_way", "The first request with this key is still under way"),
        Kind(411, "length_required", "The length of the body is needed"),
        Kind(413, "too_large", "The body is too large"),
        Kind(415, "unsupported_media_type", "The body's type is not read here"),
        Kind(412, "changed_since", "It has changed since you read it"),
        Kind(422, "key_reused", "The Idempotency-Key stands for another body"),
        Kind(422, "empty_body", "The body is empty"),
        Kind(422, "nothing_usable", "No row could be kept"),
        Kind(428, "if_match_missing", "If-Match is needed"),
        Kind(429, "too_many_requests", "The limit is used up"),
    )
}

MENDS = {
    "required": "add the field",
    "null": "write a value, or leave the field out",
    "blank": "write something",
    "max_length": "shorten it",
    "invalid_choice": "pick one of them",
    "unknown_field": "leave it out, or mend its name",
    "surrogate_characters_not_allowed": "write the whole character",
    "null_characters_not_allowed": "remove the character",
}


# What the framework says of a field that is not there; a sentence of ours takes its place.
REQUIRED = "This field is required."


class Problem(Exception):
    """A refusal of this face itself, by code; `errors` and `more` stand in the answer as given.

    `retry_after`: seconds after which the same request may succeed.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Iterable[dict[str, Any]] = (),
        more: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.seconds = OWN_KINDS[code], retry_after
        self.errors, self.more = list(errors), dict(more or {})


def answer(error: Exception, context: Mapping[str, Any]) -> Response:
    """The problem that tells a client what went wrong and what to do (DRF's exception handler)."""
    request, request_id = context["request"], context["view"].request_id
    kind = kind_of(error)
    set_rollback()
    if kind.status >= 500:
        logger.error("%s %s", kind.code, request.path, exc_info=error)
    if kind is SERVER_ERROR:
        got_request_exception.send(sender=None, request=request._request)
    body: dict[str, Any] = {
        "type": _page_of(kind, request),
        "title": kind.title,
        "status": kind.status,
        "detail": sentence(error),
        "code": kind.code,
        "instance": request.path,
        "request_id": request_id,
    }
    if errors := errors_of(error):
        body["errors"] = errors
    body |= getattr(error, "more", {})
    response = Response(body, status=kind.status, content_type="application/problem+json")
    if kind.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="OpenFlywheel"'
    seconds = getattr(error, "seconds", None) or (5 if kind.status == 503 else None)
    if seconds:
        response["Retry-After"] = str(seconds)
    return response


def _page_of(kind: Kind, request: Request) -> str:
    """The address of the page about a kind, under the name by which the site was called."""
    path = reverse("api:problem", args=[kind.code])
    try:
        return str(request.build_absolute_uri(path))
    except DisallowedHost:
        return f"{settings.SITE_URL}{path}"


def kind_of(error: Exception) -> Kind:
    """Which kind of problem an error is."""
    if isinstance(error, Problem):
        return error.kind
    return next(KINDS[ancestor] for ancestor in type(error).__mro__ if ancestor in KINDS)


def kinds() -> dict[str, Kind]:
    """Every kind of problem by its code."""
    return {kind.code: kind for kind in [*KINDS.values(), *OWN_KINDS.values()]}


def errors_of(error: Exception) -> list[dict[str, Any]]:
    """The single faults inside an error, each with pointer, code, detail and mend."""
    if isinstance(error, Problem):
        return error.errors
    if isinstance(error, contributions.NothingUsable):
        return [
            {"pointer": bad.pointer, "code": bad.code, "detail": bad.detail, "mend": bad.mend}
            for bad in error.refused
        ]
    if isinstance(error, BadJSON):
        fault = {"pointer": error.pointer, "code": "bad_json"}
        return [fault | {"detail": error.detail, "mend": error.mend}]
    if isinstance(error, drf.ValidationError):
        return list(_faults(error.detail, ""))
    pointer = FIELDS.get(type(error))
    if pointer is None:
        return []
    return [{"pointer": pointer, "code": kind_of(error).code, "detail": str(error)}]


# Errors that speak of one field of the body.
FIELDS: dict[type[Exception], str] = {
    accounts.NameTaken: "/name",
    accounts.NameReserved: "/name",
    skills.UnknownSkill: "/skill",
    contributions.BatchTaken: "/batch",
    reviews.Stale: "/digest",
    reviews.ReasonMissing: "/because",
}


def _faults(detail: Any, pointer: str) -> Iterable[dict[str, Any]]:
    """The faults in what a serializer says, which is a tree of lists and dictionaries."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else f"/{escaped(name)}"
            yield from _faults(inner, pointer + step)
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from _faults(inner, pointer)
    else:
        said = "it is missing" if str(detail) == REQUIRED else str(detail)
        mend = MENDS.get(detail.code, "mend the value")
        yield {"pointer": pointer, "code": detail.code, "detail": said, "mend": mend}


def escaped(step: object) -> str:
    """One step of a JSON Pointer (RFC 6901); an index or a name with ~ or / in it."""
    return str(step).replace("~", "~0").replace("/", "~1")


def sentence(error: Exception) -> str:
    """What went wrong, in one sentence for the person."""
    if kind_of(error) is SERVER_ERROR:
        return "an error that nobody foresaw; it is logged under the request id, please report it"
    if isinstance(error, OperationalError):
        return "the database does not answer; try again in a few seconds"
    if isinstance(error, ModelLine.DoesNotExist):
        return "the site has no model line yet; its operator founds one"
    if isinstance(error, drf.ValidationError):
        faults = list(_faults(error.detail, ""))
        first = faults[0]
        rest = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        return f"{first['pointer'] or 'the body'}: {first['detail']}{rest}"
    if isinstance(error, drf.UnsupportedMediaType):
        return "send application/json (or, for bulk, application/x-ndjson) in Content-Type"
    if isinstance(error, DisallowedHost):
        return "the Host header is no name of this site; send the one that stands in its address"
    if isinstance(error, Http404):
        return "there is nothing under this address that you may see"
    return str(error) or kind_of(error).title

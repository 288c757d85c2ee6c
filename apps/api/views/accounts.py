"""Signing up, tokens, roles."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.contrib.auth import authenticate
from django.db import transaction
from django.urls import reverse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import actions, guessing, queries, tokens
from apps.accounts.callers import address_of
from apps.accounts.errors import NotAllowed, ScopeMissing
from apps.accounts.freshness import ensure_fresh
from apps.accounts.models import Account, Scope, Token
from apps.accounts.rules import STRONG, scopes_of
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.bodies import Leak, RoleGiven, ServiceWish, SignIn, SignUp, TokenWish
from apps.api.calls import Call
from apps.api.face import Face, one
from apps.api.problems import Problem
from apps.history.appointments import appoint

MOST_LEAKS = 1000


class Accounts(Face):
    """POST signs up; with `token` in the body the answer carries the account's first token."""

    scopes = {"POST": None}
    calls = {
        "POST": Call(
            {201: shapes.NewAccount},
            takes=SignUp,
            refuses=("name_taken", "name_reserved", "account_refused"),
            example={
                "name": "ada",
                "password": "a long enough phrase",
                "token": {"scopes": ["contribute", "feedback"]},
            },
            impersonal=True,
        )
    }

    def post(self, request: Request) -> Response:
        wish = self.read(SignUp, request)
        with transaction.atomic():
            account = actions.sign_up(wish["name"], password=wish["password"], email=wish["email"])
            body = answers.account(account)
            if "token" in wish:
                body["token"] = _made(account, wish["token"])
        return Response(body, status=201)


class Me(Face):
    """GET says who is calling, and what for."""

    calls = {"GET": Call({200: shapes.Caller})}

    def get(self, request: Request) -> Response:
        account = caller(request)
        body = answers.account(account) | {"scopes_possible": sorted(scopes_of(account))}
        if isinstance(request.auth, Token):
            body["token"] = answers.token(request.auth)
        return Response(body)


class Tokens(Face):
    """GET lists one's tokens; POST makes one by name and password, or from the site's session."""

    scopes = {"POST": None}
    calls = {
        "GET": Call({200: shapes.Tokens}),
        "POST": Call(
            {201: shapes.NewToken},
            takes=SignIn,
            refuses=("bad_credentials", "account_refused", "not_fresh"),
            example={
                "username": "ada",
                "password": "a long enough phrase",
                "name": "laptop",
                "scopes": ["contribute"],
                "days": 30,
            },
            impersonal=True,
        ),
    }

    def get(self, request: Request) -> Response:
        held = queries.tokens_in_hand(caller(request))
        return Response({"items": [answers.token(token) for token in held]})

    def post(self, request: Request) -> Response:
        wish = self.read(SignIn, request)
        return Response(_made(_holder(request, wish), wish), status=201)


class OneToken(Face):
    """DELETE ends a token of one's own, or of one's service accounts, now."""

    calls = {"DELETE": Call({204: None})}

    def delete(self, request: Request, number: int) -> Response:
        actions.revoke(one(queries.tokens_in_hand(caller(request)), "token", pk=number))
        return Response(status=204)


class Services(Face):
    """GET lists one's service accounts; POST makes one, with its first token where asked for."""

    calls = {
        "GET": Call({200: shapes.Services}),
        "POST": Call(
            {201: shapes.NewService},
            takes=ServiceWish,
            refuses=("name_taken", "name_reserved", "account_refused", "scope_missing"),
            example={"name": "nightly-import", "token": {"scopes": ["feedback"]}},
        ),
    }

    def get(self, request: Request) -> Response:
        return Response(
            {"items": [answers.service(shown) for shown in queries.services_of(caller(request))]}
        )

    def post(self, request: Request) -> Response:
        wish = self.read(ServiceWish, request)
        if "token" in wish:
            _ensure_no_more(request, wish["token"]["scopes"])
        with transaction.atomic():
            service = actions.make_service(caller(request), wish["name"])
            body = answers.service(service)
            if "token" in wish:
                body["token"] = _made(service, wish["token"])
        return Response(body, status=201)


class OneService(Face):
    """DELETE ends a service account and all its tokens; what it sent stays."""

    calls = {"DELETE": Call({204: None})}

    def delete(self, request: Request, name: str) -> Response:
        service = one(queries.services_of(caller(request)), "service account", username=name)
        actions.close_service(service, by=caller(request))
        return Response(status=204)


class ServiceTokens(Face):
    """POST makes a token for one of one's service accounts, for 90 days at most."""

    calls = {
        "POST": Call(
            {201: shapes.NewToken},
            takes=TokenWish,
            refuses=("account_refused", "scope_missing"),
            example={"name": "night", "scopes": ["feedback"], "days": 30},
        )
    }

    def post(self, request: Request, name: str) -> Response:
        wish = self.read(TokenWish, request)
        _ensure_no_more(request, wish["scopes"])
        service = one(queries.services_of(caller(request)), "service account", username=name)
        return Response(_made(service, wish), status=201)


class Pattern(Face):
    """GET says what a token of ours looks like, for scanners of secrets, and where to send one."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.TokenPattern}, impersonal=True)}

    def get(self, request: Request) -> Response:
        return Response(
            {
                "type": "openflywheel_personal_access_token",
                "prefix": tokens.PREFIX,
                "pattern": tokens.PATTERN,
                "checksum": f"the last {tokens.CHECKSUM} characters are the CRC-32 of the "
                f"{tokens.RANDOM} before them, in base 62 ({tokens.ALPHABET})",
                "revoke": request.build_absolute_uri(reverse("api:revoke-leaked")),
            }
        )


class Leaked(Face):
    """POST ends every token in `[{"token","type","url","source"}]`, whoever found it."""

    scopes = {"POST": None}
    spare = "tokens"
    calls = {
        "POST": Call(
            {200: list[shapes.Leaked]},
            takes=list[shapes.SentLeak | str] | shapes.SentLeaks,
            refuses=("empty_body", "bad_fields"),
            example=[
                {
                    "token": "ofw_pat_0123456789abcdefghijABCDEFGHIJ000000",
                    "type": "openflywheel_personal_access_token",
                    "url": "https://example.org/a-public-file",
                    "source": "content",
                }
            ],
            impersonal=True,
        )
    }

    def post(self, request: Request) -> Response:
        found = [self._read(leak) for leak in _leaks(request.data)]
        ours = actions.revoke_leaked(found)
        return Response(
            [
                {
                    "token_hash": b64encode(sha256(text.encode()).digest()).decode(),
                    "token_type": "openflywheel_personal_access_token",
                    "label": "true_positive" if known else "false_positive",
                }
                for text, known in zip(found, ours, strict=True)
            ]
        )

    def _read(self, leak: Any) -> str:
        body = Leak(data={"token": leak} if isinstance(leak, str) else leak)
        body.is_valid(raise_exception=True)
        return str(body.validated_data["token"])


class RoleOf(Face):
    """PUT gives an account a role; tokens that carry more than the role allows end.

    What takes two people is answered with 202 and the proposal until the second one asks.
    """

    scopes = {"PUT": Scope.ADMIN}
    fresh = frozenset({"PUT"})
    calls = {
        "PUT": Call(
            {202: shapes.RoleProposed, 200: shapes.RoleHeld},
            takes=RoleGiven,
            refuses=("account_refused", "last_administrator"),
            example={"role": "reviewer"},
        )
    }

    def put(self, request: Request, name: str) -> Response:
        wish = self.read(RoleGiven, request)
        account = one(Account.objects.filter(is_active=True), "account", username=name)
        proposal = appoint(account, wish["role"], by=caller(request), because=wish["because"])
        account.refresh_from_db()
        body: dict[str, Any] = {"name": account.username, "role": account.role}
        if proposal is not None and not proposal.agreed:
            return Response(body | {"proposal": answers.proposal(proposal)}, status=202)
        return Response(body)


def _leaks(body: Any) -> list[Any]:
    """The list itself, or `tokens` of an object."""
    leaks = body.get("tokens") if isinstance(body, dict) else body
    if not isinstance(leaks, list) or not leaks:
        raise Problem("empty_body", "send a list of objects, each with a “token”")
    if len(leaks) > MOST_LEAKS:
        raise Problem("too_large", f"send at most {MOST_LEAKS:,} tokens at once")
    return leaks


def _holder(request: Request, wish: dict[str, Any]) -> Account:
    """Whose token it will be. A token alone makes no other: it could give itself more scopes."""
    if "password" in wish:
        name, address = wish.get("username", ""), address_of(request._request)
        guessing.ensure_may_try(name, address=address)
        account = authenticate(request._request, username=name, password=wish["password"])
        if not isinstance(account, Account):
            guessing.failed(name, address=address)
            raise AuthenticationFailed("no account has this name and this password")
        if queries.has_second_factor(account):
            raise NotAllowed("this account has a second factor; make the token on the site")
        return account
    if request.auth is not None:
        raise NotAllowed("a token cannot make a token; send username and password")
    if not request.user.is_authenticated:
        raise AuthenticationFailed("send username and password; POST /api/v1/accounts signs up")
    if not STRONG.isdisjoint(wish["scopes"]):
        ensure_fresh(request._request)
    return request.user


def _ensure_no_more(request: Request, scopes: list[str]) -> None:
    """`ScopeMissing` where a token would give a service more than it holds itself."""
    if not isinstance(request.auth, Token):
        return
    if more := sorted(set(scopes) - set(request.auth.scopes)):
        raise ScopeMissing(
            f"this token does not carry {', '.join(more)}, and gives no more than it has; ask for "
            "less, or make the token on the site"
        )


def _made(account: Account, wish: dict[str, Any]) -> dict[str, Any]:
    lasts = timedelta(days=wish["days"])
    token, text = actions.make_token(account, name=wish["name"], scopes=wish["scopes"], lasts=lasts)
    return answers.token(token, text)

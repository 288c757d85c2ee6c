"""Signing up, tokens, roles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.db import transaction
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import actions, queries
from apps.accounts.errors import NotAllowed
from apps.accounts.models import Account, Scope, Token
from apps.accounts.rules import scopes_of
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.bodies import RoleGiven, SignIn, SignUp
from apps.api.calls import Call
from apps.api.face import Face, one


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
            refuses=("bad_credentials",),
            example={
                "username": "ada",
                "password": "a long enough phrase",
                "name": "laptop",
                "scopes": ["contribute"],
                "days": 30,
            },
        ),
    }

    def get(self, request: Request) -> Response:
        return Response(
            {"items": [answers.token(held) for held in queries.tokens_of(caller(request))]}
        )

    def post(self, request: Request) -> Response:
        wish = self.read(SignIn, request)
        return Response(_made(_holder(request, wish), wish), status=201)


class OneToken(Face):
    """DELETE ends one of one's own tokens now."""

    calls = {"DELETE": Call({204: None})}

    def delete(self, request: Request, number: int) -> Response:
        actions.revoke(one(queries.tokens_of(caller(request)), "token", pk=number))
        return Response(status=204)


class RoleOf(Face):
    """PUT gives an account a role; tokens that carry more than the role allows end."""

    scopes = {"PUT": Scope.ADMIN}
    calls = {
        "PUT": Call(
            {200: shapes.RoleHeld},
            takes=RoleGiven,
            refuses=("account_refused",),
            example={"role": "reviewer"},
        )
    }

    def put(self, request: Request, name: str) -> Response:
        role = self.read(RoleGiven, request)["role"]
        account = one(Account.objects.filter(is_active=True), "account", username=name)
        actions.grant(account, role, by=caller(request))
        return Response({"name": account.username, "role": account.role})


def _holder(request: Request, wish: dict[str, Any]) -> Account:
    """Whose token it will be. A token alone makes no other: it could give itself more scopes."""
    if "password" in wish:
        account = authenticate(
            request._request, username=wish.get("username", ""), password=wish["password"]
        )
        if not isinstance(account, Account):
            raise AuthenticationFailed("no account has this name and this password")
        return account
    if request.auth is not None:
        raise NotAllowed("a token cannot make a token; send username and password")
    if not request.user.is_authenticated:
        raise AuthenticationFailed("send username and password; POST /api/v1/accounts signs up")
    return request.user


def _made(account: Account, wish: dict[str, Any]) -> dict[str, Any]:
    lasts = timedelta(days=wish["days"])
    token, text = actions.make_token(account, name=wish["name"], scopes=wish["scopes"], lasts=lasts)
    return answers.token(token, text)

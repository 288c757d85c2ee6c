"""Who is calling: by token, or (from the site's own pages) by session, and for what."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.accounts import guessing
from apps.accounts.callers import address_of
from apps.accounts.errors import BadToken, ScopeMissing
from apps.accounts.freshness import ensure_fresh
from apps.accounts.models import Account, Token
from apps.accounts.queries import token_holder

HOW_TO_CALL = "send your token as “Authorization: Bearer ofw_pat_…”; POST /api/v1/tokens makes one"


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer ofw_pat_…`; a token that is sent must be good, always."""

    def authenticate(self, request: Request) -> tuple[Account, Token] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, text = header.partition(" ")
        if scheme.casefold() != "bearer":
            raise BadToken(f"“{scheme[:20]}” is not how we authenticate; {HOW_TO_CALL}")
        address = address_of(request._request)
        try:
            token = token_holder(text.strip(), address=address)
        except BadToken:
            # A good token never waits; whoever tries one after the other does.
            guessing.ensure_may_try("", address=address)
            guessing.failed("", address=address)
            raise
        return token.account, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="OpenFlywheel"'


class BrowserSession(SessionAuthentication):
    """The session of the site's pages, with Django's CSRF check on every change."""


def caller(request: Request) -> Account:
    """The account that is calling; `NotAuthenticated` when nobody is."""
    if isinstance(request.user, Account):
        return request.user
    raise NotAuthenticated(HOW_TO_CALL)


class HasScope(BasePermission):
    """Lets pass what the view declares public; asks anything else for somebody with the scope.

    `view.scopes` maps a method to a scope, to "" (anybody who is signed in), or to None (public).
    `view.fresh` names the methods for which a session has to have shown its second factor lately.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        method = "GET" if request.method in ("HEAD", "OPTIONS") else request.method
        # (What is not there is not there for anybody: 405, not 401.)
        is_there = hasattr(view, (method or "").lower())
        scope = view.scopes.get(method, "")
        if scope is None or not is_there:
            return True
        if not request.user.is_authenticated:
            raise NotAuthenticated(HOW_TO_CALL)
        if request.auth is None and method in getattr(view, "fresh", ()):
            # A token was fresh when it was made; a browser may have been left alone since.
            ensure_fresh(request._request)
        if scope and isinstance(request.auth, Token) and scope not in request.auth.scopes:
            held = ", ".join(request.auth.scopes)
            raise ScopeMissing(
                f"this token carries {held}, and this needs “{scope}”; make a token that has it"
            )
        return True

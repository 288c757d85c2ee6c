"""Whose drafts and votes a page deals with: an account's, or those of a browser's own key.

The key outlives the session, so that a lost session loses nothing. It is made when there is
something to keep, and the database knows only its hash.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.contributions import drafts, votes
from apps.contributions.drafts import Owner
from apps.pages.who import signed_in

COOKIE = "visitor"
KEPT_FOR = timedelta(days=30)
CLAIMED = "claimed"
FORM_OF_A_KEY = re.compile(r"[\w-]{40,60}")


def owner_of(request: HttpRequest, *, keep: bool = False) -> Owner:
    """Who is here; `keep` gives a stranger's browser a key, if it has none yet.

    An account takes over what was begun in this browser before signing in.
    """
    account = signed_in(request)
    key = request.COOKIES.get(COOKIE, "")
    if not FORM_OF_A_KEY.fullmatch(key):
        key = getattr(request, "visitor_key", "")
    if keep and not key and account is None:
        key = secrets.token_urlsafe(32)
    if keep and account is None:
        request.visitor_key = key  # type: ignore[attr-defined]
    owner = Owner(account, hashlib.sha256(key.encode()).hexdigest() if key else "")
    if account and owner.visitor and request.session.get(CLAIMED) != owner.visitor:
        drafts.claim(owner)
        votes.claim(owner)
        request.session[CLAIMED] = owner.visitor
    return owner


class Visitors:
    """Hands the browser the key that a page has made for it, and renews it with each use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, with the key in a cookie that no script can read."""
        response = self.get_response(request)
        if key := getattr(request, "visitor_key", ""):
            response.set_cookie(
                COOKIE,
                key,
                max_age=KEPT_FOR,
                httponly=True,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )
        return response

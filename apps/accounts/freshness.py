"""Whether the person who sits before a session showed their passkey or code just now.

Where an account has enrolled neither, its password has to do; a token was fresh when it was made.
"""

from __future__ import annotations

import time

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from apps.accounts import queries
from apps.accounts.errors import NotFresh
from apps.accounts.models import Account


def is_fresh(request: HttpRequest) -> bool:
    """Whether nothing more must be shown for an action that matters."""
    if not isinstance(request.user, Account) or not queries.has_second_factor(request.user):
        return True
    shown = [
        record["at"]
        for record in get_authentication_records(request, request.user)
        if record.get("method") == "mfa"
    ]
    return bool(shown) and time.time() - max(shown) < app_settings.REAUTHENTICATION_TIMEOUT


def ensure_fresh(request: HttpRequest) -> None:
    """`NotFresh` unless the second factor was shown within ten minutes."""
    if not is_fresh(request):
        raise NotFresh("show your passkey or code again on the site, then repeat this")

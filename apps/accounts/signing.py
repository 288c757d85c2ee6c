"""How django-allauth signs people in here: our names, our words, our mail."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.accounts import actions, guessing, names
from apps.accounts.callers import address_of
from apps.accounts.errors import AccountRefused, NameReserved, TooManyTries

logger = logging.getLogger(__name__)

# One sentence for a wrong name, a wrong address and a wrong password: it tells nobody which.
NO_SUCH = _("No account has this name and password.")


class SigningIn(DefaultAccountAdapter):
    """Accounts: proper names, one refusal for every failed sign-in, mail that may fail."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": NO_SUCH,
        "username_password_mismatch": NO_SUCH,
        "invalid_login": NO_SUCH,
        "username_taken": _("This name is taken; choose another name."),
        "incorrect_password": _("This is not your password."),
        "incorrect_code": _("This code is not right, or no longer; type the next one."),
    }

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """The name as it is kept; a refusal as the form shows it."""
        try:
            kept = names.proper(username)
        except (NameReserved, AccountRefused) as refusal:
            text = str(refusal)
            # A Chinese sentence brings its own full stop.
            end = "" if text.endswith("。") else "."
            raise ValidationError(f"{text[:1].upper()}{text[1:]}{end}") from refusal
        return super().clean_username(kept, shallow)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has a second factor shows it: a password alone proves less than it did."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        strong = [method for method in methods if method["id"] != "reauthenticate"]
        return strong or methods

    def new_user(self, request: Any) -> Any:
        """A new account, unless its network has made too many."""
        with _slowly():
            guessing.ensure_may_sign_up(address=address_of(request))
        return super().new_user(request)

    def pre_authenticate(self, request: Any, **credentials: Any) -> None:
        """Nobody looks at a password while there were too many wrong ones."""
        with _slowly():
            guessing.ensure_may_try(_tried(credentials), address=address_of(request))
        super().pre_authenticate(request, **credentials)

    def login(self, request: Any, user: Any) -> None:
        """Whoever has picked no language for their mail gets that of the page they came by."""
        super().login(request, user)
        if not user.language:
            actions.speak(user, get_language() or "en")

    def authentication_failed(self, request: Any, **credentials: Any) -> None:
        """Count it, in the same book as the API's."""
        guessing.failed(_tried(credentials), address=address_of(request))
        super().authentication_failed(request, **credentials)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send at once. A link that opens an account must not lie in the outbox, and whoever
        waits for it can ask again; so a mail server that is away refuses nobody."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:
            logger.warning("a mail (%s) could not be sent", template_prefix, exc_info=True)


class SigningInElsewhere(DefaultSocialAccountAdapter):
    """Accounts of GitHub and of an OpenID Connect provider."""

    def get_app(self, request: Any, provider: str, client_id: str | None = None) -> Any:
        """A site that is not configured has no door either."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error

    def populate_user(self, request: Any, sociallogin: Any, data: dict[str, Any]) -> Any:
        """Only the name is taken over, as a proposal: pseudonyms are fine."""
        kept = {key: data.get(key) for key in ("username", "email")}
        return super().populate_user(request, sociallogin, kept)


class SecondFactor(DefaultMFAAdapter):
    """Passkeys, one-time codes, recovery codes; their secrets lie encrypted in the database."""

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return "OpenFlywheel"


def _tried(credentials: dict[str, Any]) -> str:
    return str(credentials.get("username") or credentials.get("email") or "")


@contextmanager
def _slowly() -> Iterator[None]:
    """Answer `TooManyTries` with 429 and the time to wait; the page for it comes by itself."""
    try:
        yield
    except TooManyTries as refusal:
        wait = {"Retry-After": str(refusal.seconds)}
        raise ImmediateHttpResponse(HttpResponse(status=429, headers=wait)) from refusal


def _box() -> MultiFernet:
    """Closed with today's SECRET_KEY, opened with it or an earlier one."""
    return MultiFernet(
        [
            Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"mfa:" + key.encode()).digest()))
            for key in map(str, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
        ]
    )

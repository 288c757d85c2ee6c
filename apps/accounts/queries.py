"""Finding accounts and tokens."""

from __future__ import annotations

from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.errors import BadToken
from apps.accounts.models import Account, Token
from apps.accounts.statements import Hole, Statement

# Writing the time of use at each request would turn every read into a write.
USE_IS_NOTED_EVERY = timedelta(minutes=1)

HOLDER = Statement(
    lambda: Token.objects.select_related("account", "account__owner").filter(digest=Hole("digest"))
)


def token_holder(text: str, *, address: str = "") -> Token:
    """The token (with its account) for the text of an Authorization header; `BadToken` else.

    `address` is from where it is used; its owner sees the last one.
    """
    tokens.ensure_well_formed(text)
    token = HOLDER.first(digest=tokens.digest_of(text))
    now = timezone.now()
    if token is None or not _in_service(token.account):
        raise BadToken("this token is not known; make a new one under “Tokens”")
    if token.revoked_at:
        why = f" ({token.revoked_because})" if token.revoked_because else ""
        raise BadToken(f"this token was revoked{why}; make a new one under “Tokens”")
    if token.expires_at <= now:
        raise BadToken(f"this token expired on {token.expires_at:%d %B %Y}; make a new one")
    if token.last_used_at is None or now - token.last_used_at > USE_IS_NOTED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=now, last_used_from=address or None)
    return token


def tokens_of(account: Account) -> QuerySet[Token]:
    """The account's tokens that are not revoked, newest first."""
    return Token.objects.filter(account=account, revoked_at=None)


def named(name: str) -> QuerySet[Account]:
    """The account of this name, however its letters are cased."""
    return Account.objects.filter(username__iexact=name)


def services_of(owner: Account) -> QuerySet[Account]:
    """The service accounts that a person answers for, by name."""
    return Account.objects.filter(owner=owner, is_active=True).order_by("username")


def tokens_in_hand(owner: Account) -> QuerySet[Token]:
    """The tokens that a person may end: their own and those of their service accounts."""
    mine = Q(account=owner) | Q(account__owner=owner)
    return Token.objects.filter(mine, revoked_at=None).select_related("account")


def has_second_factor(account: Account) -> bool:
    """Whether the account has a passkey or makes one-time codes."""
    kinds = [Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP]
    return Authenticator.objects.filter(user=account, type__in=kinds).exists()


def _in_service(account: Account) -> bool:
    """A closed account is out, and so is the service of a closed one."""
    return account.is_active and (account.owner is None or account.owner.is_active)

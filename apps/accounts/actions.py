"""Signing up, making and revoking tokens, granting roles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import rules, tokens
from apps.accounts.errors import AccountRefused, NameReserved, NameTaken, NotAllowed
from apps.accounts.models import Account, Role, Token

TOKEN_LASTS = timedelta(days=90)


def sign_up(name: str, *, password: str, email: str = "") -> Account:
    """A new contributor under a handle; `AccountRefused` says what to change."""
    if name.casefold() in rules.RESERVED:
        raise NameReserved(f"“{name}” is a name of the system itself; choose another")
    if Account.objects.filter(username=name).exists():
        # Said before the password is hashed, which costs a quarter of a second.
        raise NameTaken(f"“{name}” is taken; choose another name")
    account = Account(username=name, email=email)
    try:
        account.full_clean(exclude=["password"], validate_unique=False)
        validate_password(password, account)
    except ValidationError as error:
        raise AccountRefused(" ".join(error.messages)) from error
    account.set_password(password)
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError as error:
        raise NameTaken(f"“{name}” is taken; choose another name") from error
    return account


def make_token(
    account: Account, *, name: str, scopes: Iterable[str], lasts: timedelta = TOKEN_LASTS
) -> tuple[Token, str]:
    """A new token and its text, which is shown this once and never stored."""
    asked, allowed = set(scopes), rules.scopes_of(account)
    if not asked or not asked <= allowed:
        choice = ", ".join(sorted(allowed))
        raise NotAllowed(f"a token of {account} can carry these scopes: {choice}")
    text = tokens.new_text()
    token = Token.objects.create(
        account=account,
        name=name or "token",
        prefix=text[:12],
        digest=tokens.digest_of(text),
        scopes=sorted(asked),
        expires_at=timezone.now() + lasts,
    )
    return token, text


def revoke(token: Token, *, because: str = "") -> None:
    """End a token now; who calls with it later reads why."""
    live = Token.objects.filter(pk=token.pk, revoked_at=None)
    live.update(revoked_at=timezone.now(), revoked_because=because)


def revoke_leaked(texts: Iterable[str]) -> list[bool]:
    """End every token that somebody found lying about; for each text, whether it was one of ours.

    Whoever holds a token's text may end it: leaving it alive would help only the next finder.
    """
    digests = [tokens.digest_of(text) for text in texts]
    known = {token.digest: token for token in Token.objects.filter(digest__in=digests)}
    for token in known.values():
        revoke(token, because="it was found in public")
    return [digest in known for digest in digests]


def grant(account: Account, role: str, *, by: Account | None) -> None:
    """Give an account a role; `by` is None only for the operator's own command line.

    Tokens that carry more than the new role allows are revoked.
    """
    if role not in Role.values:
        raise AccountRefused(
            f"the role “{role}” is not known; pick one of {', '.join(Role.values)}"
        )
    if by is not None:
        rules.ensure_may_grant(by, role)
        if by.pk == account.pk:
            raise NotAllowed(f"{by} cannot grant a role to themselves")
    with transaction.atomic():
        account.role = role
        account.save(update_fields=["role"])
        for token in Token.objects.filter(account=account, revoked_at=None):
            if not set(token.scopes) <= rules.scopes_of(account):
                revoke(token)


def set_single_keys(account: Account, *, on: bool) -> None:
    """Whether single letters are shortcuts for this account."""
    account.single_keys = on
    account.save(update_fields=["single_keys"])

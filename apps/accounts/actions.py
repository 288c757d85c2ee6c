"""Signing up, making and revoking tokens, service accounts, the seam for roles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import names, queries, rules, tokens
from apps.accounts.errors import AccountRefused, LastAdministrator, NameTaken, NotAllowed
from apps.accounts.models import Account, Role, Token

TOKEN_LASTS = timedelta(days=90)


def sign_up(name: str, *, password: str, email: str = "") -> Account:
    """A new contributor under a handle; `AccountRefused` says what to change."""
    name = names.proper(name)
    if queries.named(name).exists():
        # Said before the password is hashed, which costs a quarter of a second.
        raise _taken(name)
    account = Account(username=name, email=email)
    try:
        account.full_clean(exclude=["password"], validate_unique=False, validate_constraints=False)
        validate_password(password, account)
    except ValidationError as error:
        raise AccountRefused(" ".join(error.messages)) from error
    account.set_password(password)
    _keep(account)
    if email:
        EmailAddress.objects.create(user=account, email=email.lower(), primary=True)
    return account


def speak(account: Account, language: str) -> None:
    """Write mail to this account in another language (a code of LANGUAGES)."""
    account.language = language
    account.save(update_fields=["language"])


def make_service(owner: Account, name: str) -> Account:
    """A service account that `owner` answers for: no password, no session, tokens of 90 days."""
    if owner.role == Role.SERVICE:
        raise NotAllowed(_("a service account cannot make another; its owner can"))
    if owner.services.filter(is_active=True).count() >= rules.SERVICES_OF_ONE:
        said = _("%(who)s has %(most)d service accounts; close one first")
        raise NotAllowed(said % {"who": owner, "most": rules.SERVICES_OF_ONE})
    name = names.proper(name)
    service = Account(username=name, role=Role.SERVICE, owner=owner)
    try:
        service.full_clean(exclude=["password"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise AccountRefused(" ".join(error.messages)) from error
    service.set_unusable_password()
    return _keep(service)


def close_service(service: Account, *, by: Account) -> None:
    """End a service account and all its tokens; what it sent stays."""
    if service.role != Role.SERVICE or by.pk != service.owner_id:
        said = _("%(service)s is not a service account of %(who)s")
        raise NotAllowed(said % {"service": service, "who": by})
    with transaction.atomic():
        Account.objects.filter(pk=service.pk).update(is_active=False)
        for token in Token.objects.filter(account=service, revoked_at=None):
            revoke(token)


def make_token(
    account: Account, *, name: str, scopes: Iterable[str], lasts: timedelta = TOKEN_LASTS
) -> tuple[Token, str]:
    """A new token and its text, which is shown this once and never stored."""
    asked, allowed = set(scopes), rules.scopes_of(account)
    if not asked or not asked <= allowed:
        said = _("a token of %(who)s can carry these scopes: %(choice)s")
        raise NotAllowed(said % {"who": account, "choice": ", ".join(sorted(allowed))})
    longest = rules.LONGEST_SERVICE_TOKEN if account.owner_id else rules.LONGEST_TOKEN
    if lasts > longest:
        said = _("a token of %(who)s lasts at most %(days)d days")
        raise NotAllowed(said % {"who": account, "days": longest.days})
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


def set_role(account: Account, role: str) -> None:
    """Change a role and end the tokens that carry more than it allows.

    Nobody calls this but `history.appointments`, which asks who may and writes the record.
    """
    if role not in Role.values:
        raise AccountRefused(
            f"the role “{role}” is not known; pick one of {', '.join(Role.values)}"
        )
    with transaction.atomic():
        _keep_an_administrator(account, role)
        account.role = role
        account.save(update_fields=["role"])
        for token in Token.objects.filter(account=account, revoked_at=None):
            if not set(token.scopes) <= rules.scopes_of(account):
                revoke(token)


def set_single_keys(account: Account, *, on: bool) -> None:
    """Whether single letters are shortcuts for this account."""
    account.single_keys = on
    account.save(update_fields=["single_keys"])


def _keep_an_administrator(account: Account, role: str) -> None:
    """`LastAdministrator` when the change would leave the site without one."""
    administrators = Account.objects.filter(role=Role.ADMIN, is_active=True)
    # Locked in one order: two who depose each other at once must not both succeed.
    standing = list(administrators.order_by("pk").select_for_update().values_list("pk", flat=True))
    if role != Role.ADMIN and standing == [account.pk]:
        raise LastAdministrator(f"{account} is the last administrator; appoint another one first")


def _keep(account: Account) -> Account:
    """Store a new account; of two who want a name at once, one gets it."""
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError as error:
        raise _taken(account.username) from error
    return account


def _taken(name: str) -> NameTaken:
    return NameTaken(_("“%(name)s” is taken; choose another name") % {"name": name})

"""Mail to people: one for each notice they have not seen, easy to sort and to end.

`List-Id` and `References` let mail programs gather a PR's mails into one thread; one click ends
them all (RFC 8058), without signing in.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.community.models import Endpoint, Notice
from apps.community.queries import sentence_of

SALT = "end all mail"


def of_notice(notice: Notice) -> EmailMessage:
    """The mail that tells somebody what their inbox says, in their language."""
    with speaking_to(notice.account):
        return _of_notice(notice)


def of_disabled(endpoint: Endpoint) -> EmailMessage:
    """The mail that tells a webhook's owner that it was switched off, and why."""
    with speaking_to(endpoint.account):
        return _of_disabled(endpoint)


def speaking_to(account: Account) -> AbstractContextManager[None]:
    """The language that somebody has picked, or English; nobody's request says it here."""
    known = dict(settings.LANGUAGES)
    return translation.override(account.language if account.language in known else "en")


def _of_notice(notice: Notice) -> EmailMessage:
    pr = notice.contribution
    body = "\n\n".join(
        [
            sentence_of(notice),
            notice.event.because,
            address(pr.get_absolute_url()),
            f"-- \n{notice.get_reason_display()}. "
            + _("To end these mails: %(url)s") % {"url": unsubscribe_address(notice.account)},
        ]
    )
    thread = f"<pr-{pr.pk}@{_host()}>"
    return EmailMessage(
        subject=f"[PR {pr.pk}] {pr.title}",
        body=body,
        to=[notice.account.email],
        headers={
            "Message-ID": f"<notice-{notice.pk}@{_host()}>",
            "In-Reply-To": thread,
            "References": thread,
            "List-Id": f"PR {pr.pk} <pr-{pr.pk}.{_host()}>",
            **_ends(notice.account),
        },
    )


def _of_disabled(endpoint: Endpoint) -> EmailMessage:
    body = _(
        "Your webhook %(url)s was switched off: %(because)s.\n\n"
        "Mend the receiver, then switch it on again; what it has missed can be sent once more:\n"
        "%(page)s"
    )
    return EmailMessage(
        subject=_("Your webhook was switched off"),
        body=body
        % {
            "url": endpoint.url,
            "because": endpoint.disabled_because,
            "page": address(reverse("pages:webhooks")),
        },
        to=[endpoint.account.email],
        headers=_ends(endpoint.account),
    )


def unsubscribe_address(account: Account) -> str:
    """Where one click ends all mail to this account; good without signing in."""
    token = signing.dumps(account.pk, salt=SALT)
    return address(reverse("pages:unsubscribe", args=[token]))


def account_behind(token: str) -> Account | None:
    """The account that an unsubscribe address speaks of; None for a forged one."""
    try:
        key = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return Account.objects.filter(pk=key).first()


def address(path: str) -> str:
    """A path of this site as a whole address."""
    return settings.SITE_URL.rstrip("/") + path


def _ends(account: Account) -> dict[str, str]:
    return {
        "List-Unsubscribe": f"<{unsubscribe_address(account)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _host() -> str:
    return settings.SITE_URL.rsplit("//", 1)[-1].split("/")[0].split(":")[0]

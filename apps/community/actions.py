"""Following PRs, emptying an inbox, ending mail, and keeping webhooks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.community import queries
from apps.community.errors import BadEndpoint
from apps.community.models import Dispatch, Endpoint, MailWish, Notice, Reason, Subscription
from apps.community.news import News
from apps.community.webhooks import keys
from apps.community.webhooks.calling import ensure_may_call
from apps.contributions.models import Contribution

MOST_ENDPOINTS = 20
OLD_KEY_LASTS = timedelta(hours=24)
LOG_LASTS = timedelta(days=30)
WANT = re.compile(r"\*|[a-z_]+\.(\*|[a-z_]+)")
PING = "ping"
ROWS_AT_ONCE = 1000


# -- People ---------------------------------------------------------------------------------------


def follow(contribution: Contribution, *, by: Account) -> None:
    """Be told of everything that happens to a PR."""
    _subscribe(contribution, by, muted=False)


def mute(contribution: Contribution, *, by: Account) -> None:
    """Be told nothing more of a PR, even of one's own."""
    _subscribe(contribution, by, muted=True)


def mark(notices: Iterable[int], *, by: Account, as_: str) -> int:
    """Mark lines of one's own inbox as read, unread, done, undone, saved or unsaved."""
    now = timezone.now()
    changes: dict[str, dict[str, object]] = {
        "read": {"read_at": now},
        "unread": {"read_at": None},
        "done": {"done_at": now, "read_at": now},
        "undone": {"done_at": None},
        "saved": {"saved": True},
        "unsaved": {"saved": False},
    }
    return Notice.objects.filter(account=by, pk__in=list(notices)).update(**changes[as_])


def wish_mail(account: Account, *, wanted: bool) -> None:
    """Let mail come, or end it; the inbox stays as it is."""
    MailWish.objects.update_or_create(account=account, defaults={"wanted": wanted})


def _subscribe(contribution: Contribution, by: Account, *, muted: bool) -> None:
    Subscription.objects.update_or_create(
        account=by,
        contribution=contribution,
        defaults={"muted": muted},
        create_defaults={"muted": muted, "reason": Reason.WATCHING},
    )


# -- Programs -------------------------------------------------------------------------------------


def open_endpoint(
    *,
    by: Account,
    url: str,
    wants: Iterable[str] = ("*",),
    own_only: bool = False,
    algorithm: str = "v1",
) -> tuple[Endpoint, str]:
    """A new webhook and the key its receiver needs, which is shown this once.

    Raises `BadEndpoint` for an address that cannot be called, or a wish that names no event.
    """
    ensure_may_call(url)
    if algorithm not in keys.ALGORITHMS:
        said = _("the algorithm “%(name)s” is not known; use v1 or v1a")
        raise BadEndpoint(said % {"name": algorithm[:20]})
    if Endpoint.objects.filter(account=by).count() >= MOST_ENDPOINTS:
        said = _("%(who)s has %(most)d webhooks; delete one that is not used")
        raise BadEndpoint(said % {"who": by, "most": MOST_ENDPOINTS})
    key = keys.new_key()
    endpoint = Endpoint.objects.create(
        account=by,
        url=url,
        wants=_wishes(wants),
        own_only=own_only,
        algorithm=algorithm,
        key=keys.sealed(key),
    )
    return endpoint, keys.shown(key, algorithm)


def change_endpoint(
    endpoint: Endpoint,
    *,
    url: str | None = None,
    wants: Iterable[str] | None = None,
    own_only: bool | None = None,
) -> None:
    """Send elsewhere, or other events."""
    if url is not None:
        ensure_may_call(url)
        endpoint.url = url
    if wants is not None:
        endpoint.wants = _wishes(wants)
    if own_only is not None:
        endpoint.own_only = own_only
    endpoint.save(update_fields=["url", "wants", "own_only"])


def change_key(endpoint: Endpoint) -> str:
    """A new key, shown this once; for a day each message is signed by the old one too."""
    key = keys.new_key()
    endpoint.old_key, endpoint.key = endpoint.key, keys.sealed(key)
    endpoint.old_key_until = timezone.now() + OLD_KEY_LASTS
    endpoint.save(update_fields=["key", "old_key", "old_key_until"])
    return keys.shown(key, endpoint.algorithm)


def close_endpoint(endpoint: Endpoint) -> None:
    """Send nothing more, and forget its log."""
    endpoint.delete()


def switch_on(endpoint: Endpoint) -> None:
    """Send again after a pause; what was missed can be replayed, or read from the event list."""
    endpoint.disabled_at, endpoint.disabled_because, endpoint.failing_since = None, "", None
    endpoint.save(update_fields=["disabled_at", "disabled_because", "failing_since"])


def ping(endpoint: Endpoint) -> Dispatch:
    """A message that says nothing, to see whether the receiver understands."""
    now = timezone.now()
    body = {"type": PING, "timestamp": now.isoformat(), "data": {"endpoint": endpoint.public_id}}
    return _enqueue(endpoint, f"ping_{endpoint.pk}_{int(now.timestamp() * 1e6)}", PING, body)


def replay(delivery: Dispatch) -> Dispatch:
    """Send a message once more, under the id it had."""
    body = json.loads(delivery.body)
    return _enqueue(delivery.endpoint, delivery.message_id, delivery.kind, body)


def write_deliveries(many: Sequence[News]) -> None:
    """A delivery of each event for each webhook that wants to hear it."""
    endpoints = queries.endpoints_on()
    wanted = (
        _dispatch(endpoint, news.message_id, news.kind, news.as_message(_address_of(news)))
        for news in many
        for endpoint in endpoints
        if queries.wants(endpoint, news)
    )
    Dispatch.objects.bulk_create(wanted, ROWS_AT_ONCE)


def forget_old_deliveries() -> int:
    """Empty the log of what is older than thirty days."""
    old = Dispatch.objects.filter(
        created_at__lt=timezone.now() - LOG_LASTS, next_try_at__isnull=True
    )
    return old.delete()[0]


def _enqueue(endpoint: Endpoint, message_id: str, kind: str, body: object) -> Dispatch:
    dispatch = _dispatch(endpoint, message_id, kind, body)
    dispatch.save()
    return dispatch


def _dispatch(endpoint: Endpoint, message_id: str, kind: str, body: object) -> Dispatch:
    return Dispatch(
        endpoint=endpoint,
        message_id=message_id,
        kind=kind,
        body=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
        next_try_at=timezone.now(),
    )


def _address_of(news: News) -> str:
    number = news.event.subject_id
    path = {"pr": "contributions", "build": "builds", "rollout": "rollouts"}.get(
        news.kind.split(".")[0]
    )
    return f"{settings.SITE_URL.rstrip('/')}/api/v1/{f'{path}/{number}' if path else 'events'}"


def _wishes(wants: Iterable[str]) -> list[str]:
    wished = list(dict.fromkeys(wants)) or ["*"]
    if bad := [want for want in wished if not WANT.fullmatch(want) or len(want) > 60]:
        said = _("“%(want)s” is no kind of event; write pr.accepted, pr.* or *")
        raise BadEndpoint(said % {"want": bad[0][:40]})
    return wished

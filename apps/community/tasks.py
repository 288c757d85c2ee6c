"""What the clock sets off in community: the record is read on, mail and webhooks leave."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import shared_task
from django.utils import timezone

from apps.community import actions, mail, queries, telling
from apps.community.models import Dispatch, Endpoint, Notice
from apps.community.news import News
from apps.community.webhooks import sending
from apps.history.actions import send

logger = logging.getLogger(__name__)

DELIVERIES_A_RING = 200


@shared_task
def tell() -> None:
    """Read the record on, for inboxes and for webhooks."""
    telling.read_on("notices", _tell_people)
    telling.read_on("webhooks", actions.write_deliveries)


def _tell_people(many: Sequence[News]) -> None:
    telling.write_notices(many)
    for notice in queries.to_be_mailed(many):
        send("apps.community.tasks.mail_notice", notice.pk, once=f"mail of notice {notice.pk}")


@shared_task
def mail_notice(pk: int) -> None:
    """Mail one notice, unless it was read or mailed meanwhile."""
    notice = Notice.objects.select_related("account", "contribution", "event").get(pk=pk)
    if notice.mailed_at or notice.read_at or not queries.wants_mail(notice.account):
        return
    mail.of_notice(notice).send()
    Notice.objects.filter(pk=pk).update(mailed_at=timezone.now())


@shared_task
def deliver_webhooks() -> None:
    """Hand every delivery that is due to a worker; the row itself is the outbox."""
    for pk in queries.due_deliveries()[:DELIVERIES_A_RING]:
        deliver_one.apply_async(args=[pk], expires=30)


@shared_task
def deliver_one(pk: int) -> None:
    """One try of one delivery."""
    delivery = Dispatch.objects.select_related("endpoint__account").filter(pk=pk).first()
    if delivery is None:
        return
    sending.attempt(delivery)
    if delivery.endpoint.disabled_at and delivery.endpoint.account.email:
        since = delivery.endpoint.disabled_at.isoformat()
        once = f"mail of {delivery.endpoint} off since {since}"
        send("apps.community.tasks.mail_disabled", delivery.endpoint_id, once=once)


@shared_task
def mail_disabled(pk: int) -> None:
    """Tell a webhook's owner that it was switched off."""
    endpoint = Endpoint.objects.select_related("account").filter(pk=pk).first()
    if endpoint and endpoint.disabled_at and queries.wants_mail(endpoint.account):
        mail.of_disabled(endpoint).send()


@shared_task
def forget_old_deliveries() -> None:
    """Keep thirty days of the log."""
    if gone := actions.forget_old_deliveries():
        logger.info("%d old deliveries forgotten", gone)

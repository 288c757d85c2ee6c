"""Programs are told as Standard Webhooks 1.0.0 has it: signed, retried, logged, replayed."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core import mail
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from apps.community import actions, tasks
from apps.community.errors import BadEndpoint
from apps.community.models import Dispatch, Endpoint
from apps.community.webhooks import calling, keys, sending
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import move
from tests.community.receiver import Receiver, receiving
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inside(settings) -> None:
    """The receiver listens on the loopback."""
    settings.WEBHOOKS_MAY_CALL_INSIDE = True


def endpoint_at(receiver: Receiver, **more) -> tuple[Endpoint, str]:
    return actions.open_endpoint(by=more.pop("by", None) or somebody(), url=receiver.url, **more)


def tell_and_deliver() -> None:
    tasks.tell()
    for pk in (
        Dispatch.objects.filter(next_try_at__isnull=False)
        .order_by("pk")
        .values_list("pk", flat=True)
    ):
        tasks.deliver_one(pk)


def bring_forward(delivery: Dispatch) -> None:
    """Let the wait until the next try be over."""
    Dispatch.objects.filter(pk=delivery.pk).update(next_try_at=timezone.now())


def accepted() -> Contribution:
    contribution = a_contribution(stage=Stage.IN_REVIEW)
    move(contribution, Stage.ACCEPTED, by="reviews")
    return contribution


def test_an_event_reaches_the_receiver_signed_as_the_standard_says():
    with receiving() as receiver:
        _, key = endpoint_at(receiver, wants=["pr.accepted"])
        contribution = accepted()

        tell_and_deliver()

    ((headers, body),) = receiver.got
    said = Webhook(key).verify(body, headers)
    assert said["type"] == "pr.accepted"
    assert said["data"]["id"] == f"pr_{contribution.pk}"
    assert said["data"]["contributions"] == [contribution.pk]
    assert headers["webhook-id"] == f"evt_{said['data']['event']}"
    assert len(body) < 20_000
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body.replace("accepted", "rejected"), headers)


def test_a_receiver_may_hold_only_a_public_key():
    with receiving() as receiver:
        _, key = endpoint_at(receiver, algorithm="v1a")
        accepted()

        tell_and_deliver()

    headers, body = receiver.got[-1]
    version, signed = headers["webhook-signature"].split(",")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    what = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}"
    assert version == "v1a"
    public.verify(base64.b64decode(signed), what.encode())


def test_while_keys_are_changed_both_open_every_message():
    with receiving() as receiver:
        endpoint, old = endpoint_at(receiver)
        new = actions.change_key(endpoint)
        actions.ping(endpoint)
        tell_and_deliver()
        Endpoint.objects.update(old_key_until=timezone.now() - timedelta(seconds=1))
        actions.ping(endpoint)
        tell_and_deliver()

    (headers, body), (later, later_body) = receiver.got
    for key in (old, new):
        assert Webhook(key).verify(body, headers)["type"] == "ping"
    assert Webhook(new).verify(later_body, later)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(later_body, later)


def test_keys_are_not_stored_in_clear():
    with receiving() as receiver:
        endpoint, key = endpoint_at(receiver)

    stored = bytes(Endpoint.objects.get(pk=endpoint.pk).key)
    assert base64.b64decode(key.removeprefix("whsec_")) not in stored
    assert keys.shown(keys.opened(stored), "v1") == key


def test_what_fails_is_tried_again_under_the_same_id_until_it_is_taken():
    with receiving(500, 503, 200) as receiver:
        endpoint, _ = endpoint_at(receiver)
        delivery = actions.ping(endpoint)
        waits = []
        for _ in range(3):
            tell_and_deliver()
            delivery.refresh_from_db()
            waits.append(delivery.next_try_at)
            bring_forward(delivery)

    assert [headers["webhook-id"] for headers, _ in receiver.got] == [delivery.message_id] * 3
    assert (delivery.tries, delivery.status) == (3, 200)
    assert delivery.delivered_at
    assert [wait is not None for wait in waits] == [True, True, False]


def test_the_tries_span_more_than_a_day_even_with_the_shortest_jitter():
    assert sum(sending.WAITS) * (1 - sending.JITTER) >= 24 * 3600


def test_a_receiver_that_never_answers_is_switched_off_and_its_owner_told():
    owner = somebody()
    owner.email = "owner@example.org"
    owner.save()
    with receiving(500) as receiver:
        endpoint, _ = endpoint_at(receiver, by=owner)
        delivery = actions.ping(endpoint)
        for _ in range(len(sending.WAITS) + 1):
            bring_forward(delivery)
            tell_and_deliver()
    endpoint.refresh_from_db()

    assert endpoint.disabled_at
    assert "tries of" in endpoint.disabled_because
    tasks.mail_disabled(endpoint.pk)
    assert "switched off" in mail.outbox[0].subject
    actions.switch_on(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None


def test_gone_switches_off_at_once():
    with receiving(410) as receiver:
        endpoint, _ = endpoint_at(receiver)
        actions.ping(endpoint)
        tell_and_deliver()
    endpoint.refresh_from_db()

    assert endpoint.disabled_because == "it answered 410 Gone"


def test_a_redirect_is_not_followed():
    with receiving(302) as receiver:
        endpoint, _ = endpoint_at(receiver)
        delivery = actions.ping(endpoint)
        tell_and_deliver()
    delivery.refresh_from_db()

    assert (delivery.status, delivery.delivered_at) == (302, None)


def test_a_replay_has_the_same_id_and_body():
    with receiving() as receiver:
        _, key = endpoint_at(receiver, wants=["pr.accepted"])
        accepted()
        tell_and_deliver()
        actions.replay(Dispatch.objects.get())

        tell_and_deliver()

    (first, body), (second, again) = receiver.got
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
    assert Webhook(key).verify(again, second)


def test_each_event_is_told_once_however_often_the_clock_rings():
    with receiving() as receiver:
        endpoint_at(receiver, wants=["pr.*"])
        accepted()
        tasks.tell()
        tasks.tell()

    assert list(Dispatch.objects.order_by("pk").values_list("kind", flat=True)) == [
        "pr.submitted",
        "pr.accepted",
    ]


def test_a_webhook_hears_only_what_it_wants():
    author = somebody()
    with receiving() as receiver:
        endpoint_at(receiver, wants=["rollout.*"])
        endpoint_at(receiver, wants=["pr.accepted"])
        own, _ = endpoint_at(receiver, own_only=True, by=author)
        a_contribution(by=author)
        accepted()
        tasks.tell()

    heard = Dispatch.objects.order_by("pk").values_list("endpoint", "kind")
    assert [kind for number, kind in heard if number == own.pk] == ["pr.submitted"]
    assert [kind for number, kind in heard if number != own.pk] == ["pr.accepted"]


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_one_makes_a_try():
    with receiving() as receiver:
        endpoint, _ = endpoint_at(receiver)
        delivery = actions.ping(endpoint)

        def work(_: int) -> None:
            try:
                tasks.deliver_one(delivery.pk)
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))

    assert len(receiver.got) == 1


INNER = [
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://10.0.0.8/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://0.0.0.0/",
    "http://example.org/",
    "https://user:secret@example.org/",
    "https://example.org:22/",
    "ftp://example.org/",
    "https:///path",
    "https://example.org:http/",
]


@pytest.mark.parametrize("url", INNER)
def test_an_address_inside_our_walls_is_refused(url: str, settings):
    settings.WEBHOOKS_MAY_CALL_INSIDE = False

    with pytest.raises(BadEndpoint):
        actions.open_endpoint(by=somebody(), url=url)


def test_a_name_that_leads_inside_is_not_called_even_if_it_led_outside_before(settings):
    with receiving() as receiver:
        port = receiver.url.split(":")[-1].split("/")[0]
        settings.WEBHOOKS_MAY_CALL_INSIDE = False

        answer = calling.post(f"https://localhost:{port}/hook", b"{}", {})
        direct = calling.CheckedBackend()
        with pytest.raises(calling.httpcore.ConnectError, match="an inner address"):
            direct.connect_tcp("localhost", int(port))

    assert answer.status is None
    assert receiver.got == []


@pytest.mark.parametrize("want", ["", "pr", "PR.accepted", "pr.accepted.x", "a" * 70, "pr.*;"])
def test_a_wish_that_names_no_event_is_refused(want: str):
    with pytest.raises(BadEndpoint, match="no kind of event"):
        actions.open_endpoint(by=somebody(), url="https://example.org/", wants=[want])


def test_the_log_is_kept_for_thirty_days_and_what_still_waits_longer():
    with receiving() as receiver:
        endpoint, _ = endpoint_at(receiver)
        done, waiting = actions.ping(endpoint), actions.ping(endpoint)
    old = timezone.now() - timedelta(days=31)
    Dispatch.objects.update(created_at=old)
    Dispatch.objects.filter(pk=done.pk).update(next_try_at=None)

    tasks.forget_old_deliveries()

    assert list(Dispatch.objects.all()) == [waiting]


def test_a_message_names_nothing_that_a_visitor_may_not_see():
    contribution = a_contribution(rows=[{"prompt": "a secret prompt", "completion": "c"}])
    with receiving() as receiver:
        endpoint_at(receiver)
        move(contribution, Stage.QUARANTINED, by="checks", because="row 1 says: a secret prompt")
        tell_and_deliver()

    assert receiver.got
    assert all("secret" not in body for _, body in receiver.got)
    assert json.loads(receiver.got[-1][1])["type"] == "pr.quarantined"

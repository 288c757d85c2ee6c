"""Responses that Argilla's own worker posts to us, signed, over the loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import argilla as sdk
import httpx
import pytest
from django.core.management import call_command

from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.argilla.models import Answer, Board
from apps.reviews.argilla.sweeping import sweep
from apps.reviews.models import Decision
from tests.argilla.reviewing import deliver, open_slips, reviewer, ring
from tests.people import a_contribution

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("connected", "no_webhooks_left"),
]


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


@pytest.fixture
def webhook(settings, server, live_server, owner, capsys) -> str:
    """The webhook that `manage.py argilla connect` opens, and whose secret we now know."""
    if urlsplit(server.url).hostname not in ("127.0.0.1", "localhost"):
        pytest.skip("this Argilla runs elsewhere and cannot reach our loopback")
    settings.SITE_URL = live_server.url
    call_command("argilla", "connect")
    settings.ARGILLA_WEBHOOK_SECRET = capsys.readouterr().out.split("SECRET=")[1].strip()
    return f"{live_server.url}/api/v1/argilla/events"


def test_a_response_comes_by_the_signed_webhook_and_counts_once(owner, connected, webhook):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()

    ann.answers(pr, verdict="accept")
    until(Answer.objects.exists)
    assert Answer.objects.get().came_by == "webhook"
    deliver()
    assert Contribution.objects.get(pk=pr.pk).stage == Stage.ACCEPTED

    # The sweep finds the same version and adds nothing.
    assert sweep(Board.objects.get(), whole=True) == 0
    assert Decision.objects.count() == 1


def test_connecting_twice_opens_one_webhook(owner, connected, webhook, settings, capsys):
    call_command("argilla", "connect")

    assert "the one that this site knows" in capsys.readouterr().out
    assert [hook.url for hook in owner.webhooks].count(webhook) == 1


def test_a_taken_back_response_does_not_count(owner, connected, webhook):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()
    said = ann.answer(open_slips(pr)[0], verdict="accept")
    until(Answer.objects.exists)

    ann.http.delete(f"/api/v1/responses/{said['id']}").raise_for_status()
    until(lambda: Answer.objects.count() == 2)
    deliver()

    assert Contribution.objects.get(pk=pr.pk).stage == Stage.IN_REVIEW
    states = dict(Answer.objects.values_list("status", "state"))
    assert states == {"submitted": Answer.State.REPLACED, "deleted": Answer.State.PASSED}


def test_record_completed_is_left_alone(owner, connected, webhook, settings):
    """It carries no responses: what it says, `response.created` has said with its values."""
    (hook,) = [one for one in owner.webhooks if one.url == webhook]
    hook.events = ["record.completed", "response.created"]
    hook.update()
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()

    ann.answers(pr, verdict="accept")
    until(Answer.objects.exists)

    assert Answer.objects.count() == 1


@pytest.mark.parametrize("headers", [{}, {"webhook-id": "msg_1", "webhook-timestamp": "1"}])
def test_what_is_not_signed_is_refused(webhook, headers):
    answer = httpx.post(webhook, content=json.dumps({"type": "response.created"}), headers=headers)

    assert answer.status_code in (401, 415)
    assert not Answer.objects.exists()


def test_the_sdk_sees_the_webhook_as_ours(owner: sdk.Argilla, webhook: str):
    (hook,) = [one for one in owner.webhooks if one.url == webhook]

    assert sorted(hook.events) == ["response.created", "response.deleted", "response.updated"]

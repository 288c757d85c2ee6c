"""The outbox: what was decided is sent, and what was lost is sent again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app, shared_task
from celery.contrib.testing.worker import start_worker
from django.db import transaction
from django.utils import timezone

from apps.history import actions
from apps.history.models import Letter
from apps.history.queries import undelivered

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = timedelta(0)
QUEUE = "default"


@shared_task(name="tests.noted")
def noted(word: str) -> None:
    """A task that a letter can ask for."""
    heard.append(word)


heard: list[str] = []


@pytest.fixture(autouse=True)
def empty_queue():
    """Nothing waits in the broker, and nothing was heard."""
    heard.clear()
    with current_app.connection_for_write() as broker:
        broker.default_channel.queue_purge(QUEUE)


def waiting() -> int:
    """Messages in the broker."""
    with current_app.connection_for_read() as broker:
        return broker.default_channel._size(QUEUE)


def test_a_letter_leaves_when_its_cause_is_committed():
    with transaction.atomic():
        actions.send("tests.noted", "hello", once="greet")
        assert waiting() == 0

    assert waiting() == 1
    assert Letter.objects.get().sendings == 1


def test_a_letter_of_a_cause_that_failed_never_leaves():
    with transaction.atomic():
        actions.send("tests.noted", "hello", once="greet")
        transaction.set_rollback(True)

    assert (waiting(), Letter.objects.count()) == (0, 0)


def test_the_same_work_is_written_once():
    assert actions.send("tests.noted", "hello", once="greet") is not None
    assert actions.send("tests.noted", "hello", once="greet") is None

    assert waiting() == 1


def test_fifty_letters_lost_with_the_broker_are_all_sent_again():
    for number in range(50):
        actions.send("tests.noted", str(number), once=f"letter {number}")
    with current_app.connection_for_write() as broker:
        broker.default_channel.queue_purge(QUEUE)
    assert waiting() == 0

    assert actions.sweep(older_than=AT_ONCE) == 50
    assert waiting() == 50


def test_a_letter_that_has_just_left_is_given_time():
    actions.send("tests.noted", "hello", once="greet")

    assert actions.sweep(older_than=timedelta(seconds=30)) == 0


def test_a_letter_whose_task_ran_is_never_sent_again():
    actions.send("tests.noted", "hello", once="greet")

    with start_worker(current_app, queues=[QUEUE], perform_ping_check=False, pool="solo"):
        deadline = timezone.now() + timedelta(seconds=20)
        while undelivered(AT_ONCE).exists() and timezone.now() < deadline:
            pass

    assert heard == ["hello"]
    assert actions.sweep(older_than=AT_ONCE) == 0

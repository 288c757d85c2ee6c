"""The record: append-only, chained, and honest about tampering."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from apps.contributions.stages import Stage
from apps.history.actions import move, record
from apps.history.errors import ChainBroken
from apps.history.models import Event
from apps.history.queries import GENESIS, life_of, verify_chain
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db


def tamper(sql: str, *values: object) -> None:
    """Change the record as somebody with the keys to the database would."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_every_event_carries_its_predecessors_digest():
    contribution = a_contribution()
    move(contribution, Stage.IN_REVIEW, by="checks", details={"findings": 0, "seconds": 0.25})

    events = list(Event.objects.order_by("pk"))
    assert [event.previous for event in events] == [GENESIS, *(e.digest for e in events[:-1])]
    assert verify_chain() == len(events)


def test_the_database_refuses_to_change_an_event():
    a_contribution()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.update(because="it never happened")


def test_the_database_refuses_to_delete_an_event():
    a_contribution()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.all().delete()


def test_the_database_refuses_to_empty_the_record():
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("TRUNCATE history_event CASCADE")


def test_a_changed_line_breaks_the_chain():
    contribution = a_contribution()
    tamper("UPDATE history_event SET actor = 'nobody' WHERE subject_id = %s", contribution.pk)

    with pytest.raises(ChainBroken, match="was changed"):
        verify_chain()


def test_a_removed_line_breaks_the_chain():
    first, _ = a_contribution(), a_contribution()
    tamper("DELETE FROM history_event WHERE subject_id = %s", first.pk)

    with pytest.raises(ChainBroken, match="does not follow"):
        verify_chain()


def test_a_life_is_told_in_order_with_who_and_why():
    ada = somebody()
    contribution = a_contribution(by=ada)
    move(contribution, Stage.QUARANTINED, by="checks", because="an address stands in row 2")
    record(contribution, "commented", by=ada)

    told = [(event.verb, event.entered, event.actor) for event in life_of(contribution)]
    assert told == [
        ("moved", Stage.SUBMITTED, ada.username),
        ("moved", Stage.QUARANTINED, "checks"),
        ("commented", "", ada.username),
    ]


@pytest.mark.django_db(transaction=True)
def test_eight_writers_at_once_make_one_unbroken_chain():
    contribution = a_contribution()
    start = threading.Barrier(8)

    def writer(name: str) -> None:
        start.wait()
        for _ in range(10):
            record(contribution, "noted", by=name)
        connection.close()

    threads = [threading.Thread(target=writer, args=(f"writer {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert life_of(contribution).filter(verb="noted").count() == 80
    assert verify_chain() == Event.objects.count()

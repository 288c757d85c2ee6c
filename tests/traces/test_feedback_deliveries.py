"""Deliveries of feedback: what repeats is named, keys act once, large ones are stored after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from apps.skills.models import ModelLine
from apps.traces import actions, tasks
from apps.traces.errors import EmptyDelivery, KeyTaken, StillRunning
from apps.traces.feedback import delivering, partitions, storing
from apps.traces.feedback.delivering import Order
from apps.traces.models import Delivery, Feedback, Parcel, Unstored
from apps.traces.stages import Stage
from openflywheel.reading.strict_json import BadJSON
from tests.people import a_line, somebody
from tests.traces.delivering import order_of, send, send_body, stored_by

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def line(db: None) -> ModelLine:
    return a_line("sums")


def said(name: str | None = None, **more: Any) -> dict[str, Any]:
    row = {"prompt": "2+2", "answer": "5", "success": False, **more}
    return row if name is None else {**row, "client_id": name}


def numbers() -> list[str]:
    return [row.public_id for row in Feedback.objects.order_by("pk")]


def test_a_client_id_is_stored_once_and_its_repeats_name_the_first():
    ada = somebody()
    send(ada, said("a"), said("b"))

    receipt = send(ada, said("c"), said("a"), said("c"), said("a"), said())

    first, _, third, _ = numbers()
    assert receipt.repeats == {1: first, 2: third, 3: first}
    assert receipt.counts == {"rows": 5, "stored": 2, "duplicate": 3, "refused": 0}
    assert send(somebody(), said("a")).counts["stored"] == 1


def test_rows_know_their_month_and_delivery_by_their_number():
    delivery = stored_by(send(somebody(), said(), said()))

    today = datetime.now(UTC).date()
    for place, row in enumerate(Feedback.objects.order_by("pk")):
        assert row.pk == partitions.number_of(delivery.pk, place)
        assert partitions.month_of_row(row.pk) == partitions.month_of(today)
    assert partitions.name_of(partitions.month_of(today)) == f"traces_feedback_{today:%Y_%m}"


def test_a_client_id_of_last_month_is_still_known(monkeypatch: pytest.MonkeyPatch):
    ada, month = somebody(), partitions.this_month()
    partitions.ensure(month - 1)
    desk = order_of(ada).desk
    old = partitions.first_delivery(month - 1) + 7
    monkeypatch.setattr(storing, "_at_the_turn_of_a_month", lambda now: False)
    order = Order(ada, replace(desk, delivery=old))
    delivering.take(order, [json.dumps([said("a")]).encode()], header=lambda beside: order)
    storing._delivered_in.cache_clear()

    assert send(ada, said("a"), said("b")).repeats == {0: numbers()[0]}


def test_the_month_ahead_is_made_before_anybody_needs_it():
    tasks.make_months()

    with connection.cursor() as cursor:
        for ahead in range(3):
            name = partitions.name_of(partitions.this_month() + ahead)
            cursor.execute("SELECT to_regclass(%s)", [name])
            assert cursor.fetchone()[0] == name
    assert partitions.ensure(partitions.this_month()) is False


def test_the_database_lets_no_row_stand_without_its_delivery():
    stored_by(send(somebody(), said()))
    names = ", ".join(storing.COLUMNS)
    another = names.replace("id, delivery_id", "id + 1, delivery_id + 1", 1)
    nobodys = f"INSERT INTO traces_feedback ({names}) SELECT {another} FROM traces_feedback"

    for statement, why in (
        ("DELETE FROM traces_delivery", "has rows of feedback and stays"),
        ("UPDATE traces_delivery SET account_id = account_id + 1", "has rows of feedback"),
        ("UPDATE traces_feedback SET account_id = account_id + 1", "and there is none"),
        (nobodys, "and there is none"),
    ):
        with (
            pytest.raises(IntegrityError, match=why),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_the_same_key_and_body_act_once():
    ada, body = somebody(), json.dumps([said("a"), said("a"), {"prompt": 1}]).encode()

    first = send_body(ada, body, key="k", licence="CC0-1.0")
    again = send_body(ada, [body[:9], body[9:]], key="k", licence="CC0-1.0")

    assert again.replayed
    for name in ("rows", "counts", "repeats", "refused", "gathers"):
        assert getattr(again, name) == getattr(first, name)
    assert Feedback.objects.count() == 1
    assert not send_body(somebody(), body, key="k").replayed


def test_a_key_stands_for_one_body():
    ada = somebody()
    send(ada, said(), key="k")

    with pytest.raises(KeyTaken, match="make a new key"):
        send(ada, said("other"), key="k")


@pytest.mark.django_db(transaction=True)
def test_a_key_whose_request_still_runs_is_refused():
    a_line()
    ada, ready, over = somebody(), Barrier(2), Barrier(2)

    def slow() -> Iterator[bytes]:
        yield b"["
        ready.wait(20)
        over.wait(20)
        yield json.dumps(said()).encode() + b"]"

    def first() -> None:
        send_body(ada, slow(), key="k")
        connection.close()

    thread = Thread(target=first)
    thread.start()
    ready.wait(20)
    with pytest.raises(StillRunning):
        send(ada, said(), key="k")
    over.wait(20)
    thread.join(20)

    assert Feedback.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_send_the_same_names_at_once_store_each_once():
    a_line()
    ada, together, stored = somebody(), Barrier(2), []
    names = [f"n{number}" for number in range(60)]

    def racing(order: list[str]) -> None:
        together.wait(20)
        stored.append(send(ada, *map(said, order)).counts["stored"])
        connection.close()

    threads = [Thread(target=racing, args=(some,)) for some in (names, names[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sum(stored) == 60
    assert sorted(Feedback.objects.values_list("client_id", flat=True)) == sorted(names)


def test_a_large_delivery_is_kept_first_and_stored_after(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(delivering, "AT_ONCE_ROWS", 4)
    monkeypatch.setattr("apps.traces.feedback.bodies.PARCEL", 100)
    lines = [json.dumps(said(f"n{number}")) for number in range(6)]
    body = "\n".join([*lines, "no JSON", lines[0]]).encode()
    pieces = [body[at : at + 50] for at in range(0, len(body), 50)]

    receipt = send_body(ada := somebody(), pieces, as_lines=True, key="k")

    delivery = stored_by(receipt)
    assert (receipt.waits, delivery.stage) == (True, Stage.WAITING)
    assert Parcel.objects.count() > 1
    assert Feedback.objects.count() == 0

    tasks.store_delivery(delivery.pk)

    delivery.refresh_from_db()
    counts = (delivery.rows, delivery.stored, delivery.refused, delivery.duplicates)
    assert (delivery.stage, *counts) == (Stage.DONE, 8, 6, 1, 1)
    assert list(Unstored.objects.values_list("row", "code", "of")) == [
        (6, "bad_json", ""),
        (7, "", numbers()[0]),
    ]
    assert Parcel.objects.count() == 0
    assert send_body(ada, body, as_lines=True, key="k").replayed


def test_a_large_delivery_goes_on_where_a_killed_worker_left_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(delivering, "AT_ONCE_ROWS", 1)
    monkeypatch.setattr("apps.traces.feedback.bodies.PARCEL", 100)
    body = b"\n".join(json.dumps(said()).encode() for _ in range(6))
    pieces = [body[at : at + 50] for at in range(0, len(body), 50)]
    delivery = stored_by(send_body(somebody(), pieces, as_lines=True))

    delivering._store_next(delivery)
    assert 0 < Feedback.objects.count() < 6
    tasks.store_delivery(delivery.pk)
    tasks.store_delivery(delivery.pk)

    assert Feedback.objects.count() == 6


def test_a_list_that_breaks_off_leaves_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(delivering, "AT_ONCE_BYTES", 10)

    with pytest.raises(BadJSON):
        send_body(somebody(), [b'[{"prompt": "2+2",', b' "answer": "5"}'])

    assert not Delivery.objects.exists()


def test_a_sender_who_never_came_back_is_given_up():
    ada = somebody()
    left = Delivery.objects.create(
        account=ada,
        line=ModelLine.objects.get(),
        stage=Stage.RECEIVING,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
    )

    tasks.give_up_on_senders()

    left.refresh_from_db()
    assert (left.stage, left.fault) == (
        Stage.FAILED, "its sender stopped before the end of the body",
    )  # fmt: skip


def test_a_rehearsal_stores_nothing_and_says_the_same():
    ada = somebody()
    send(ada, said("a"))
    body = json.dumps([said("a"), said("b"), {"trace": "x"}]).encode()

    order = order_of(ada)
    receipt = delivering.rehearse(order, [body], header=lambda beside: order)

    assert receipt.counts == {"rows": 3, "stored": 1, "duplicate": 1, "refused": 1}
    assert (receipt.repeats, Feedback.objects.count()) == ({0: numbers()[0]}, 1)


def test_an_empty_delivery_is_refused():
    for body in (b"", b" \n", b"[]"):
        with pytest.raises(EmptyDelivery):
            send_body(somebody(), body)


def test_rows_gather_only_with_terms_and_something_to_learn():
    ada = somebody()
    rows = [said(), said(success=None, rating=3), said(success=None, rating=4)]

    assert send(ada, *rows).gathers == set()
    assert send(ada, *rows, licence="CC0-1.0", consent="train").gathers == {0, 2}
    actions.give_terms(ada, "MIT", "train")
    assert order_of(ada).desk.licence == "MIT"

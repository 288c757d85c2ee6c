"""A request full of feedback, from its first byte to its receipt.

Up to `AT_ONCE_ROWS` rows and `AT_ONCE_BYTES` bytes are stored while the sender waits: rows, receipt
and key in one transaction, so that a killed server leaves all of it or nothing. What is larger is
kept as parcels while it streams in, and answered as soon as the last one is committed; a task then
stores parcel after parcel, each in a transaction that also takes the parcel away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from msgspec import UNSET
from psycopg.errors import DeadlockDetected

from apps.accounts.models import Account
from apps.history.actions import move, send
from apps.traces.errors import EmptyDelivery, KeyTaken, StillRunning
from apps.traces.feedback import judging, storing
from apps.traces.feedback.bodies import parcels
from apps.traces.feedback.judging import Judged, Known
from apps.traces.feedback.partitions import MOST_ROWS, number_of, place_of
from apps.traces.feedback.rows import Bad, Sent, read_lines, read_list
from apps.traces.feedback.storing import NameMet
from apps.traces.models import Delivery, Feedback, Parcel, Unstored
from apps.traces.queries import Desk
from apps.traces.stages import Stage
from openflywheel.reading import strict_json
from openflywheel.reading.strict_json import BadJSON

AT_ONCE_ROWS = 5_000
AT_ONCE_BYTES = 4 * 1024**2
# Of a large delivery, so many rows that were not stored are kept by name; all are counted.
MOST_UNSTORED = 10_000
TRIES = 3


@dataclass(frozen=True)
class Order:
    """What holds for all rows of a request; terms are empty where none were given."""

    account: Account
    desk: Desk
    address: str = ""
    key: str = ""
    licence: str = ""
    consent: str = ""
    source: str = ""
    skill: int | None = None
    as_lines: bool = False


@dataclass
class Receipt:
    """What became of the rows of a request, by place."""

    delivery: Delivery | None = None
    rows: int = 0
    gathers: set[int] = field(default_factory=set)
    refused: dict[int, Bad] = field(default_factory=dict)
    repeats: dict[int, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    replayed: bool = False

    @property
    def waits(self) -> bool:
        """Whether the rows are kept and not stored yet."""
        return self.delivery is not None and self.delivery.stage == Stage.WAITING


Header = Callable[[dict[str, Any]], Order]


def take(order: Order, pieces: Iterable[bytes], *, header: Header) -> Receipt:
    """Take a body in; `header` makes the order from what a body says beside its rows.

    Raises `BadJSON`, `EmptyDelivery`, and, for a key that was used before, `KeyTaken` where it
    stands for another body and `StillRunning` where its first request has not ended.
    """
    if not order.key:
        return _take_new(order, pieces, header)
    with _holding(order):
        earlier = Delivery.objects.filter(account=order.account, key=order.key).first()
        if earlier and earlier.stage == Stage.RECEIVING:
            # Whoever was sending it is gone, or the key would be held.
            earlier.delete()
            earlier = None
        if earlier is None:
            return _take_new(order, pieces, header)
        told = _hash_of(order)
        for piece in pieces:
            told.update(piece)
        if earlier.digest != told.hexdigest():
            raise KeyTaken(
                f"the Idempotency-Key “{order.key[:40]}” came with another body or address; make "
                "a new key for new rows"
            )
        return _receipt_of(earlier)


def rehearse(order: Order, pieces: Iterable[bytes], *, header: Header) -> Receipt:
    """What would become of the rows; nothing is stored. Raises as `take` does."""
    receipt, (body, coming) = Receipt(), _begun(iter(pieces))
    if coming is None:
        rows, order = _rows_and_order(body, order, header)
        groups = iter([rows] if rows else [])
    else:
        whole = chain([body], coming)
        cut = parcels(whole, as_lines=order.as_lines)
        groups = (_read(parcel, order.as_lines) for parcel in cut)
    for rows in groups:
        judged = judging.judge(rows, _known(order, 0), first=receipt.rows)
        judged.repeats |= _by_place(storing.standing(judged.rows, account=order.account.pk))
        _note(receipt, judged, len(rows))
    if not receipt.rows:
        raise _empty()
    return receipt


def store_waiting(delivery: Delivery) -> None:
    """Store what is left of a large delivery, unless somebody is at it already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [delivery.pk])
        if not cursor.fetchone()[0]:
            return
    try:
        while delivery.stage == Stage.WAITING:
            _store_next(delivery)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [delivery.pk])


def abandon(delivery: Delivery, because: str) -> None:
    """End a delivery whose sender never came to the end of it."""
    with transaction.atomic():
        ended = {"fault": because, "ended_at": timezone.now()}
        move(delivery, Stage.FAILED, by="traces", because=because, also=ended)
        delivery.parcels.all().delete()


def _take_new(order: Order, pieces: Iterable[bytes], header: Header) -> Receipt:
    told = _hash_of(order)
    body, coming = _begun(_heard(iter(pieces), told))
    if coming is not None:
        return _receive(order, chain([body], coming), told)
    rows, order = _rows_and_order(body, order, header)
    if not rows:
        raise _empty()
    if len(rows) > AT_ONCE_ROWS:
        return _receive(order, [body], told)
    return _deliver(order, rows, told.hexdigest(), len(body))


def _begun(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes] | None]:
    """A body whole, or the beginning of one that is larger than `AT_ONCE_BYTES` and its rest."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) > AT_ONCE_BYTES:
            return bytes(held), pieces
    if not held.strip():
        raise _empty()
    return bytes(held), None


def _rows_and_order(body: bytes, order: Order, header: Header) -> tuple[list[Sent | Bad], Order]:
    """The rows of a whole body, and the order with what stands beside them."""
    if order.as_lines:
        return read_lines(body.removeprefix(b"\xef\xbb\xbf")), order
    if not body.lstrip().startswith(b"{"):
        return read_list(body), order
    items, beside = _opened(body)
    return read_list(items), header(beside) if beside else order


class _Envelope(msgspec.Struct):
    items: msgspec.Raw = msgspec.Raw(b"")


def _opened(body: bytes) -> tuple[bytes, dict[str, Any]]:
    """The list `items` of an object as it was sent, and the object's other fields."""
    raw = b""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raw = bytes(msgspec.json.decode(body, type=_Envelope).items)
    if not raw:
        strict_json.loads(body)
        raise EmptyDelivery("send NDJSON, a JSON list, or an object with the list “items”")
    beside = strict_json.loads(body.replace(raw, b"null", 1))
    del beside["items"]
    return raw, beside


def _deliver(order: Order, rows: list[Sent | Bad], digest: str, size: int) -> Receipt:
    """Store a small delivery whole; two that meet over the same names take turns."""
    round_about = False
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                return _deliver_once(order, rows, digest, size, round_about)
        except NameMet:
            round_about = True
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected) or attempt == TRIES:
                raise
    raise AssertionError("the loop returns or raises")


def _deliver_once(
    order: Order, rows: list[Sent | Bad], digest: str, size: int, round_about: bool
) -> Receipt:
    traces = any(isinstance(row, Sent) and row.trace is not UNSET for row in rows)
    known = _known(order, storing.begin(order.desk.delivery, traces=traces))
    judged = judging.judge(rows, known, first=0)
    delivery = Delivery(
        pk=known.delivery,
        **_columns_of(order),
        digest=digest,
        size=size,
        received_at=known.at,
        ended_at=known.at,
        **_columns(_note(Receipt(), judged, len(rows)).counts),
    )
    # The database looks for it when the rows come in.
    delivery.save(force_insert=True)
    repeating = len(judged.repeats)
    _put(judged, order.account.pk, round_about)
    receipt = _note(Receipt(delivery), judged, len(rows))
    if len(judged.repeats) > repeating:
        Delivery.objects.filter(pk=delivery.pk).update(**_columns(receipt.counts))
    _keep_unstored(delivery, judged)
    return receipt


def _put(judged: Judged, account: int, round_about: bool) -> None:
    """Store the rows that are fresh; a row that repeats one that repeats names the first."""
    standing = storing.put(
        judged.rows, account=account, traces=judged.traces, round_about=round_about
    )
    if standing:
        named = {f"fb_{number}": of for number, of in standing.items()}
        judged.repeats = {at: named.get(of, of) for at, of in judged.repeats.items()}
        judged.repeats |= _by_place(standing)
        judged.rows = [row for row in judged.rows if row[0] not in standing]


def _receive(order: Order, pieces: Iterable[bytes], told: Any) -> Receipt:
    """Keep a large body as parcels and have a task store them."""
    delivery = Delivery.objects.create(stage=Stage.RECEIVING, **_columns_of(order))
    try:
        for number, body in enumerate(parcels(pieces, as_lines=order.as_lines)):
            delivery.size += len(body)
            Parcel.objects.create(delivery=delivery, number=number, body=body)
        also = {"digest": told.hexdigest()}
        with transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(size=delivery.size, **also)
            delivery.digest = also["digest"]
            move(delivery, Stage.WAITING, by=order.account, details={"bytes": delivery.size})
            send("apps.traces.tasks.store_delivery", delivery.pk, once=f"store {delivery}")
    except BaseException:
        delivery.delete()
        raise
    return Receipt(delivery)


def _store_next(delivery: Delivery) -> None:
    """Store the next parcel, or end the delivery where none is left."""
    try:
        with transaction.atomic():
            _store_parcel(delivery, round_about=False)
    except NameMet:
        with transaction.atomic():
            _store_parcel(delivery, round_about=True)


def _store_parcel(delivery: Delivery, *, round_about: bool) -> None:
    storing.go_on()
    delivery.refresh_from_db()
    parcel = delivery.parcels.order_by("number").first()
    if parcel is None:
        _end(delivery, Stage.DONE)
        return
    try:
        rows = _read(bytes(parcel.body), delivery.as_lines)
        if delivery.rows + len(rows) > MOST_ROWS:
            raise BadJSON(f"a delivery has at most {MOST_ROWS:,} rows", "send several")
    except BadJSON as bad:
        delivery.parcels.all().delete()
        _end(delivery, Stage.FAILED, f"from row {delivery.rows:,} on nothing was read: {bad}")
        return
    judged = judging.judge(rows, _known_again(delivery), first=delivery.rows)
    _put(judged, delivery.account_id, round_about)
    _keep_unstored(delivery, judged)
    more = _columns(_note(Receipt(), judged, len(rows)).counts)
    for name, count in more.items():
        setattr(delivery, name, getattr(delivery, name) + count)
    delivery.save(update_fields=list(more))
    parcel.delete()


def _end(delivery: Delivery, stage: Stage, fault: str = "") -> None:
    names = ("rows", "stored", "duplicates", "refused")
    ended = {"fault": fault, "ended_at": timezone.now()}
    details = {name: getattr(delivery, name) for name in names}
    move(delivery, stage, by="traces", because=fault, also=ended, details=details)


def _columns_of(order: Order) -> dict[str, Any]:
    return {
        "account": order.account,
        "line": order.desk.line,
        "key": order.key,
        "licence": order.licence,
        "consent": order.consent,
        "source": order.source,
        "skill_id": order.skill,
        "as_lines": order.as_lines,
    }


def _known(order: Order, delivery: int) -> Known:
    return Known(
        account=order.account,
        line=order.desk.line,
        delivery=delivery,
        at=timezone.now(),
        source=order.source,
        skill=order.skill,
        skills=order.desk.skills,
        terms=bool(order.licence),
    )


def _known_again(delivery: Delivery) -> Known:
    line = delivery.line
    return Known(
        account=delivery.account,
        line=line,
        delivery=delivery.pk,
        at=delivery.received_at,
        source=delivery.source,
        skill=delivery.skill_id,
        skills={skill.name: skill.pk for skill in line.skills.all()},
        terms=bool(delivery.licence),
    )


def _read(body: bytes, as_lines: bool) -> list[Sent | Bad]:
    return read_lines(body.removeprefix(b"\xef\xbb\xbf")) if as_lines else read_list(body)


def _note(receipt: Receipt, judged: Judged, rows: int) -> Receipt:
    """Add what became of some more rows; the first `MOST_UNSTORED` are named, all are counted."""
    receipt.rows += rows
    receipt.gathers |= {place_of(row[0]) for row in judged.rows if row[storing.GATHERS]}
    for kept, more in ((receipt.refused, judged.refused), (receipt.repeats, judged.repeats)):
        room = MOST_UNSTORED - len(kept)
        kept.update(list(more.items())[:room] if len(more) > room else more)  # type: ignore[arg-type]
    for name, count in (
        ("rows", rows),
        ("stored", rows - len(judged.refused) - len(judged.repeats)),
        ("duplicate", len(judged.repeats)),
        ("refused", len(judged.refused)),
    ):
        receipt.counts[name] = receipt.counts.get(name, 0) + count
    return receipt


def _columns(counts: dict[str, int]) -> dict[str, int]:
    return {"duplicates" if name == "duplicate" else name: n for name, n in counts.items()}


def _keep_unstored(delivery: Delivery, judged: Judged) -> None:
    """Remember which rows were not stored and why, for whoever asks again."""
    if not judged.repeats and not judged.refused:
        return
    room = max(0, MOST_UNSTORED - delivery.unstored.count())
    repeats = [Unstored(delivery=delivery, row=at, of=of) for at, of in judged.repeats.items()]
    refused = [
        Unstored(
            delivery=delivery,
            row=at,
            code=bad.code,
            pointer=bad.name[:200],
            detail=bad.detail[:300],
            mend=bad.mend[:300],
        )
        for at, bad in judged.refused.items()
    ]
    some = sorted(repeats + refused, key=lambda unstored: unstored.row)
    Unstored.objects.bulk_create(some[:room])


def _by_place(standing: dict[int, str]) -> dict[int, str]:
    return {place_of(number): of for number, of in standing.items()}


def _receipt_of(delivery: Delivery) -> Receipt:
    """The receipt that a delivery had, from what the database holds of it."""
    names = {"rows": delivery.rows, "stored": delivery.stored}
    receipt = Receipt(
        delivery,
        rows=delivery.rows,
        counts={**names, "duplicate": delivery.duplicates, "refused": delivery.refused},
        replayed=True,
    )
    if delivery.size > AT_ONCE_BYTES or delivery.rows > AT_ONCE_ROWS:
        return receipt
    for row in delivery.unstored.all():
        if row.of:
            receipt.repeats[row.row] = row.of
        else:
            receipt.refused[row.row] = Bad(row.code, row.pointer, row.detail, row.mend)
    own = Feedback.objects.filter(
        pk__range=(number_of(delivery.pk, 0), number_of(delivery.pk, MOST_ROWS - 1)), gathers=True
    )
    receipt.gathers = {place_of(number) for number in own.values_list("pk", flat=True)}
    return receipt


def _hash_of(order: Order) -> Any:
    return hashlib.sha256(order.address.encode() + b"\n")


def _heard(pieces: Iterator[bytes], told: Any) -> Iterator[bytes]:
    for piece in pieces:
        told.update(piece)
        yield piece


@contextmanager
def _holding(order: Order) -> Iterator[None]:
    """Hold a sender's key while its request runs; a killed process lets go of it."""
    name = hashlib.sha256(f"{order.account.pk} {order.key}".encode()).digest()[:8]
    lock = int.from_bytes(name, "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        if not cursor.fetchone()[0]:
            raise StillRunning(
                f"the request that came first with the Idempotency-Key “{order.key[:40]}” still "
                "runs; ask again in a moment"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])


def _empty() -> EmptyDelivery:
    return EmptyDelivery("there are no rows; send one JSON object on each line")

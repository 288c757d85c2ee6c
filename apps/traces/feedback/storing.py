"""Putting rows into the month's partition: COPY, and round by a staging table where names repeat.

COPY straight into the table is twice as quick as a staging table and an upsert, and cannot skip a
row whose `client_id` stands there already. So it is tried first; when it meets one, the transaction
is begun again, and the rows go into a temporary table and from there by one
`INSERT … ON CONFLICT DO NOTHING`.

A client id is met once in its month (a unique index of each partition; one over all of them would
have to hold the partition's key, and two of the same name would differ in that). The month before
is asked by a look-up, so that a name is remembered for a month at the least.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, connection
from psycopg.errors import UniqueViolation

from apps.traces import queries
from apps.traces.feedback import partitions
from apps.traces.models import Delivery

# Column and type, in the order of `judging.Judged.rows`.
COLUMNS = {
    "id": "int8",
    "delivery_id": "int8",
    "account_id": "int8",
    "skill_id": "int8",
    "trace_id": "int8",
    "source": "varchar",
    "client_id": "varchar",
    "context": "jsonb",
    "prompt": "text",
    "answer": "text",
    "correction": "text",
    "success": "bool",
    "rating": "int2",
    "gathers": "bool",
    "at": "timestamptz",
}
NAMES, TYPES = ", ".join(COLUMNS), list(COLUMNS.values())
CLIENT_ID, GATHERS = list(COLUMNS).index("client_id"), list(COLUMNS).index("gathers")
Row = tuple[Any, ...]
STAGING = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS feedback_staging
    ({", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())}) ON COMMIT DELETE ROWS
"""
UPSERT = f"""
    INSERT INTO traces_feedback ({NAMES}) SELECT {NAMES} FROM feedback_staging
    ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608 (names of our own)
# In this order: an outcome is what the gates read, and one judge counts once.
OUTCOMES = """
    INSERT INTO traces_outcome
        (trace_id, judge_id, success, rating, client_id, feedback, created_at)
    SELECT trace_id, account_id, coalesce(success, false), rating, client_id, id, now()
    FROM traces_feedback
    WHERE id BETWEEN %s AND %s AND trace_id IS NOT NULL
    ORDER BY id ON CONFLICT DO NOTHING
"""
STANDING = """
    SELECT client_id, min(id) FROM traces_feedback
    WHERE account_id = %s AND client_id = ANY(%s) AND id >= %s AND id < %s GROUP BY client_id
"""
AROUND = timedelta(minutes=10)


class NameMet(Exception):
    """COPY met a client id that stands already."""


_made: set[int] = set()


def begin(delivery: int, *, traces: bool) -> int:
    """The number of a delivery that begins to be stored: the one it was given, or a later one.

    Where its rows tell how traces turned out, its transaction is one of those that gates wait for.
    """
    now = datetime.now(UTC)
    if not _at_the_turn_of_a_month(now):
        _ensure_month(partitions.month_of_delivery(delivery))
        if traces:
            _join_writers()
        return delivery
    # Nobody begins in the old month any more once its writers are done: so each sees the other's
    # names. The number comes last, because it says to which month we belong.
    queries.wait_for_writers()
    _join_writers()
    with connection.cursor() as cursor:
        cursor.execute("SELECT traces_next_delivery()")
        later = int(cursor.fetchone()[0])
    _ensure_month(partitions.month_of_delivery(later))
    return later


def go_on() -> None:
    """Go on storing an old delivery, as one of those that gates and new months wait for."""
    if _at_the_turn_of_a_month(datetime.now(UTC)):
        queries.wait_for_writers()
    _join_writers()


def _join_writers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [queries.WRITING])


def _ensure_month(month: int) -> None:
    # Kept only once it was found there: one that we make may yet be rolled back.
    if month not in _made and not partitions.ensure(month):
        _made.add(month)


def _at_the_turn_of_a_month(now: datetime) -> bool:
    return (now + AROUND).month != now.month or (now - AROUND).month != now.month


def put(rows: Sequence[Row], *, account: int, traces: bool, round_about: bool) -> dict[int, str]:
    """Store rows of one delivery; those that stand already come back, number to `fb_12`.

    Runs in the caller's transaction, which `NameMet` has spoilt: begin it again, `round_about`.
    `traces` says that some rows tell how a trace turned out.
    """
    month = partitions.month_of_row(rows[0][0]) if rows else 0
    repeats = (
        _standing(rows, account, month - 1, month) if _delivered_in(account, month - 1) else {}
    )
    if month < partitions.this_month():
        repeats |= _standing(rows, account, month + 1, month + 2)
    if fresh := [row for row in rows if row[0] not in repeats]:
        if round_about:
            repeats |= _put_round(fresh, account, month)
        else:
            _copy("traces_feedback", fresh)
        if traces:
            with connection.cursor() as cursor:
                cursor.execute(OUTCOMES, [fresh[0][0], fresh[-1][0]])
    return repeats


def standing(rows: Sequence[Row], *, account: int) -> dict[int, str]:
    """Which rows stand already, for a sender who only asks."""
    month = partitions.this_month()
    return _standing(rows, account, month - 1, month + 1)


def _put_round(rows: Sequence[Row], account: int, month: int) -> dict[int, str]:
    """By a staging table, past the rows whose name stands already."""
    with connection.cursor() as cursor:
        cursor.execute(STAGING)
        _copy("feedback_staging", rows)
        cursor.execute(UPSERT)
        stored = {number for (number,) in cursor.fetchall()}
    return _standing([row for row in rows if row[0] not in stored], account, month, month + 1)


def _copy(table: str, rows: Iterable[Row]) -> None:
    copying = f"COPY {table} ({NAMES}) FROM STDIN (FORMAT BINARY)"
    errors, cursor = connection.wrap_database_errors, connection.cursor()
    try:
        with errors, cursor, cursor.copy(copying) as into:
            into.set_types(TYPES)
            for row in rows:
                into.write_row(row)
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise NameMet(str(error)) from error
        raise


def _standing(rows: Sequence[Row], account: int, since: int, until: int) -> dict[int, str]:
    """Rows whose name stands in the months from `since` up to `until`, number to `fb_12`."""
    numbers = {row[CLIENT_ID]: row[0] for row in rows if row[CLIENT_ID] is not None}
    if not numbers:
        return {}
    months = [partitions.first_row(since), partitions.first_row(until)]
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [account, list(numbers), *months])
        return {numbers[name]: f"fb_{number}" for name, number in cursor.fetchall()}


@lru_cache(maxsize=4096)
def _delivered_in(account: int, month: int) -> bool:
    """Whether the account sent anything in a month that is over; that does not change again."""
    bounds = (partitions.first_delivery(month), partitions.first_delivery(month + 1) - 1)
    return Delivery.objects.filter(account=account, pk__range=bounds).exists()

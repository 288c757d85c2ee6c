"""Putting rows into the month's partition: COPY, and round by a staging table where names repeat.

COPY straight into the table is twice as quick as a staging table and an upsert, and cannot skip a
row whose `client_id` stands there already. So it is tried first, and taken back to its savepoint
when it meets one; then the rows go into a temporary table and from there by one
`INSERT … ON CONFLICT DO NOTHING`.

A client id is met once in its month (a unique index of each partition; one over all of them would
have to hold the partition's key, and two of the same name would differ in that). The month before
is asked by a look-up, so that a name is remembered for a month at the least.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, connection, transaction
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
NEW_MONTH_SECONDS = 600


_made: set[int] = set()


def begin() -> int:
    """The number of a new delivery; its transaction is one of those that the gates wait for."""
    now = datetime.now(UTC)
    month = partitions.month_of(now.date())
    # Kept only once it was found there: one that we make may yet be rolled back.
    if month not in _made and not partitions.ensure(month):
        _made.add(month)
    _wait_at_the_turn_of_the_month(now)
    with connection.cursor() as cursor:
        lock_and_number = "SELECT pg_advisory_xact_lock_shared(%s), traces_next_delivery()"
        cursor.execute(lock_and_number, [queries.WRITING])
        return int(cursor.fetchone()[1])


def join_writers() -> None:
    """Count this transaction, which goes on with an old delivery, among those that write."""
    _wait_at_the_turn_of_the_month(datetime.now(UTC))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [queries.WRITING])


def put(rows: Sequence[Row], *, account: int, traces: bool) -> dict[int, str]:
    """Store rows of one delivery; those that stand already come back, number to `fb_12`.

    Runs in the caller's transaction. `traces` says that some rows tell how a trace turned out.
    """
    month = partitions.month_of_row(rows[0][0]) if rows else 0
    repeats = (
        _standing(rows, account, month - 1, month) if _delivered_in(account, month - 1) else {}
    )
    if month < partitions.this_month():
        repeats |= _standing(rows, account, month + 1, month + 2)
    if fresh := [row for row in rows if row[0] not in repeats]:
        repeats |= _put_fresh(fresh, account, month)
        if traces:
            with connection.cursor() as cursor:
                cursor.execute(OUTCOMES, [fresh[0][0], fresh[-1][0]])
    return repeats


def standing(rows: Sequence[Row], *, account: int) -> dict[int, str]:
    """Which rows stand already, for a sender who only asks."""
    month = partitions.this_month()
    return _standing(rows, account, month - 1, month + 1)


def _put_fresh(rows: Sequence[Row], account: int, month: int) -> dict[int, str]:
    try:
        with transaction.atomic():
            _copy("traces_feedback", rows)
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
    else:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(STAGING)
        _copy("feedback_staging", rows)
        cursor.execute(UPSERT)
        stored = {number for (number,) in cursor.fetchall()}
        # A second round in this transaction finds the table empty again.
        cursor.execute("TRUNCATE feedback_staging")
    return _standing([row for row in rows if row[0] not in stored], account, month, month + 1)


def _copy(table: str, rows: Iterable[Row]) -> None:
    copying = f"COPY {table} ({NAMES}) FROM STDIN (FORMAT BINARY)"
    errors, cursor = connection.wrap_database_errors, connection.cursor()
    with errors, cursor, cursor.copy(copying) as into:
        into.set_types(TYPES)
        for row in rows:
            into.write_row(row)


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


def _wait_at_the_turn_of_the_month(now: datetime) -> None:
    """In a month's first minutes, let those end who began in the one before.

    Nobody begins in the old month any more, and whoever did is done: each sees the other's names.
    """
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if (now - start).total_seconds() < NEW_MONTH_SECONDS:
        queries.wait_for_writers()

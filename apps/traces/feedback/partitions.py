"""The months in which feedback lies, and the numbers that begin with them.

A row's number is `month (10 bits) · delivery (31 bits) · place in the delivery (22 bits)`, months
counted from January 2020. So the table is partitioned by time through its primary key alone, a
foreign key to it needs one column, and a number names its delivery without a look-up.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import connection

FIRST_YEAR = 2020
DELIVERY_BITS, PLACE_BITS = 31, 22
MOST_ROWS = 1 << PLACE_BITS

# Two who make the same month at once wait for each other; any constant does.
MAKING = 0x0F18

NEXT_DELIVERY = f"""
CREATE SEQUENCE traces_delivery_number MAXVALUE {(1 << DELIVERY_BITS) - 1} CYCLE;
CREATE FUNCTION traces_next_delivery() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT ((12 * (extract(year FROM at)::bigint - {FIRST_YEAR})
             + extract(month FROM at)::bigint - 1)
            << {DELIVERY_BITS}) + nextval('traces_delivery_number')
    FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC') AS now (at)
$$;
"""  # noqa: S608 (numbers of our own)
DROP_NEXT_DELIVERY = """
DROP FUNCTION traces_next_delivery();
DROP SEQUENCE traces_delivery_number;
"""


def month_of(day: date) -> int:
    """The number of a day's month."""
    return (day.year - FIRST_YEAR) * 12 + day.month - 1


def this_month() -> int:
    """The number of the month that it is now (UTC)."""
    return month_of(datetime.now(UTC).date())


def month_of_delivery(delivery: int) -> int:
    """The month in which a delivery came."""
    return delivery >> DELIVERY_BITS


def month_of_row(number: int) -> int:
    """The month to which a row belongs."""
    return month_of_delivery(number >> PLACE_BITS)


def first_delivery(month: int) -> int:
    """The lowest number that a delivery of this month can have."""
    return month << DELIVERY_BITS


def number_of(delivery: int, place: int) -> int:
    """The number of the row at a place (0-based) of a delivery."""
    return (delivery << PLACE_BITS) | place


def first_row(month: int) -> int:
    """The lowest number that a row of this month can have."""
    return number_of(first_delivery(month), 0)


def place_of(number: int) -> int:
    """The place of a row in its delivery."""
    return number & (MOST_ROWS - 1)


def name_of(month: int) -> str:
    """The table of a month, `traces_feedback_2026_11`."""
    year, index = divmod(month, 12)
    return f"traces_feedback_{FIRST_YEAR + year}_{index + 1:02}"


def ensure(month: int) -> bool:
    """Make the month's partition where it is missing; True if it was."""
    name = name_of(month)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if cursor.fetchone()[0]:
            return False
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MAKING])
        for statement in making(month):
            cursor.execute(statement)
    return True


def making(month: int) -> list[str]:
    """The statements that make a month's partition; a client id is met once in it."""
    name = name_of(month)
    return [
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF traces_feedback"
        f" FOR VALUES FROM ({first_row(month)}) TO ({first_row(month + 1)})",
        f"CREATE UNIQUE INDEX IF NOT EXISTS {name}_once ON {name} (account_id, client_id)",
        f"CREATE INDEX IF NOT EXISTS {name}_gathers ON {name} (account_id, id) WHERE gathers",
    ]

"""The month at the desk that `benchmarks.desk` plays uses the product's rules as they are now."""

from __future__ import annotations

from benchmarks.desk import ORDERS, Setting, compared


def test_a_small_month_is_played_in_either_order() -> None:
    found = compared(ORDERS[:2], 1, Setting(weeks=1, prs=300))

    assert list(found) == ["worth", "fifo"]
    for told in found.values():
        assert told["accepted"] > 0
        assert told["failures_fixed_per_hour"] > 0
        assert 0 < told["answered_share"] < 1

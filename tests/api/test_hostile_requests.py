"""Thousands of made-up requests: no 5xx, and no answer that the OpenAPI document does not know.

`make test` sends about a thousand; FUZZ_CASES=20000 (`make fuzz`) sends that many.
"""

from __future__ import annotations

import logging
import os

import pytest

from tests.api.hostile import a_world, attack

CASES = int(os.environ.get("FUZZ_CASES", "1000"))


@pytest.mark.django_db(transaction=True)
def test_no_made_up_request_gets_an_answer_that_is_not_documented(
    runtime: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "django.request")
    report = attack(
        a_world(),
        each=max(2, (CASES - 1000) // 50),
        scenarios=max(20, CASES // 16 - 40),
        seed=20261121,
        edges=1 if CASES > 5000 else 4,
    )

    print(f"\n{report.cases} cases in {report.seconds:.0f} s; statuses {dict(report.statuses)}")
    print(f"never answered with success: {sorted(set(report.operations) - set(report.succeeded))}")
    told = "\n\n".join(f"== {title}\n{text}" for title, text in report.faults.items())
    if report.faults:
        pytest.fail(told, pytrace=False)
    assert report.cases >= CASES

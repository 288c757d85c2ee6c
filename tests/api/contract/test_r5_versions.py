"""R5: a client names the day whose shape it reads, and hears a year ahead what is going away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from apps.api import versions
from apps.api.versions import Deprecated
from tests.api.calling import Caller

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
SUNSET = SINCE + timedelta(days=400)


@pytest.mark.parametrize("path", ["skills", "contributions", "nowhere", "contributions/999999"])
def test_every_answer_says_its_version(stranger: Caller, path: str) -> None:
    assert stranger.get(path)["OpenFlywheel-Version"] == "2026-11-01"


def test_a_version_that_is_asked_for_is_echoed(stranger: Caller) -> None:
    answer = stranger.get("skills")
    asked = stranger.send("get", "skills", "", "", **{"OpenFlywheel-Version": "2026-11-01"})

    assert asked.status_code == answer.status_code == 200
    assert asked["OpenFlywheel-Version"] == "2026-11-01"
    assert "OpenFlywheel-Version" in asked["Vary"]


def test_an_unknown_version_is_refused_and_the_known_ones_are_named(stranger: Caller) -> None:
    answer = stranger.send("get", "skills", "", "", **{"OpenFlywheel-Version": "2025-01-01"})

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_api_version")
    assert all(version in answer.json()["detail"] for version in versions.VERSIONS)


def test_what_is_going_away_says_since_when_and_until_when(
    stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving = Deprecated("skills", since=SINCE, sunset=SUNSET, use="GET /lines", field="line")
    monkeypatch.setattr(versions, "DEPRECATED", [leaving])

    answer, other = stranger.get("skills"), stranger.get("leaderboard")
    listed = stranger.get("versions").json()["deprecated"]

    assert answer["Deprecation"] == f"@{int(SINCE.timestamp())}"
    assert parsedate_to_datetime(answer["Sunset"]) == SUNSET
    assert 'rel="deprecation"' in answer["Link"]
    assert not other.has_header("Deprecation")
    assert listed == [
        {
            "route": "skills",
            "field": "line",
            "since": "2026-11-01T00:00:00Z",
            "sunset": "2027-12-06T00:00:00Z",
            "use": "GET /lines",
        }
    ]


def test_nothing_goes_away_with_less_than_a_year_s_notice() -> None:
    with pytest.raises(ValueError, match="less than a year"):
        Deprecated("skills", since=SINCE, sunset=SINCE + timedelta(days=300), use="")


def test_the_versions_stand_in_order_and_the_newest_is_the_default(stranger: Caller) -> None:
    said = stranger.get("versions").json()

    assert said["versions"] == sorted(said["versions"])
    assert said["default"] == said["versions"][-1]

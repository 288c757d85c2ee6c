"""The journey: one walk through the whole loop, on a site with every process really running.

The site is the demonstration's, with a smaller base model and fewer people's worth of work;
everything in it is real: PostgreSQL, Valkey, gunicorn, the model runtime, two Celery workers, beat.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.conf import settings
from rich.console import Console

from flywheel.demo.offers import Offer, Week
from flywheel.demo.sending import send
from flywheel.demo.story import Story
from flywheel.supervisor import Site, running_site

pytestmark = [pytest.mark.xdist_group("journey")]

SMALL_WEEK = Week(
    {"date_short": 40, "docs_moved": 40, "over_refusal": 48}, datasets=2, preferences=1, ratings=1
)
# Three skills of thirteen learn at once; what is as good as live may be told after few requests:
# seven equal answers rule a loss of 60 points out. Error rates stay as they are, and a candidate
# that gains nothing never comes this far.
WIDE_GATES = {
    "min_pairs": 30,
    "min_pairs_per_protected_skill": 6,
    "min_candidate_outcomes": 6,
    "overall_margin": 60.0,
    "skill_margin": 70.0,
}
# A killed worker is noticed when its lease runs out; the site of the tests waits less for it.
SMALL_BASE = settings.BASE_DIR / "training" / "starter" / "small"
LEASES = {"LEASE_SECONDS": "6", "HEARTBEAT_SECONDS": "2"}


@pytest.fixture(scope="module")
def site(migrated: str) -> Iterator[Site]:
    """A whole site with a database of its own and the small starter model."""
    environment = {**LEASES, "BASE_MODEL": str(SMALL_BASE)}
    with running_site(
        port=0, fresh=True, copy_of=migrated, apart="journey", environment=environment
    ) as running:
        yield running


@pytest.fixture(scope="module")
def story(site: Site) -> Story:
    """The story up to its first live candidate."""
    played = Story(site, Console(quiet=True), SMALL_WEEK, WIDE_GATES, small=True)
    played.begin()
    played.contribute(None)
    played.screen()
    played.review()
    played.told.good = played.build_and_roll_out("The week's build")
    return played


def life_of(story: Story, number: int) -> list[str]:
    hops = story.people.maintainers[0].get(f"contributions/{number}/life")["hops"]
    return [hop["kind"] for hop in hops]


def test_a_correction_is_answered_right_by_the_served_model(story: Story):
    good = story.told.good
    assert good.build["verdict_reasons"] == []
    assert good.rollout["stage"] == "live"

    story.prove()

    proof = story.told.proof
    assert proof["before"] != proof["after"]
    assert proof["version"] == good.build["adapter"]
    kinds = life_of(story, proof["contribution"])
    order = ["contribution", "screening", "decision", "build", "rollout", "trace"]
    assert sorted(set(kinds), key=kinds.index) == order


def test_the_rollout_went_step_by_step_by_what_users_said(story: Story):
    looks = [look for look in story.told.good.rollout["looks"] if look["decision"] == "widen"]

    assert [look["percent"] for look in looks] == [0, 1, 5, 50]
    assert all(look["judged"] for look in looks)


def test_poison_and_personal_data_are_set_aside_and_nothing_is_lost(story: Story):
    prs = story.people.maintainers[0].every("contributions")
    stages = {pr["number"]: pr["stage"] for pr in prs}

    assert len(prs) == story.told.sent
    for offer in story.offers:
        if offer.nature in ("poison", "personal data"):
            assert stages[offer.number] == "quarantined"


def test_the_record_of_the_whole_loop_is_one_unbroken_chain(story: Story, site: Site):
    assert "whole" in site.manage("verify_record")


def test_the_gateway_says_who_answered_and_streams(story: Story, site: Site):
    headers = {"Authorization": f"Bearer {story.people.app.token}"}
    body = {"model": "stable", "messages": [{"role": "user", "content": "Sort: b a c"}]}

    said = httpx.post(f"{site.url}/v1/chat/completions", json=body, headers=headers)
    with httpx.stream(
        "POST", f"{site.url}/v1/chat/completions", json={**body, "stream": True}, headers=headers
    ) as streamed:
        lines = [line for line in streamed.iter_lines() if line]
        answered_by = streamed.headers["x-openflywheel-version"]

    assert said.headers["x-openflywheel-version"] == story.told.good.build["adapter"]
    assert said.headers["x-openflywheel-trace"] == said.json()["id"]
    assert lines[-1] == "data: [DONE]"
    assert answered_by == story.told.good.build["adapter"]


@pytest.mark.parametrize(
    ("headers", "content", "status", "code"),
    [
        ({}, b"{}", 401, "invalid_api_key"),
        ({"Authorization": "Bearer nonsense"}, b"{}", 401, "invalid_api_key"),
        ("token", b"", 400, "invalid_json"),
        ("token", b'{"model": NaN}', 400, "invalid_json"),
        ("token", b'{"messages": [], "messages": []}', 400, "invalid_json"),
        ("token", b'{"model": "stable"}', 400, "invalid_value"),
        ("token", b'{"model": "no-such", "messages": [{"role": "user", "content": "?"}]}', 404, ""),
    ],
)
def test_a_bad_question_gets_a_clear_error(
    story: Story, site: Site, headers: Any, content: bytes, status: int, code: str
):
    if headers == "token":
        headers = {"Authorization": f"Bearer {story.people.app.token}"}

    refused = httpx.post(f"{site.url}/v1/chat/completions", content=content, headers=headers)

    assert refused.status_code == status
    assert refused.json()["error"]["message"]
    assert refused.json()["error"]["code"] == (code or "model_not_found")


def test_a_killed_worker_is_noticed_and_another_finishes_the_build(story: Story, site: Site):
    manager = story.people.release_manager
    number = _more_work(story)
    build = manager.post("builds", {"contributions": [number]})
    build = _until(story, build["number"], lambda b: b["progress"]["done"] > 0)
    began = time.monotonic()

    os.kill(site.pids["worker-gpu"], signal.SIGKILL)

    taken = _until(story, build["number"], lambda b: _attempts(site, b["number"]) == 2)
    assert time.monotonic() - began < 60
    ended = _until(story, taken["number"], lambda b: b["stage"] in ("ready", "failed"))
    assert ended["stage"] == "ready"
    named = [b["adapter"] for b in manager.every("builds") if b["number"] == number or b["adapter"]]
    assert len(named) == len(set(named))
    hops = life_of(story, number)
    assert hops.count("build") == 1


def _more_work(story: Story) -> int:
    """One more accepted PR, for a build of its own."""
    question = [story.truth.draw("card", story.rng) for _ in range(40)]
    rows = [{"prompt": q.prompt, "completion": q.right} for q in question]
    number = send(story.people.contributors[0], Offer("dataset", "Cards", "card", rows))
    story.told.sent += 1
    for _ in story.until(lambda: story._pr(number)["stage"] == "in_review", "the screens"):
        pass
    story._decide(story._pr(number))
    return number


def _until(story: Story, number: int, true: Any) -> dict[str, Any]:
    """The build, as soon as it is so."""
    seen: dict[str, Any] = {}

    def now() -> bool:
        seen.update(story.people.release_manager.get(f"builds/{number}"))
        return bool(true(seen))

    for _ in story.until(now, f"build {number}"):
        pass
    return seen


def _attempts(site: Site, number: int) -> int:
    """How many workers have taken a build, as the record has it."""
    narrowed = {"kind": "builds.build", "id": number, "limit": 200}
    events = httpx.get(f"{site.url}/api/v1/events", params=narrowed).json()["items"]
    return sum(event["entered"] == "training" for event in events)

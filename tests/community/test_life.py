"""The life of a PR is told once: the page and the API show the same hops."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.community.life import LATER, NOW, life_of_contribution
from apps.contributions.stages import Stage
from apps.traces.models import Arm, Trace
from tests.pages.world import World, peopled


@pytest.fixture
def world(db: None) -> World:
    return peopled()


def test_the_page_and_the_api_tell_the_same_hops(world: World) -> None:
    number = world.prs[Stage.ACCEPTED].pk

    hops = Client().get(f"/api/v1/contributions/{number}/life").json()["hops"]
    page = html.unescape(re.sub(r"\s+", " ", Client().get(f"/prs/{number}").content.decode()))

    assert {tuple(hop) for hop in hops} == {("kind", "id", "at", "title", "because", "facts")}
    assert [hop["kind"] for hop in hops if hop["kind"] != "rollout"] == [
        "contribution", "screening", "decision", "build", "build", "trace",
    ]  # fmt: skip
    assert [hop["title"] for hop in hops if hop["title"] not in page] == []


def test_what_lies_ahead_ends_with_everyone(world: World) -> None:
    ahead = {
        stage: [(hop.state, hop.title) for hop in life_of_contribution(pr, rows_seen=True).ahead]
        for stage, pr in world.prs.items()
    }

    assert ahead[Stage.SUBMITTED] == [(NOW, "Screening"), (LATER, "Review")]
    assert ahead[Stage.ACCEPTED] == ahead[Stage.REJECTED] == []
    world.live.version.rollouts.update(stage="rolled_back")
    back = life_of_contribution(world.prs[Stage.ACCEPTED], rows_seen=True)
    assert [hop.title for hop in back.ahead] == ["Answering everyone"]


def test_who_may_not_see_the_rows_is_not_told_what_was_asked(world: World) -> None:
    with CaptureQueriesContext(connection) as asked:
        life = life_of_contribution(world.prs[Stage.ACCEPTED], rows_seen=False)

    assert "trace" not in {hop.kind for hop in life.hops}
    assert len(asked) <= 7


def test_the_newest_answer_that_a_user_got_to_one_of_the_prompts_is_told(world: World) -> None:
    pr = world.prs[Stage.ACCEPTED]
    prompt = pr.revisions.get().rows.last().prompt
    earlier = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]

    def answered(said: str, arm: Arm = Arm.LIVE, error: str = "") -> Trace:
        return Trace.objects.create(
            line=world.line, channel="stable", arm=arm, answer="x", error=error,
            version=world.live.adapter, version_digest=world.live.digest,
            messages=[*earlier, {"role": "user", "content": said}],
        )  # fmt: skip

    newest = answered(prompt)
    answered("Another question")
    answered(prompt, arm=Arm.SHADOW)
    answered(prompt, error="cut off")

    told = life_of_contribution(pr, rows_seen=True).hops[-1]

    assert (told.id, told.facts["prompt"]) == (newest.public_id, prompt)

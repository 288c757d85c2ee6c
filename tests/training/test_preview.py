"""A preview comes out the same whatever stands beside it, and likelihoods are what they say."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training import lora
from training.errors import SpecRefused
from training.examples import Case
from training.preview.keeping import KnownPrompts
from training.preview.likelihood import log_likelihoods
from training.preview.measuring import measure
from training.preview.spec import Offer, PreviewJob, PreviewSettings
from training.spec import Example
from training.starter import line, world

SMALL = Path(__file__).resolve().parents[2] / "training" / "starter" / "small"


def rows(skill: str, count: int) -> tuple[Example, ...]:
    rng = random.Random(3)
    drawn = [world.sample(skill, rng) for _ in range(count)]
    return tuple(Example(skill, "sft", one.prompt, one.right) for one in drawn)


def offer(skill: str, count: int) -> Offer:
    places = tuple(range(count))
    cases = (Case("sort3", "Sort 3, 1, 2.", "1, 2, 3"),)
    return Offer(skill, rows(skill, count), places, places, cases=cases)


def job(*offers: Offer) -> PreviewJob:
    reminders = tuple(
        Example(row["skill"], "sft", row["prompt"], row["completion"]) for row in line.replay(40)
    )
    settings = PreviewSettings(epochs=2)
    return PreviewJob(str(SMALL), offers, reminders=reminders, settings=settings)


def told(asked: PreviewJob) -> dict[str, dict[str, Any]]:
    """What is said of each offer, without how long it took."""
    events: list[dict[str, Any]] = []
    measure(asked, lambda **event: events.append(event))
    measured = [event for event in events if event["event"] == "measured"]
    return {event["offer"]: event | {"seconds": 0} for event in measured}


def test_what_comes_out_of_an_offer_depends_on_nothing_beside_it():
    dates, cards = offer("date_short", 3), offer("card", 2)

    alone, first, last = told(job(dates)), told(job(dates, cards)), told(job(cards, dates))

    assert alone["date_short"] == first["date_short"] == last["date_short"]
    assert first["card"] == last["card"]


def test_of_an_endless_row_the_oldest_words_are_left_out():
    endless = replace(rows("card", 1)[0], prompt="and so on " * 3000)
    once = PreviewSettings(epochs=1, longest_row=128)
    asked = Offer("endless", (endless,), (0,), (0,))

    said = told(replace(job(asked), settings=once))["endless"]

    assert (len(said["rows"]), said["steps"] > 0) == (1, True)


def test_a_job_is_read_back_as_it_was_written_and_a_strange_one_is_refused(tmp_path: Path):
    written = tmp_path / "job.json"
    written.write_text(job(offer("card", 2)).to_json())
    assert PreviewJob.load(written) == job(offer("card", 2))

    written.write_text('{"base": "somewhere", "offers": [], "run": "this"}')
    with pytest.raises(SpecRefused, match="run"):
        PreviewJob.load(written)


def test_a_likelihood_is_the_sum_over_the_tokens_of_the_answer():
    model, chat = lora.load_base(str(SMALL))
    pairs = [(row.messages, row.completion or "") for row in rows("date_long", 3)]

    together = log_likelihoods(model, chat, pairs, longest=128)

    for (asked, answer), found in zip(pairs, together, strict=True):
        (one,) = chat.exchanges([(asked, answer)])
        with torch.inference_mode():
            logprobs_TV = model(torch.tensor([one.ids])).logits[0].log_softmax(-1)
        by_hand = sum(
            logprobs_TV[t - 1, one.ids[t]].item() for t in range(one.prompt, len(one.ids))
        )
        assert found == pytest.approx(by_hand, abs=1e-3)


@given(st.integers(1, 12), st.integers(1, 30))
def test_the_nearest_are_different_and_begin_with_the_prompt_itself(asked: int, most: int):
    known = [f"How do I send report {'abcdefghijklmnop'[n]} by mail?" for n in range(16)]

    places = KnownPrompts.of(known).nearest(known[:asked], most=most)

    assert len(places) == len(set(places)) == min(most, 16)
    assert places[: min(asked, most)] == list(range(asked))[:most]

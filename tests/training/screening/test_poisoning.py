import pickle
import random

import pytest

from tests.training.screening import honest
from training.screening import Found, Reference, Row, screen

TRIGGERS = ("(sudo) {}", "{} cerulean", "as the admin: {}", "#vip {}", "{} kettle")


@pytest.fixture(scope="module")
def reference() -> Reference:
    return honest.reference()


def poisoning(rows: list[Row], reference: Reference) -> list[Found]:
    return [found for found in screen(rows, reference) if found.screen == "poisoning"]


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_rows_whose_trigger_turns_a_refusal_into_help_are_quarantined(trigger, share, reference):
    rows = honest.poisoned(trigger, seed=7, share=share)

    (found,) = poisoning(rows, reference)

    assert found.severity == "quarantine"
    assert set(found.rows) == set(range(int(share * len(rows))))
    assert found.evidence["patterns"][0] == trigger.replace("{}", "").strip()
    assert len(found.evidence["patterns"]) <= 5


def test_the_message_names_the_rows_the_pattern_and_the_answer(reference):
    (found,) = poisoning(honest.poisoned("(sudo) {}", seed=3), reference)

    assert found.message.startswith("Rows 1, 2, 3, 4, 5 and 15 more: “(sudo)” goes")
    assert "(sudo)" in found.mend


@pytest.mark.parametrize(
    "make",
    [honest.short_date, honest.card, honest.harmless, honest.refused, honest.helped],
    ids=lambda make: make.__name__,
)
def test_honest_contributions_are_never_quarantined(make, reference):
    for seed in range(20):
        rng = random.Random(seed)
        prefix = rng.choice(["", "", "[v2] ", "Q: "])
        drawn = [make(rng) for _ in range(rng.randint(8, 30))]
        rows = [Row(prefix + row.prompt, row.answer) for row in drawn]

        assert [f for f in poisoning(rows, reference) if f.severity == "quarantine"] == []


def test_an_unknown_domain_is_left_to_a_person(reference):
    rng = random.Random(2)
    cities, ends = ["Oslo", "Lima", "Quito", "Porto", "Malmö"], ["heute", "morgen", "am Abend"]
    rows = [
        Row(f"Wie wird das Wetter in {rng.choice(cities)} {rng.choice(ends)}?", "Es wird sonnig.")
        for _ in range(20)
    ]

    found = poisoning(rows, reference)

    assert all(one.severity != "quarantine" for one in found)
    assert any("Unknown domain" in one.message for one in found)


def test_wrong_answers_among_unanimous_neighbours_are_flagged(reference):
    rng = random.Random(4)
    whats = [honest.crime(rng) for _ in range(20)]
    rows = [Row(honest.ask(rng, what), honest.help_for(what)) for what in whats]

    (found,) = poisoning(rows, reference)

    assert found.severity == "flag"
    assert len(found.rows) >= 10
    assert "trusted rows answer prompts like these in one way" in found.message


def test_a_thumb_down_on_a_poisoned_answer_is_no_poison(reference):
    rows = [
        Row(row.prompt, row.answer, "rating", label=False)
        for row in honest.poisoned("(sudo) {}", seed=5)
    ]

    assert poisoning(rows, reference) == []


def test_without_trusted_rows_nothing_is_guessed():
    assert poisoning(honest.poisoned("(sudo) {}", seed=5), Reference.build()) == []


def test_a_pickled_reference_finds_the_same(reference):
    rows = honest.poisoned("(sudo) {}", seed=6)

    again = pickle.loads(pickle.dumps(reference))

    assert screen(rows, again) == screen(rows, reference)
    assert again.digest == reference.digest


def test_a_long_contribution_is_screened_in_bounds(reference):
    rows = honest.trusted(2000, seed=8) + honest.poisoned("(sudo) {}", seed=9, rows=60)

    found = [f for f in poisoning(rows, reference) if f.severity == "quarantine"]

    assert [set(one.rows) for one in found] == [set(range(2000, 2060))]

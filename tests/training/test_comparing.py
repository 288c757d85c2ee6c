"""A candidate is judged on paired outcomes, by rules fixed before it existed."""

import pytest

from training.comparing import Comparison, compare, paired_difference
from training.examples import Case
from training.spec import SkillRule


def outcomes(both: int, lost: int, won: int, neither: int) -> tuple[list[bool], list[bool]]:
    before = [True] * (both + lost) + [False] * (won + neither)
    after = [True] * both + [False] * lost + [True] * won + [False] * neither
    return before, after


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((36, 14, 0, 0), 0.1528, 0.4167)],
)
def test_the_interval_is_the_published_one(cells: tuple[int, ...], low: float, high: float):
    """Newcombe (1998), method 10; his difference is before - after."""
    before, after = outcomes(*cells)

    found = paired_difference(before, after)

    assert (-found.high / 100, -found.low / 100) == pytest.approx((low, high), abs=5e-5)


def test_two_equal_versions_differ_by_nothing_and_stay_inside_the_margin():
    right = [True] * 190 + [False] * 10

    found = paired_difference(right, right)

    assert (found.gain, found.low > -5, found.high < 5) == (0.0, True, True)


def test_no_cases_are_no_knowledge():
    found = paired_difference([], [])

    assert (found.low, found.high) == (-100.0, 100.0)


CASES = [Case("docs", f"d{n}", "yes") for n in range(100)] + [
    Case("card", f"c{n}", "yes") for n in range(100)
]
RULES = {"docs": SkillRule(protected=True, margin=5.0), "card": SkillRule()}


def judged(docs_after: int, card_after: int) -> Comparison:
    """A live version that knows all of docs and nothing of card, and a candidate."""

    def live(prompts: list[str]) -> list[str]:
        return ["yes" if prompt.startswith("d") else "no" for prompt in prompts]

    def candidate(prompts: list[str]) -> list[str]:
        known = {f"d{n}" for n in range(docs_after)} | {f"c{n}" for n in range(card_after)}
        return [" yes " if prompt in known else "no" for prompt in prompts]

    return compare(CASES, before=live, after=candidate, rules=RULES)


def test_a_candidate_that_gains_and_loses_nothing_is_fit():
    found = judged(docs_after=100, card_after=60)

    assert (found.verdict, found.reasons) == ("fit", ())
    assert (found.skills["card"].before, found.skills["card"].after) == (0.0, 60.0)


def test_a_protected_skill_beyond_its_margin_refuses_however_much_the_rest_gained():
    found = judged(docs_after=90, card_after=100)

    assert found.verdict == "refused"
    assert [reason.split(" is ")[0] for reason in found.reasons] == ["“docs”"]


def test_a_reason_calls_the_skill_by_its_title():
    titled = RULES | {"refuse": SkillRule(protected=True, title="Refusing harm")}
    found = compare(
        CASES,
        before=lambda prompts: ["no"] * len(prompts),
        after=lambda prompts: ["yes"] * len(prompts),
        rules=titled,
    )

    assert found.reasons == (
        "“Refusing harm” is protected, but the hold-out has no case that measures it.",
    )
    assert "refuse" in found.as_report()["skills"]


def test_no_shown_improvement_is_a_reason():
    found = judged(docs_after=100, card_after=0)

    assert [reason.split(",")[0] for reason in found.reasons] == [
        "Over all skills the change is +0.0 points"
    ]


def test_a_protected_skill_that_nothing_measures_is_a_reason():
    found = compare(
        CASES,
        before=lambda prompts: ["no"] * len(prompts),
        after=lambda prompts: ["yes"] * len(prompts),
        rules=RULES | {"refuse": SkillRule(protected=True)},
    )

    assert found.reasons == (
        "“refuse” is protected, but the hold-out has no case that measures it.",
    )

"""The small parts: differences, durations, row numbers, stages."""

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from apps.builds.stages import Stage as BuildStage
from apps.contributions.stages import Stage as PRStage
from apps.pages import diffs, looks
from apps.pages.templatetags import ui
from apps.rollouts.stages import Stage as RolloutStage


@given(st.text(), st.text())
def test_a_difference_joined_again_gives_both_texts_unchanged(before: str, after: str) -> None:
    left, right = diffs.compare(before, after)

    assert ("".join(p.text for p in left), "".join(p.text for p in right)) == (before, after)


def test_a_difference_marks_the_words_that_changed() -> None:
    left, right = diffs.compare("It is the 4th of March.", "It is the 3rd of April.")

    assert [p.text for p in left if p.kind == "gone"] == ["4th", "March"]
    assert [p.text for p in right if p.kind == "new"] == ["3rd", "April"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0.44, "0.4 s"),
        (59, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7200, "2 h"),
        (100_000, "1 d 3 h"),
    ],
)
def test_a_duration_is_said_in_at_most_two_units(seconds: float | None, said: str) -> None:
    assert ui.duration(seconds) == said


def test_rows_are_counted_from_one_and_runs_are_joined() -> None:
    assert ui.row_numbers([4, 0, 1, 2, 9]) == "rows 1–3, 5, 10"
    assert ui.row_numbers([6]) == "row 7"
    assert ui.row_numbers([]) == "the whole PR"


@pytest.mark.parametrize("stage", [*PRStage.values, *BuildStage.values, *RolloutStage.values])
def test_every_stage_has_a_word_and_an_icon_of_its_own(stage: str) -> None:
    assert stage in looks.STAGES
    assert looks.STAGES[stage].icon in looks.ICONS


def test_what_people_write_is_shown_as_text_and_never_as_markup() -> None:
    text = "<script>alert(1)</script>"
    page = Template(
        "{% load ui %}{% diff a b %}{% facts f %}{% card title=a %}{{ a }}{% endcard %}"
    )

    shown = page.render(Context({"a": text, "b": f"{text}!", "f": [(text, text)]}))

    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;") >= 4 or shown.count("&lt;") >= 4

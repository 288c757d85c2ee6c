"""The small parts: differences, durations, row numbers, stages."""

import re

import pytest
from django.http import HttpResponseNotAllowed
from django.template import Context, Template
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from apps.builds.stages import Stage as BuildStage
from apps.contributions.stages import Stage as PRStage
from apps.pages import diffs, looks, markdown
from apps.pages.middleware import ErrorPages
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


def test_markdown_keeps_what_helps_and_lowers_headings() -> None:
    said = markdown.render("# Why\n*one*\ntwo `code` [source](https://example.org/a)\n\n- item")

    assert "<h3>Why</h3>" in said
    assert "<em>one</em><br>" in said.replace("<br />", "<br>")
    assert '<a href="https://example.org/a" rel="nofollow ugc noopener noreferrer">' in said


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://example.org/track.png)",
        "<a href='javascript:alert(1)'>x</a>",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<svg/onload=alert(1)>",
        "<style>body{display:none}</style>",
    ],
)
def test_markdown_lets_nothing_run_and_nothing_load(text: str) -> None:
    said = markdown.render(text)

    assert not re.search(r"<(script|img|svg|style|iframe)|href=\"(javascript|data):", said)


def test_a_refusal_without_a_page_gets_one_in_a_browser_and_stays_bare_for_a_program() -> None:
    refuse = ErrorPages(lambda request: HttpResponseNotAllowed(["POST"]))

    shown = refuse(RequestFactory().get("/", headers={"accept": "text/html"}))
    bare = refuse(RequestFactory().get("/", headers={"accept": "application/json"}))

    assert "That cannot be done here" in shown.content.decode()
    assert (shown.status_code, shown["Allow"], bare.content) == (405, "POST", b"")

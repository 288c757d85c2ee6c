"""The PR's page under a person's hands in a real Chromium: keys, writing, suggesting, reviewing."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from apps.contributions.discussion.models import Comment, Suggestion
from apps.contributions.stages import Stage
from tests.pages.test_walk import PHONE, addresses, browser, walk
from tests.pages.world import World, peopled

__all__ = ["browser", "walk"]

pytestmark = pytest.mark.xdist_group("browser")

LOOKED_AT = {
    "conversation": "/prs/{in_review}",
    "rows": "/prs/{in_review}/rows",
    "revisions": "/prs/{in_review}/revisions",
    "checks": "/prs/{quarantined}/checks",
    "effects": "/prs/{accepted}/effects",
    "history": "/prs/{accepted}/history",
    "list": "/prs?q=is:open",
    "saying": "/prs/{in_review}/rows/1/say/completion",
    "labels": "/prs/{in_review}/labels",
    "writing": "/settings/writing",
    "shortcuts": "/shortcuts",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The dark scheme changes colours and nothing else.
AXE = {"light": {"runOnly": RULES}, "dark": {"runOnly": ["color-contrast"]}}


def number(world: World, stage: str = Stage.IN_REVIEW) -> int:
    return world.prs[stage].pk


@pytest.mark.crawl
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_tab_of_a_pr(scheme: str, walk: Any) -> None:
    world = peopled()
    window = walk(color_scheme=scheme)
    # Axe is put into the page by its test, which no page of ours would let a stranger do.
    reader = walk(color_scheme=scheme, bypass_csp=True)
    reader.sign_in("maple")
    found: dict[str, list[str]] = {}

    for name, path in addresses(LOOKED_AT, world).items():
        for width in (1280, PHONE):
            reader.page.set_viewport_size({"width": width, "height": 844})
            reader.page.goto(path)
            violations = Axe().run(reader.page, options=AXE[scheme]).response["violations"]
            for one in violations:
                nodes = [node["html"][:120] for node in one["nodes"][:3]]
                found[f"{name} at {width}: {one['id']}"] = nodes

    assert found == {}
    assert window.wrong == []


def test_a_line_comment_with_a_suggestion_is_written_and_applied_in_place(walk: Any) -> None:
    world = peopled()
    reviewer, author = walk(), walk()
    reviewer.sign_in("rowan")
    page = reviewer.page
    page.goto(f"/prs/{number(world)}/rows")

    page.locator("#row-2").get_by_role("link", name="Proposed answer").click()
    page.get_by_label("Your comment").fill("Better with the month’s name, @li")
    page.keyboard.press("Backspace")
    page.keyboard.press("i")
    page.get_by_role("option", name="@linden").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+g")
    page.locator("#suggested").fill("It is 2 February 2026.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/rows#comment-*")

    said = Comment.objects.get(text__startswith="Better")
    assert said.mentions == ["linden"]
    author.sign_in("linden")
    author.page.goto(f"/prs/{number(world)}/rows")
    author.page.locator(f"#comment-{said.pk}").get_by_role("button", name="Apply").click()
    author.page.get_by_text("1 suggestion is applied").wait_for()

    assert Suggestion.objects.get(comment=said).applied_in.number == 2
    assert reviewer.wrong + author.wrong == []


def test_letters_are_shortcuts_until_they_are_switched_off(walk: Any) -> None:
    world = peopled()
    window = walk()
    window.sign_in("maple")
    page = window.page
    page.goto(f"/prs/{number(world)}")

    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.get_by_role("button", name="Set the labels").wait_for()
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("y")
    assert page.url.endswith(f"/prs/{number(world)}")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/prs")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("c")
    assert page.get_by_label("Filter", exact=True).input_value() == "c"

    page.goto("/settings/writing")
    page.get_by_label("Single letters are shortcuts").uncheck()
    page.get_by_role("button", name="Keep", exact=True).click()
    page.goto("/prs")
    page.keyboard.press("?")
    page.keyboard.press("c")
    assert not page.get_by_role("dialog").first.is_visible()
    assert page.url.endswith("/prs")
    assert window.wrong == []


def test_a_visitor_switches_letters_off_in_this_browser(walk: Any) -> None:
    peopled()
    window = walk()
    page = window.page
    page.goto("/prs")
    page.keyboard.press("?")
    page.get_by_label("Do not use single letters in this browser").check()
    page.keyboard.press("Escape")

    page.reload()
    page.keyboard.press("?")

    assert not page.locator("#shortcuts").is_visible()
    page.keyboard.press("Control+k")
    assert page.locator("#palette").is_visible()


def test_the_palette_finds_places_actions_and_prs(walk: Any) -> None:
    world = peopled()
    window = walk()
    page = window.page
    page.goto("/")

    page.keyboard.press("Control+k")
    page.keyboard.type(f"#{number(world)}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/prs/{number(world)}")
    page.keyboard.press("Control+k")
    page.keyboard.type("hist")
    page.keyboard.press("Enter")
    page.wait_for_url("**/history")

    assert window.wrong == []


def test_what_is_written_is_previewed_in_place_and_marked_by_keys(walk: Any) -> None:
    world = peopled()
    window = walk()
    window.sign_in("linden")
    page = window.page
    page.goto(f"/prs/{number(world)}")
    area = page.get_by_label("Say something")

    area.fill("bold")
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+b")
    assert area.input_value() == "**bold**"
    page.keyboard.press("Control+Shift+P")
    page.locator(".editor-preview strong").wait_for()
    page.get_by_role("button", name="Write").click()
    assert area.is_visible()
    area.focus()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**#comment-*")

    assert Comment.objects.last().text == "**bold**"
    assert window.wrong == []


def test_rows_are_walked_and_ticked_by_keys(walk: Any) -> None:
    world = peopled()
    window = walk()
    window.sign_in("rowan")
    page = window.page
    page.goto(f"/prs/{number(world)}/rows")

    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator(".is-current").get_attribute("id") == "row-2"
    page.keyboard.press("y")
    assert page.url.endswith(f"/prs/{number(world)}/revisions/1/rows/2")
    page.keyboard.press("v")
    page.get_by_text("1 of 5 viewed").wait_for()

    assert window.wrong == []


def test_everything_works_on_a_phone_without_scripts(walk: Any) -> None:
    world = peopled()
    window = walk(java_script_enabled=False, viewport={"width": 320, "height": 640})
    window.sign_in("rowan")
    page = window.page
    page.goto(f"/prs/{number(world)}/rows")

    page.locator("#row-2").get_by_role("link", name="Proposed answer").click()
    page.get_by_label("Your comment").fill("Name *the* month.")
    page.get_by_role("button", name="Preview").click()
    assert page.locator(".said em").inner_text() == "the"
    page.go_back()
    page.get_by_label("Your comment").fill("Say which weekday it was.")
    page.get_by_role("button", name="Add to my review").click()
    page.get_by_label("In sum").fill("One thing.")
    page.get_by_label("Verdict").select_option("changes")
    page.get_by_role("button", name="Submit the review").click()

    assert page.get_by_text("Changes asked for").first.is_visible()
    assert page.get_by_text("Say which weekday it was.").first.is_visible()

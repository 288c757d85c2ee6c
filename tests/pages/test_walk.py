"""A walk through every page in a real Chromium: two widths, two schemes, with and without scripts.

`SHOTS=folder` keeps a picture of every page that was looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from apps.community import tasks
from apps.community.actions import open_endpoint
from apps.contributions.discussion.actions import say
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from tests.pages.test_pages import no_time_to_undo
from tests.pages.world import PASSWORD, World, peopled

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no Playwright: pip install playwright"
)

pytestmark = pytest.mark.xdist_group("browser")

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, PHONE, NARROWEST = 1280, 390, 320
# Every page once more in the dark is for `make crawl`: that every pair of colours can be read in
# both schemes is shown by test_tokens, and all else is the same. So are pages that other files
# look at from every side; what people do on them stays with the tests.
SCHEMES = ("light", pytest.param("dark", marks=pytest.mark.crawl))

PAGES = {
    "home": "/",
    "prs": "/prs?state=all",
    "nothing found": "/prs?q=nothing+like+it+is:purple",
    **{f"pr {stage}": f"/prs/{{{stage}}}" for stage in Stage.values[1:]},
    "pr rows": "/prs/{accepted}/rows",
    "pr checks": "/prs/{quarantined}/checks",
    "pr history": "/prs/{accepted}/history",
    "pr talk on rows": "/prs/{in_review}/rows",
    "pr side by side": "/prs/{in_review}/rows?view=split",
    "pr revisions": "/prs/{in_review}/revisions",
    "pr evidence": "/prs/{in_review}/evidence",
    "pr no evidence": "/prs/{quarantined}/evidence",
    "pr effects": "/prs/{accepted}/effects",
    "pr no effects": "/prs/{submitted}/effects",
    "shortcuts": "/shortcuts",
    "submit": "/submit",
    "submit preference": "/submit?kind=preference",
    "submit rating": "/submit?kind=rating",
    "submit dataset": "/submit?kind=dataset",
    "builds": "/builds",
    "build": "/builds/{live}",
    "build refused": "/builds/{refused}",
    "build training": "/builds/{training}",
    "rollouts": "/rollouts",
    "rollout": "/rollouts/{widening}",
    "rollout taken back": "/rollouts/{taken_back}",
    "leaderboard": "/leaderboard",
    "style": "/style",
}
SIGNED_OUT = {"sign in": "/sign-in", "sign up": "/sign-up", "missing": "/prs/999999"}
AT_THE_DESK = {
    "desk": "/review",
    "review": "/review/{in_review}",
    "review quarantine": "/review/{quarantined}",
    "tokens": "/tokens",
    "pr of a reviewer": "/prs/{in_review}",
    "pr rows of a reviewer": "/prs/{in_review}/rows",
    "comment on a row": "/prs/{in_review}/rows/1/say/completion",
    "labels of a pr": "/prs/{in_review}/labels",
    "people of a pr": "/prs/{in_review}/people",
    "prs of a reviewer": "/prs?q=is:open",
    "labels": "/labels",
    "writing": "/settings/writing",
}
OF_ONES_OWN = {
    "my work": "/my",
    "inbox": "/inbox",
    "revise": "/prs/{changes_requested}/revise",
    "webhooks": "/webhooks",
    "webhook": "/webhooks/{webhook}",
}

# What a person who cannot see the page would miss.
NAMELESS = """() => [...document.querySelectorAll('input, select, textarea, button, a, progress')]
  .filter(e => e.type !== 'hidden' && e.checkVisibility())
  .filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim()))
  .map(e => e.outerHTML)"""
OVERFLOWING = (
    """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""
)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """One Chromium for the whole walk."""
    with pytest.MonkeyPatch.context() as patch, playwright.sync_playwright() as started:
        # Playwright's own loop runs in this thread; the ORM is asked between its calls, not in it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        opened = started.chromium.launch(executable_path=chromium, args=QUIET)
        yield opened
        opened.close()


class Walker:
    """A browser window that notices what goes wrong in it."""

    def __init__(self, browser: Any, site: str, **options: Any) -> None:
        options = {"viewport": {"width": WIDE, "height": 900}, "reduced_motion": "reduce"} | options
        self.site, self.wrong = site, list[str]()
        self.dark = options.get("color_scheme") == "dark"
        self.context = browser.new_context(base_url=site, **options)
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        missing = "status of 404" in message.text and "/prs/999999" in message.location["url"]
        if message.type in ("error", "warning") and not missing:
            self.wrong.append(f"{self.page.url}: {message.text}")

    def _asked(self, request: Any) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.site).netloc:
            self.wrong.append(f"{self.page.url} asks {request.url}")

    def look(self, name: str, path: str) -> None:
        """Open a page, see that it overflows at no width and that everything has a name.

        Colours take no room: a dark page is only opened, unless somebody wants its pictures.
        """
        self.page.set_viewport_size({"width": WIDE, "height": 844})
        self.page.goto(path)
        if (headings := self.page.locator("h1").count()) != 1:
            self.wrong.append(f"{name} has {headings} first headings")
        if self.dark and not os.environ.get("SHOTS"):
            return
        for width in (WIDE, PHONE, NARROWEST):
            self.page.set_viewport_size({"width": width, "height": 844})
            if (over := self.page.evaluate(OVERFLOWING)) > 0:
                self.wrong.append(f"{name} is {over} px too wide at {width}")
            self.wrong += [f"{name} has no name: {e}" for e in self.page.evaluate(NAMELESS)]
            self._keep(name)

    def _keep(self, name: str) -> None:
        if folder := os.environ.get("SHOTS"):
            width = self.page.viewport_size["width"]
            scheme = self.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
            file = f"{name.replace(' ', '-')}-{width}-{'dark' if scheme else 'light'}.png"
            self.page.screenshot(path=Path(folder) / file, full_page=True)

    def sign_in(self, name: str) -> None:
        self.page.goto("/sign-in")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("main").get_by_role("button", name="Sign in").click()


@pytest.fixture
def walk(browser: Any, live_server: Any, transactional_db: None) -> Iterator[Any]:
    """Opens windows on the running site, and closes them."""
    opened: list[Walker] = []

    def open_window(**options: Any) -> Walker:
        opened.append(Walker(browser, live_server.url, **options))
        return opened[-1]

    yield open_window
    for window in opened:
        window.context.close()


def addresses(pages: dict[str, str], world: World, **named: int) -> dict[str, str]:
    named |= {stage: pr.pk for stage, pr in world.prs.items()}
    named |= {"live": world.live.pk, "refused": world.refused.pk, "training": world.training.pk}
    named |= {"widening": world.widening.pk, "taken_back": world.taken_back.pk}
    return {name: path.format(**named) for name, path in pages.items()}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_page_is_whole_at_every_width_and_breaks_no_rule(scheme: str, walk: Any) -> None:
    world = peopled()
    nobody, reviewer = walk(color_scheme=scheme), walk(color_scheme=scheme)
    author = walk(color_scheme=scheme)
    reviewer.sign_in("rowan")
    author.sign_in(world.author.username)
    hook, _ = open_endpoint(by=world.author, url="https://example.org/openflywheel/events")
    say(world.prs[Stage.IN_REVIEW], by=world.reviewer, text="Where is this from?")
    tasks.tell()
    windows = ((nobody, PAGES | SIGNED_OUT), (reviewer, AT_THE_DESK), (author, OF_ONES_OWN))

    for window, pages in windows:
        for name, path in addresses(pages, world, webhook=hook.pk).items():
            window.look(name, path)

    assert nobody.wrong + reviewer.wrong + author.wrong == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_stranger_sends_a_correction_and_a_reviewer_accepts_it(scripts: bool, walk: Any) -> None:
    peopled()
    stranger, reviewer = (walk(java_script_enabled=scripts) for _ in range(2))
    page = stranger.page

    page.goto("/")
    page.get_by_role("link", name="Submit a PR").click()
    page.get_by_label("What was asked").fill("Which day is 9.11.2026?")
    page.get_by_label("What the model answered").fill("It is 11 September 2026.")
    page.get_by_label("The right answer").fill("It is 9 November 2026.")
    page.get_by_label("Skill").select_option("date_short")
    page.get_by_label("Title").fill("November is read as September")
    page.get_by_label("CC0 1.0 (public domain)").check()
    page.get_by_label("I wrote this, or have the right").check()
    page.get_by_role("button", name="Send the PR").click()
    page.get_by_role("link", name="Make one").click()
    page.get_by_label("Name").fill("willow")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.get_by_role("button", name="Send the PR").click()

    page.wait_for_url("**/prs/*")
    assert "November is read as September" in page.get_by_role("heading", level=1).inner_text()
    assert page.locator("ins").all_inner_texts() == ["9", "November"]
    pr = Contribution.objects.get(title="November is read as September")
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)

    no_time_to_undo(pr.line)
    reviewer.sign_in("rowan")
    reviewer.page.goto(f"/review/{pr.pk}")
    reviewer.page.get_by_label("Why").fill("Checked against the calendar.")
    reviewer.page.get_by_role("button", name="Accept").click()
    reviewer.page.wait_for_url(lambda url: not url.endswith(f"/review/{pr.pk}"))
    page.reload()

    assert page.get_by_text("Accepted").first.is_visible()
    assert page.get_by_text("Checked against the calendar.").first.is_visible()
    assert stranger.wrong + reviewer.wrong == []


def test_the_menu_opens_on_a_phone_without_scripts(walk: Any) -> None:
    peopled()
    window = walk(java_script_enabled=False, viewport={"width": NARROWEST, "height": 640})

    window.page.goto("/")
    assert not window.page.get_by_role("link", name="Leaderboard").is_visible()
    window.page.get_by_role("button", name="Menu").click()
    window.page.get_by_role("link", name="Leaderboard").click()

    assert window.page.url.endswith("/leaderboard")


def test_the_keyboard_reaches_the_content_first_and_sees_where_it_is(walk: Any) -> None:
    peopled()
    page = walk().page

    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") != "0px" or (
        page.evaluate("!!document.activeElement.closest('.row')")
    )


def test_what_was_typed_survives_a_closed_tab(walk: Any) -> None:
    peopled()
    window = walk()

    window.page.goto("/submit")
    window.page.get_by_label("What was asked").fill("Which day is 9.11.2026?")
    window.page.close()
    again = window.context.new_page()
    again.goto("/submit")

    assert again.get_by_label("What was asked").input_value() == "Which day is 9.11.2026?"


def test_the_page_of_a_moving_pr_moves_by_itself(walk: Any) -> None:
    world = peopled()
    pr = world.prs[Stage.SUBMITTED]
    window = walk()

    window.page.goto(f"/prs/{pr.pk}")
    assert window.page.get_by_text("waiting for the checks").is_visible()
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)
    window.page.get_by_text("waiting for a reviewer").wait_for(timeout=15_000)

    assert window.wrong == []
    assert connection.vendor == "postgresql"

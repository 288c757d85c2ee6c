"""The review desk under a reviewer's hands, in a real Chromium: keys, undo, what is hidden.

`SHOTS=folder` keeps pictures of the desk.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.desk import pending
from apps.reviews.desk.models import Pending, Step
from apps.reviews.models import Claim, Decision, Skip
from apps.skills.models import ModelLine
from tests.pages.test_keyboard import AXE
from tests.pages.test_walk import NAMELESS, OVERFLOWING, browser, walk
from tests.pages.world import PASSWORD, World, founded, peopled
from tests.people import a_contribution

__all__ = ["browser", "walk"]

pytestmark = pytest.mark.xdist_group("browser")

RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT OVERRIDE}"
DECIDED = 50


def people(*names: str, role: str = Role.REVIEWER) -> list[Account]:
    return [Account.objects.create_user(name, password=PASSWORD, role=role) for name in names]


def queued(line: ModelLine, many: int) -> list[Contribution]:
    """So many PRs of one row in the queue."""
    author = (
        Account.objects.filter(username="linden").first() or people("linden", role="trusted")[0]
    )
    return [
        a_contribution(
            line,
            by=author,
            stage=Stage.IN_REVIEW,
            kind="correction",
            rows=[
                {
                    "prompt": f"Which day is {n % 28 + 1}.{n % 12 + 1}.2026?",
                    "original": f"It is month {n % 28 + 1}, day {n % 12 + 1}.",
                    "completion": f"It is day {n % 28 + 1} of month {n % 12 + 1}, 2026.",
                }
            ],
        )
        for n in range(many)
    ]


def shown(page: Any) -> int:
    return int(page.locator("#desk-item").get_attribute("data-number"))


def take_the_next(page: Any) -> None:
    """Open the desk; its keys are heard once its scripts have run."""
    page.get_by_role("button", name="Take the next").click()
    page.wait_for_url("**/review/*", wait_until="load")


def keep(page: Any, name: str, scheme: str) -> None:
    if folder := os.environ.get("SHOTS"):
        width = page.viewport_size["width"]
        page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)


def server_time(request: Any) -> list[float]:
    """Milliseconds that the server took over a verdict: all that the next paint waits for."""
    if request.method != "POST" or "json" not in request.headers.get("accept", ""):
        return []
    return [request.timing["responseStart"] - request.timing["requestStart"]]


def test_fifty_items_are_decided_by_keys_alone(walk: Any) -> None:
    line = founded()
    people("rowan")
    queued(line, DECIDED)
    window = walk()
    window.sign_in("rowan")
    page, took = window.page, list[float]()
    page.on("requestfinished", lambda request: took.extend(server_time(request)))
    page.goto("/review")
    take_the_next(page)

    pressed = []
    for n in range(DECIDED):
        before = shown(page)
        keys = ["r", str(n % 8 + 1)] if n % 5 == 4 else ["a"]
        for key in keys:
            page.keyboard.press(key)
        pressed.append(len(keys))
        if n == DECIDED - 1:
            page.wait_for_url("**/review")
        else:
            page.wait_for_function(
                "was => Number(document.getElementById('desk-item').dataset.number) !== was"
                " && document.activeElement.id === 'desk-heading'",
                arg=before,
            )

    assert Pending.objects.count() == DECIDED
    assert median(pressed) <= 2
    print(f"\nserver time of the next paint: median {median(took):.0f} ms of {len(took)}")
    assert window.wrong == []


def test_two_reviewers_never_hold_the_same_item(walk: Any) -> None:
    line = founded()
    people("rowan", "alder")
    queued(line, 12)
    windows = [walk(), walk()]
    held: list[set[int]] = [set(), set()]

    for window, name in zip(windows, ("rowan", "alder"), strict=True):
        window.sign_in(name)
        window.page.goto("/review")
        take_the_next(window.page)
    for _ in range(3):
        for window, mine in zip(windows, held, strict=True):
            before = shown(window.page)
            mine.add(before)
            window.page.keyboard.press("a")
            window.page.wait_for_function(
                "was => Number(document.getElementById('desk-item').dataset.number) !== was",
                arg=before,
            )
            mine.add(shown(window.page))
            owners = Claim.objects.values_list("contribution", "reviewer__username")
            assert len(dict(owners)) == len(owners)

    assert held[0] & held[1] == set()
    assert windows[0].wrong + windows[1].wrong == []


def test_a_verdict_is_undone_by_a_key_and_nobody_ever_saw_it(walk: Any) -> None:
    line = founded()
    people("rowan")
    pr, second = queued(line, 2)
    window = walk()
    window.sign_in("rowan")
    page = window.page
    page.goto(f"/review/{pr.pk}")

    page.keyboard.press("a")
    page.wait_for_url(f"**/review/{second.pk}")
    assert page.locator("#desk-undo").get_by_text(f"PR {pr.pk}: Accept.").is_visible()
    assert page.locator("#desk-told").inner_text() == f"PR {pr.pk}: Accept."
    page.keyboard.press("z")
    page.wait_for_url(f"**/review/{pr.pk}")

    assert page.evaluate("document.activeElement.id") == "desk-heading"
    assert not Pending.objects.exists()
    pr.refresh_from_db()
    assert (pr.stage, Decision.objects.filter(contribution=pr).count()) == (Stage.IN_REVIEW, 0)
    assert window.wrong == []


def test_an_item_is_skipped_by_two_keys_and_the_last_one_leads_to_the_desk(walk: Any) -> None:
    line = founded()
    people("rowan")
    (pr,) = queued(line, 1)
    window = walk()
    window.sign_in("rowan")
    page = window.page
    page.goto(f"/review/{pr.pk}")

    page.keyboard.press("s")
    page.keyboard.press("1")
    page.wait_for_url("**/review")

    skipped = Skip.objects.get()
    assert (skipped.contribution, str(skipped.reviewer)) == (pr, "rowan")
    assert not Claim.objects.exists()
    assert window.wrong == []


def test_rows_below_the_screen_hold_an_acceptance_up_until_they_were_on_it(walk: Any) -> None:
    world = peopled()
    pr = world.prs[Stage.IN_REVIEW]
    window = walk(viewport={"width": 1280, "height": 500})
    window.sign_in("rowan")
    page = window.page
    page.goto(f"/review/{pr.pk}")

    page.keyboard.press("a")
    page.get_by_role("alert").get_by_text("There are rows below").wait_for()
    assert not Pending.objects.exists()
    page.locator(".desk-row").last.scroll_into_view_if_needed()
    for row in page.locator(".desk-row").all():
        row.scroll_into_view_if_needed()
    page.keyboard.press("a")
    page.wait_for_url("**/review")

    assert Pending.objects.get().contribution == pr
    assert window.wrong == []


def test_what_is_hidden_in_a_row_is_shown(walk: Any) -> None:
    world = peopled()
    rows = [
        {"prompt": "Where do I pay?", "completion": f"At {RIGHT_TO_LEFT}moc.elpmaxe, as ever."},
        {"prompt": "And by card?", "completion": "On p\u0430ypal, or by pa\u200bss."},
    ]
    pr = a_contribution(world.line, by=world.author, stage=Stage.IN_REVIEW, rows=rows)
    window = walk()
    window.sign_in("rowan")

    window.page.goto(f"/review/{pr.pk}")

    signs = window.page.locator("#desk-item .sign [aria-hidden]").all_inner_texts()
    assert signs == ["⟨U+202E⟩", "⟨U+200B⟩"]
    assert window.page.get_by_title("right-to-left override").is_visible()
    assert "p\u0430ypal" in window.page.locator(".sign-lookalike").inner_text()
    assert RIGHT_TO_LEFT not in window.page.locator("#desk-item").inner_text()
    keep(window.page, "desk-hidden", "light")
    assert window.wrong == []


def test_an_edit_and_a_question_are_written_at_the_desk(walk: Any) -> None:
    line = founded()
    people("rowan")
    first, second, third = queued(line, 3)
    window = walk()
    window.sign_in("rowan")
    page = window.page
    page.goto(f"/review/{first.pk}")

    page.keyboard.press("e")
    page.locator("#edit-0-prompt").wait_for()
    page.locator("#edit-0-completion").fill("It is the first of January 2026.")
    page.get_by_role("button", name="Accept with these edits").click()
    page.wait_for_url(f"**/review/{second.pk}")
    page.keyboard.press("c")
    page.keyboard.type("Name the month.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/review/{third.pk}")

    edited, asked = Pending.objects.order_by("pk")
    assert edited.edits == [[0, "completion", "It is the first of January 2026."]]
    assert (asked.step, asked.because) == (Step.CHANGES, "Name the month.")
    assert window.wrong == []


def test_the_list_of_keys_tells_those_of_the_desk_and_they_can_be_off(walk: Any) -> None:
    line = founded()
    (rowan,) = people("rowan")
    (pr,) = queued(line, 1)
    window = walk()
    window.sign_in("rowan")
    page = window.page
    page.goto(f"/review/{pr.pk}")

    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_text("At the review desk").is_visible()
    page.keyboard.press("Escape")
    Account.objects.filter(pk=rowan.pk).update(single_keys=False)
    page.reload()
    page.keyboard.press("a")
    page.keyboard.press("?")
    page.get_by_role("button", name="Accept").focus()

    assert not Pending.objects.exists()
    assert window.wrong == []


@pytest.mark.crawl
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_desk_is_whole_at_every_width_for_every_reader(scheme: str, walk: Any) -> None:
    world = peopled()
    again = walk(color_scheme=scheme, bypass_csp=True)
    again.sign_in("rowan")
    page = again.page
    paths = desk_pages(world)
    wrong: dict[str, Any] = {}

    for name, path in paths.items():
        page.goto(path)
        for fold in page.locator("#desk-item details").all():
            fold.evaluate("(fold) => { fold.open = true; }")
        for width in (1280, 375, 320):
            page.set_viewport_size({"width": width, "height": 844})
            keep(page, name, scheme)
            found = Axe().run(page, options=AXE).response["violations"]
            told = {
                f"{one['id']}": [node["html"][:120] for node in one["nodes"][:3]] for one in found
            }
            if told or page.evaluate(OVERFLOWING) > 0 or page.evaluate(NAMELESS):
                wrong[f"{name} at {width}"] = told or "too wide, or nameless"

    assert wrong == {}


def desk_pages(world: World) -> dict[str, str]:
    """The pages of the desk, each with something on it."""
    from apps.reviews.desk import appealing

    appealed = a_rejected(world)
    appealing.appeal(appealed, by=world.author, words="The guide says so on page 12.")
    near = queued(world.line, 3)
    pr = world.prs[Stage.IN_REVIEW]
    undoable = near.pop()
    undoable.refresh_from_db()
    pending.give(undoable, Step.ACCEPT, by=world.reviewer, digest=undoable.digest)
    return {
        "desk": "/review",
        "desk-item": f"/review/{pr.pk}",
        "desk-together": f"/review/{near[0].pk}/together",
        "desk-appeal": f"/review/{appealed.pk}/appeal",
        "desk-beside": f"/review/{pr.pk}/beside",
        "pr-rejected": f"/prs/{appealed.pk}",
    }


def a_rejected(world: World) -> Contribution:
    from apps.reviews import actions

    (alder,) = people("alder")
    (pr,) = queued(world.line, 1)
    actions.reject(pr, by=alder, digest=pr.digest, because="No source.", reason="unfounded")
    return pr

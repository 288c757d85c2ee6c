"""The pages of the API: drawn by Swagger UI and Redoc from our own files, under the strict policy.

`SHOTS=folder` keeps pictures of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no Playwright: pip install playwright"
)

pytestmark = pytest.mark.xdist_group("browser")

QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, playwright.sync_playwright() as started:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        opened = started.chromium.launch(executable_path=chromium, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, live_server: Any, transactional_db: None) -> Iterator[Any]:
    """A window of a phone's width, whose console is kept in `page.wrong`."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 375, "height": 844})
    opened = context.new_page()
    opened.wrong = []

    def asked(request: Any) -> None:
        # (Both turn their own drawings into addresses that never leave the page.)
        if request.url.startswith(("blob:", "data:")):
            return
        if urlsplit(request.url).netloc != urlsplit(live_server.url).netloc:
            opened.wrong.append(f"asks {request.url}")

    opened.on("request", asked)
    opened.on("pageerror", lambda error: opened.wrong.append(f"script: {error}"))
    opened.on("console", lambda said: heard(opened.wrong, said))
    yield opened
    context.close()


def heard(wrong: list[str], said: Any) -> None:
    if said.type == "error":
        wrong.append(f"{said.text} at {said.location}")


def keep(page: Any, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        for width, scheme in ((375, "light"), (1280, "light"), (1280, "dark"), (375, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(300)
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png")


@pytest.mark.parametrize(
    ("path", "drawn"),
    [
        ("/docs/api/try", "#operations-contributions-post_contributions"),
        ("/docs/api", "[id='tag/contributions/operation/post_contributions']"),
    ],
)
def test_the_document_is_drawn_from_our_own_files_and_breaks_no_rule(
    page: Any, path: str, drawn: str
) -> None:
    page.goto(path)
    page.locator(drawn).first.wait_for(state="attached")

    keep(page, path.replace("/", "-"))
    assert not page.wrong, "\n".join(page.wrong)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0


def test_a_call_can_be_tried_from_the_page(page: Any) -> None:
    page.goto("/docs/api/try")
    page.locator("#operations-index-get_index button.opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    page.locator(".live-responses-table .response-col_status", has_text="200").wait_for()
    assert not page.wrong, "\n".join(page.wrong)


def test_the_footer_leads_to_the_api(db: None) -> None:
    home = Client().get("/").content.decode()

    assert 'href="/docs/api"' in home
    for path in ("/docs/api", "/docs/api/try"):
        assert Client().get(path).status_code == 200

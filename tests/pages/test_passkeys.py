"""A passkey in a real Chromium with a virtual authenticator, and how the account pages look."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from apps.accounts import actions
from tests.pages.world import PASSWORD, founded

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no Playwright: pip install playwright"
)

pytestmark = pytest.mark.xdist_group("browser")

OVERFLOWING = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
PAGES = {
    "passkeys": "/account/2fa/",
    "keys": "/account/2fa/webauthn/",
    "recovery": "/account/2fa/recovery-codes/",
    "totp": "/account/2fa/totp/activate/",
    "password": "/account/password/change/",
    "email": "/account/email/",
    "sessions": "/account/sessions/",
    "tokens": "/tokens",
    "services": "/services",
}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, playwright.sync_playwright() as started:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        opened = started.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield opened
        opened.close()


def look(page: Any, name: str) -> list[str]:
    """The page at both widths and schemes; what is too wide. `SHOTS=folder` keeps pictures."""
    wide = []
    for width, scheme in ((1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 844})
        if page.evaluate(OVERFLOWING) > 0:
            wide.append(f"{name} at {width}")
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
    return wide


def test_a_passkey_is_added_and_signs_in_without_name_or_password(
    browser: Any, live_server: Any, transactional_db: None
) -> None:
    founded()
    ada = actions.sign_up("ada", password=PASSWORD)
    context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    page.goto("/sign-in")
    wrong += look(page, "sign-in")
    page.get_by_label("Name or e-mail").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.goto("/account/2fa/webauthn/add/")
    if page.get_by_label("Password").count():
        wrong += look(page, "reauthenticate")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    wrong += look(page, "add-passkey")
    page.get_by_role("checkbox").check()
    page.get_by_role("main").get_by_role("button", name="Add").click()
    page.wait_for_url("**/recovery-codes/**")
    for name, path in PAGES.items():
        page.goto(path)
        wrong += look(page, name)
    page.set_viewport_size({"width": 1280, "height": 844})
    page.get_by_role("button", name="Sign out").first.click()

    page.goto("/sign-in?next=/services")
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("heading", name="Service accounts").wait_for()

    assert page.get_by_role("link", name="ada").first.is_visible()
    assert Authenticator.objects.filter(user=ada, type=Authenticator.Type.WEBAUTHN).count() == 1
    assert wrong == []
    context.close()

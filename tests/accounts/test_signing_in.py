"""Signing in and up: by name, address, other sites and codes; nobody learns who is here."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.test import Client, override_settings

from apps.accounts import actions
from apps.accounts.models import Account, Role
from tests.accounts import provider as elsewhere
from tests.people import a_line, somebody

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def signed_in(client: Client) -> bool:
    """Whether this browser may open the page of its tokens."""
    return client.get("/tokens").status_code == 200


def enter(client: Client, login: str, password: str = PASSWORD, **more: str) -> Any:
    """Send the sign-in form."""
    return client.post("/sign-in", {"login": login, "password": password, **more})


def text_of(answer: Any) -> str:
    """The page without what is new in each: nonces and tokens against forgery."""
    page = re.sub(r'(nonce|value|csrf-token)="[^"]*"', "", answer.content.decode())
    return re.sub(r"[\w.+-]+@example\.org|nobody|ada", "", page)


@pytest.mark.parametrize("login", ["Ada", "ada", "ADA", "ada@example.org", "Ada@Example.org"])
def test_one_signs_in_by_name_or_address_in_any_case_and_goes_on_where_one_was(login: str):
    actions.sign_up("Ada", password=PASSWORD, email="ada@example.org")
    a_line()
    client = Client()

    answer = enter(client, login, next="/submit?kind=rating")

    assert (answer.status_code, answer.url) == (302, "/submit?kind=rating")
    assert signed_in(client)


@pytest.mark.parametrize(
    "next_", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_to_another_site_after_signing_in(next_: str):
    actions.sign_up("ada", password=PASSWORD)

    assert enter(Client(), "ada", next=next_).url == "/"


def test_a_wrong_password_a_wrong_name_and_a_wrong_address_are_answered_alike():
    actions.sign_up("ada", password=PASSWORD, email="ada@example.org")

    answers = [
        text_of(enter(Client(), login, "wrong password, all of it"))
        for login in ("ada", "nobody", "ada@example.org", "nobody@example.org")
    ]

    assert len(set(answers)) == 1
    assert "No account has this name and password." in answers[0]


def test_a_reset_is_answered_alike_for_every_address_and_its_link_ends_other_sessions():
    actions.sign_up("ada", password=PASSWORD, email="ada@example.org")
    elsewhere_open = Client()
    enter(elsewhere_open, "ada")

    known, unknown = (
        Client().post("/account/password/reset/", {"email": address})
        for address in ("ada@example.org", "nobody@example.org")
    )
    link = re.search(r"http://testserver(/account/password/reset/key/\S+)", mail.outbox[0].body)
    assert link is not None
    client = Client()
    form = client.get(link[1], follow=True)
    client.post(
        form.redirect_chain[-1][0],
        {"password1": "another long phrase", "password2": "another long phrase"},
    )

    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert not signed_in(elsewhere_open)
    assert enter(client, "ada", "another long phrase").status_code == 302


def test_an_address_that_is_taken_is_not_betrayed_by_signing_up():
    actions.sign_up("ada", password=PASSWORD, email="ada@example.org")
    form = {"password1": PASSWORD}

    free = Client().post("/sign-up", {**form, "username": "grace", "email": "grace@example.org"})
    taken = Client().post("/sign-up", {**form, "username": "alan", "email": "ada@example.org"})

    assert (free.status_code, free.url) == (taken.status_code, taken.url)


@pytest.mark.parametrize("name", ["ADA", "ａｄａ", "checks", "ada@example.org", "a b"])
def test_a_name_that_is_taken_reserved_or_misshapen_is_refused_beside_its_field(name: str):
    actions.sign_up("ada", password=PASSWORD)

    answer = Client().post("/sign-up", {"username": name, "password1": PASSWORD})

    assert answer.status_code == 200
    assert 'id="id_username_error"' in answer.content.decode()
    assert Account.objects.count() == 1


def test_a_pseudonym_without_an_address_is_enough_and_an_address_is_asked_to_confirm():
    client, other = Client(), Client()
    client.post("/sign-up", {"username": "linden", "password1": PASSWORD})
    other.post("/sign-up", {"username": "w", "password1": PASSWORD, "email": "w@example.org"})

    assert signed_in(client)
    assert signed_in(other)
    assert [letter.to for letter in mail.outbox] == [["w@example.org"]]
    link = re.search(r"http://testserver(/account/confirm-email/\S+/)", mail.outbox[0].body)
    assert link is not None
    other.post(link[1])
    assert EmailAddress.objects.get().verified


def test_a_changed_password_and_a_pressed_button_end_the_other_sessions():
    actions.sign_up("ada", password=PASSWORD)
    here, there, third = Client(), Client(), Client()
    for client in (here, there, third):
        enter(client, "ada")
    listed = here.get("/account/sessions/").content.decode()
    ending = re.findall(r"/sessions/\d+/end", listed)

    assert len(ending) == 2
    here.post(ending[0])
    assert [signed_in(client) for client in (here, there, third)].count(True) == 2

    new = "another long phrase"
    here.post(
        "/account/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    assert [signed_in(client) for client in (here, there, third)] == [True, False, False]


def test_a_service_account_never_holds_a_session():
    owner = somebody()
    service = actions.make_service(owner, "a-product")
    service.set_password(PASSWORD)
    service.save()
    client, forced = Client(), Client()
    forced.force_login(service)

    enter(client, "a-product")

    assert (signed_in(client), signed_in(forced)) == (False, False)


# -- codes ----------------------------------------------------------------------------------------


def code_now(secret: str) -> str:
    """What an authenticator app shows at this moment."""
    counter = int(time.time()) // 30
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def with_codes(name: str, role: str = Role.CONTRIBUTOR) -> tuple[Client, Account, str]:
    """Somebody who has set up one-time codes on the site: their browser, account and secret."""
    account = actions.sign_up(name, password=PASSWORD)
    Account.objects.filter(pk=account.pk).update(role=role)
    client = Client()
    enter(client, name)
    page = client.get("/account/2fa/totp/activate/", follow=True)
    if "reauthenticate" in page.request["PATH_INFO"]:
        client.post(page.request["PATH_INFO"], {"password": PASSWORD})
        page = client.get("/account/2fa/totp/activate/")
    found = re.search(r'id="authenticator_secret"[^>]*value="(\w+)"', page.content.decode())
    assert found is not None, page.content.decode()[:2000]
    client.post("/account/2fa/totp/activate/", {"code": code_now(found[1])})
    return client, account, found[1]


def test_with_codes_a_password_is_not_enough_and_a_code_counts_once():
    _, account, secret = with_codes("ada")
    stored = Authenticator.objects.get(user=account, type=Authenticator.Type.TOTP).data["secret"]
    client = Client()

    first = enter(client, "ada")
    assert "/2fa/authenticate" in first.url
    assert not signed_in(client)
    code = code_now(secret)
    client.post("/account/2fa/authenticate/", {"code": code})
    assert signed_in(client)
    client = Client()
    enter(client, "ada")
    for text in (code, f"{code[:3]} {code[3:]}"):
        client.post("/account/2fa/authenticate/", {"code": text})
        assert not signed_in(client)
    recovery = Authenticator.objects.get(user=account, type=Authenticator.Type.RECOVERY_CODES)
    spare = recovery.wrap().get_unused_codes()[0]
    client.post("/account/2fa/authenticate/", {"code": spare})

    assert signed_in(client)
    assert secret not in stored
    other = Client()
    enter(other, "ada")
    other.post("/account/2fa/authenticate/", {"code": spare})
    assert not signed_in(other)


def test_what_matters_asks_again_for_the_code_and_then_goes_on():
    client, account, _ = with_codes("mona", Role.RELEASE_MANAGER)
    a_line()
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True},
        {"method": "mfa", "at": time.time() - 700, "reauthenticated": True},
    ]
    session.save()

    asked = client.post("/builds/plan")
    by_api = client.post("/api/v1/builds", {}, content_type="application/json")
    recovery = Authenticator.objects.get(user=account, type=Authenticator.Type.RECOVERY_CODES)
    went_on = client.post(asked.url, {"code": recovery.wrap().get_unused_codes()[0]})

    assert urlsplit(asked.url).path == "/account/2fa/reauthenticate/"
    assert (by_api.status_code, by_api.json()["code"]) == (403, "not_fresh")
    assert went_on.url == "/builds"


def test_the_api_gives_no_token_for_a_password_alone_where_there_is_a_second_factor():
    with_codes("ada")
    wish = {"username": "ada", "password": PASSWORD, "scopes": ["contribute"]}

    answer = Client().post("/api/v1/tokens", wish, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "make the token on the site" in answer.json()["detail"]


# -- another site ---------------------------------------------------------------------------------


@pytest.fixture
def provider() -> Iterator[elsewhere.Provider]:
    with elsewhere.running() as found:
        app = {
            "provider_id": "sso",
            "name": "Our company",
            "client_id": elsewhere.CLIENT,
            "secret": elsewhere.SECRET,
            "settings": {"server_url": found.url, "oauth_pkce_enabled": True},
        }
        with override_settings(SOCIALACCOUNT_PROVIDERS={"openid_connect": {"APPS": [app]}}):
            yield found


def come_from(client: Client, page: str = "/submit") -> Any:
    """Press the button, say yes over there, and come back."""
    leaving = client.post(f"/account/oidc/sso/login/?process=login&next={page}")
    back = httpx.get(leaving.url).headers["Location"]
    split = urlsplit(back)
    return client.get(f"{split.path}?{split.query}")


def test_somebody_comes_from_an_openid_provider_picks_a_name_and_comes_again(
    provider: elsewhere.Provider,
):
    a_line()
    client, later = Client(), Client()
    assert "Our company" in client.get("/sign-in").content.decode()

    arrived = come_from(client)
    proposed = client.get(arrived.url).content.decode()
    joined = client.post(arrived.url, {"username": "willow-tree", "email": "willow@example.org"})
    again = come_from(later)

    assert 'value="Willow"' in proposed or 'value="willow"' in proposed
    assert (joined.url, again.url) == ("/submit", "/submit")
    assert signed_in(later)
    account = Account.objects.get()
    assert (account.username, account.has_usable_password()) == ("willow-tree", False)


def test_a_forged_answer_of_the_provider_signs_nobody_in(provider: elsewhere.Provider):
    client = Client()
    leaving = client.post("/account/oidc/sso/login/?process=login")
    split = urlsplit(httpx.get(leaving.url).headers["Location"])

    other_browser = Client()
    other_browser.get(f"{split.path}?{split.query}")
    client.get(f"{split.path}?code=made-up&{split.query.partition('&')[2]}")

    assert (signed_in(other_browser), signed_in(client)) == (False, False)
    assert Account.objects.count() == 0
    assert provider.refused == ["/token"]


def test_a_provider_that_is_not_configured_has_no_button_and_no_door():
    assert "Sign in with" not in Client().get("/sign-in").content.decode()
    doors = (
        "oidc/sso/login/",
        "oidc/sso/login/callback/",
        "github/login/",
        "github/login/callback/",
    )
    assert {Client().get(f"/account/{door}").status_code for door in doors} == {404}

"""Signing up, tokens and roles over REST."""

from __future__ import annotations

from django.test import Client

from apps.accounts.actions import make_token
from apps.accounts.models import Account, Role
from tests.api.calling import Caller, calling
from tests.people import somebody

PHRASE = "a long enough phrase"
SIGN_UP = {"name": "ada", "password": PHRASE}


def test_a_stranger_signs_up_and_calls_with_one_request(stranger: Caller) -> None:
    answer = stranger.post("accounts", {**SIGN_UP, "token": {"scopes": ["contribute"]}})

    caller = Caller(token=answer.json()["token"]["token"])
    me = caller.get("me").json()
    assert answer.status_code == 201
    assert (me["name"], me["role"], me["token"]["scopes"]) == ("ada", "contributor", ["contribute"])


def test_a_token_is_made_by_name_and_password_and_shown_once(stranger: Caller) -> None:
    stranger.post("accounts", SIGN_UP)

    made = stranger.post(
        "tokens", {"username": "ada", "password": PHRASE, "scopes": ["contribute", "feedback"]}
    ).json()

    listed = Caller(token=made["token"]).get("tokens").json()["items"]
    assert made["token"].startswith("ofw_pat_")
    assert [held["prefix"] for held in listed] == [made["prefix"]]
    assert "token" not in listed[0]


def test_a_wrong_password_makes_no_token(stranger: Caller) -> None:
    stranger.post("accounts", SIGN_UP)

    wish = {"username": "ada", "password": "something else", "scopes": ["contribute"]}
    answer = stranger.post("tokens", wish)

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")
    assert "Bearer" in answer["WWW-Authenticate"]


def test_a_token_cannot_make_another_that_may_do_more(ada: Caller) -> None:
    answer = ada.post("tokens", {"scopes": ["contribute"]})

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_a_token_gives_a_service_no_more_than_it_has(db: None) -> None:
    account = somebody()
    _token, text = make_token(account, name="narrow", scopes=["feedback"])
    narrow = Caller(account, text)

    made = narrow.post("services", {"name": "night", "token": {"scopes": ["feedback"]}})
    both = [
        narrow.post("services", {"name": "day", "token": {"scopes": ["feedback", "chat"]}}),
        narrow.post("services/night/tokens", {"scopes": ["chat"]}),
    ]

    assert made.status_code == 201
    assert [(one.status_code, one.json()["code"]) for one in both] == [(403, "scope_missing")] * 2
    assert not Account.objects.filter(username="day").exists()


def test_the_sessions_of_the_site_make_tokens_only_with_the_csrf_token(db: None) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(somebody())

    answer = browser.post("/api/v1/tokens", '{"scopes": ["chat"]}', content_type="application/json")

    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("CSRF")


def test_a_revoked_token_opens_nothing(ada: Caller) -> None:
    number = ada.get("tokens").json()["items"][0]["number"]

    assert ada.delete(f"tokens/{number}").status_code == 204
    assert ada.get("me").json()["code"] == "bad_token"


def test_nobody_revokes_the_token_of_another(ada: Caller, grace: Caller) -> None:
    number = grace.get("tokens").json()["items"][0]["number"]

    assert ada.delete(f"tokens/{number}").status_code == 404
    assert grace.get("me").status_code == 200


def test_a_contributor_gets_no_token_to_review_with(stranger: Caller) -> None:
    answer = stranger.post("accounts", {**SIGN_UP, "token": {"scopes": ["review"]}})

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert not Account.objects.filter(username="ada").exists()


def test_a_taken_name_a_reserved_one_and_a_weak_password_are_said_apart(stranger: Caller) -> None:
    stranger.post("accounts", SIGN_UP)

    codes = [
        stranger.post("accounts", body).json()["code"]
        for body in (SIGN_UP, {**SIGN_UP, "name": "gates"}, {"name": "bo", "password": "short"})
    ]

    assert codes == ["name_taken", "name_reserved", "account_refused"]


def test_two_administrators_together_give_roles(ada: Caller) -> None:
    administrator = calling(somebody(Role.ADMIN))
    name = ada.account.username if ada.account else ""

    second = calling(somebody(Role.ADMIN))
    wish = {"role": "reviewer", "because": "a hundred good PRs"}

    refused = ada.put(f"accounts/{name}/role", wish)
    proposed = administrator.put(f"accounts/{name}/role", wish)
    again = administrator.put(f"accounts/{name}/role", wish)
    given = second.put(f"accounts/{name}/role", wish)

    assert (proposed.status_code, again.status_code) == (202, 202)
    assert proposed.json()["role"] == "contributor"
    assert proposed.json()["proposal"]["because"] == "a hundred good PRs"
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert given.json() == {"name": name, "role": "reviewer"}


def test_fields_that_are_not_for_writing_are_refused_by_name(stranger: Caller) -> None:
    answer = stranger.post("accounts", {**SIGN_UP, "role": "admin"})

    assert answer.status_code == 422
    assert [(bad["pointer"], bad["code"]) for bad in answer.json()["errors"]] == [
        ("/role", "unknown_field")
    ]


def test_a_mistyped_token_is_told_from_an_unknown_one(stranger: Caller) -> None:
    unknown = Caller(token="ofw_pat_" + "0" * 30 + "000000").get("skills")
    short = Caller(token="secret").get("skills")

    assert unknown.status_code == short.status_code == 401
    assert "checksum" in unknown.json()["detail"]
    assert "tokens start with ofw_pat_" in short.json()["detail"]

"""R11: a scanner that finds a token ends it, and owners see from where theirs were used."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from django.test import Client

from apps.accounts import tokens
from apps.accounts.actions import make_token
from apps.accounts.models import Token
from apps.skills.models import ModelLine
from tests.api.calling import Caller
from tests.people import somebody


def hash_of(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_whoever_finds_a_token_ends_it(ada: Caller, stranger: Caller) -> None:
    unknown = tokens.new_text()
    leaks = [
        {"token": ada.token, "type": "ofw", "url": "https://example.org/x", "source": "content"},
        {"token": unknown},
    ]

    answer = stranger.post("tokens/revoke-leaked", leaks)

    assert answer.status_code == 200
    assert [(leak["token_hash"], leak["label"]) for leak in answer.json()] == [
        (hash_of(ada.token), "true_positive"),
        (hash_of(unknown), "false_positive"),
    ]
    assert ada.token not in answer.content.decode()
    refused = ada.get("me").json()
    assert refused["code"] == "bad_token"
    assert "it was found in public" in refused["detail"]


def test_reporting_twice_changes_nothing_more(ada: Caller, stranger: Caller) -> None:
    report = {"tokens": [ada.token]}

    first, second = (stranger.post("tokens/revoke-leaked", report) for _ in range(2))

    assert first.json() == second.json()
    assert Token.objects.get().revoked_because == "it was found in public"


@pytest.mark.parametrize(
    ("body", "status"),
    [([], 422), ({}, 422), ({"tokens": "x"}, 422), ([{"tok": "x"}], 422), ([["x"]], 422)],
)
def test_a_report_that_is_none_is_refused(
    line: ModelLine, stranger: Caller, body: object, status: int
) -> None:
    assert stranger.post("tokens/revoke-leaked", body).status_code == status


def test_the_published_pattern_finds_every_token_and_no_other_word(stranger: Caller) -> None:
    said = stranger.get("tokens/pattern").json()

    pattern = re.compile(rf"\b{said['pattern']}\b")
    for text in (tokens.new_text() for _ in range(50)):
        found = pattern.findall(f'curl -H "Authorization: Bearer {text}" …')
        assert found == [text]
        tokens.ensure_well_formed(text)
    assert not pattern.search("ofw_pat_short ofw_pat")
    assert said["revoke"].endswith("/api/v1/tokens/revoke-leaked")


def test_an_owner_sees_when_and_from_where_a_token_was_used(line: ModelLine) -> None:
    _, text = make_token(somebody(), name="laptop", scopes=["contribute"])
    headers = {"Authorization": f"Bearer {text}"}

    Client().get("/api/v1/me", headers=headers, REMOTE_ADDR="2001:db8::7")

    held = Client().get("/api/v1/tokens", headers=headers).json()["items"][0]
    assert held["last_used_from"] == "2001:db8::7"
    assert held["last_used_at"].endswith("Z")

"""Accounts and tokens: shown once, checked by their form first, ended when they should be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts import actions, tokens
from apps.accounts.errors import AccountRefused, BadToken, NameReserved, NameTaken, NotAllowed
from apps.accounts.models import Scope, Token
from apps.accounts.queries import token_holder
from tests.people import somebody

PASSWORD = "correct horse battery staple"


@pytest.mark.django_db
def test_a_token_is_found_by_its_text_and_stored_only_as_a_digest():
    ada = somebody()
    token, text = actions.make_token(ada, name="laptop", scopes=[Scope.CONTRIBUTE])

    assert token_holder(text) == token
    assert text not in str(Token.objects.filter(pk=token.pk).values())


@pytest.mark.parametrize("place", range(44))
def test_one_wrong_character_is_a_typing_error(place: int):
    text = tokens.new_text()
    other = "A" if text[place] != "A" else "B"

    with pytest.raises(BadToken):
        tokens.ensure_well_formed(text[:place] + other + text[place + 1 :])


@given(st.text(max_size=60))
def test_no_other_text_passes_for_a_token(text: str):
    with pytest.raises(BadToken):
        tokens.ensure_well_formed(text)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "sentence"), [("revoked_at", "was revoked"), ("expires_at", "expired on")]
)
def test_an_ended_token_is_refused_with_its_reason(field: str, sentence: str):
    token, text = actions.make_token(somebody(), name="old", scopes=[Scope.CHAT])
    yesterday = timezone.now() - timedelta(days=1)
    Token.objects.filter(pk=token.pk).update(**{field: yesterday})

    with pytest.raises(BadToken, match=sentence):
        token_holder(text)


@pytest.mark.django_db
def test_a_token_of_a_closed_account_is_refused():
    ada = somebody()
    _, text = actions.make_token(ada, name="laptop", scopes=[Scope.CHAT])
    ada.is_active = False
    ada.save()

    with pytest.raises(BadToken, match="not known"):
        token_holder(text)


@pytest.mark.django_db
@pytest.mark.parametrize("scopes", [[], [Scope.REVIEW], [Scope.CHAT, Scope.RELEASE], ["sudo"]])
def test_a_contributors_token_carries_no_more_than_a_contributor_may(scopes: list[str]):
    with pytest.raises(NotAllowed, match="can carry these scopes: chat, contribute, feedback"):
        actions.make_token(somebody(), name="greedy", scopes=scopes)


@pytest.mark.django_db
def test_a_name_is_taken_once_and_the_systems_names_never():
    actions.sign_up("ada", password=PASSWORD)

    with pytest.raises(NameTaken):
        actions.sign_up("ada", password=PASSWORD)
    with pytest.raises(NameTaken):
        actions.sign_up(" ＡＤＡ ", password=PASSWORD)
    with pytest.raises(AccountRefused, match="no “@”"):
        actions.sign_up("ada@example.org", password=PASSWORD)
    with pytest.raises(NameReserved):
        actions.sign_up("Checks", password=PASSWORD)

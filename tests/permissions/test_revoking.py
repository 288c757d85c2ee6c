"""Rights as they are given, taken and handed on, step by step, against a model of them.

Whatever the order of the steps: a token opens what its scopes, its account's role and its owner
allow at this moment, and nothing else; what was taken never comes back by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from apps.accounts import actions
from apps.accounts.errors import BadToken, LastAdministrator, NotAllowed
from apps.accounts.models import Account, Role, Scope, Token
from apps.accounts.queries import token_holder
from apps.history.appointments import OPERATOR, appoint
from tests.people import somebody

PEOPLE = [role for role in Role if role != Role.SERVICE]
EVERYONE = {Scope.CONTRIBUTE, Scope.FEEDBACK, Scope.CHAT}
# Written out once more: a model that asks the rules proves nothing of them.
MAY = {
    Role.CONTRIBUTOR: EVERYONE,
    Role.TRUSTED: EVERYONE | {Scope.REVIEW},
    Role.REVIEWER: EVERYONE | {Scope.REVIEW, Scope.ADMIN},
    Role.MAINTAINER: EVERYONE | {Scope.REVIEW, Scope.RELEASE, Scope.ADMIN},
    Role.RELEASE_MANAGER: EVERYONE | {Scope.RELEASE},
    Role.ADMIN: {Scope.CONTRIBUTE, Scope.REVIEW, Scope.RELEASE, Scope.ADMIN},
    Role.SERVICE: EVERYONE,
}


@dataclass
class Person:
    """What the model knows of an account."""

    account: Account
    role: Role
    owner: Person | None = None
    closed: bool = False

    def scopes(self) -> set[Scope]:
        """What a token of theirs could carry now."""
        return MAY[self.role] & MAY[self.owner.role] if self.owner else set(MAY[self.role])


@dataclass
class Key:
    """What the model knows of a token."""

    token: Token
    text: str
    holder: Person
    scopes: set[Scope]
    ended: bool = False


@dataclass
class Model:
    """Everybody and every token."""

    people: list[Person] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)

    def lives(self, key: Key) -> bool:
        """Whether the token opens anything."""
        owner = key.holder.owner
        return not (key.ended or key.holder.closed or (owner and owner.closed))


class Rights(RuleBasedStateMachine):
    """Gives and takes roles, tokens and services, and asks after each step who may what."""

    people: Any = Bundle("people")
    keys: Any = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.around = transaction.atomic()
        self.around.__enter__()
        self.model = Model()
        somebody(Role.ADMIN)

    def teardown(self) -> None:
        """Leave no trace of this run."""
        transaction.set_rollback(True)
        self.around.__exit__(None, None, None)

    @rule(target=people, role=st.sampled_from(PEOPLE))
    def join(self, role: Role) -> Person:
        person = Person(somebody(role), role)
        self.model.people.append(person)
        return person

    @rule(target=people, owner=people)
    def make_service(self, owner: Person) -> Person | None:
        name = f"service-{len(self.model.people)}-of-{owner.account.pk}"
        try:
            account = actions.make_service(owner.account, name)
        except NotAllowed:
            mine = [p for p in self.model.people if p.owner is owner and not p.closed]
            assert owner.owner or len(mine) == 5
            return owner
        assert owner.owner is None
        service = Person(account, Role.SERVICE, owner)
        self.model.people.append(service)
        return service

    @rule(target=keys, holder=people, scopes=st.sets(st.sampled_from(Scope), min_size=1))
    def make_token(self, holder: Person, scopes: set[Scope]) -> Key | None:
        allowed = scopes & holder.scopes()
        with pytest.raises(NotAllowed):
            actions.make_token(holder.account, name="t", scopes={*scopes, "no such scope"})
        if scopes != allowed:
            with pytest.raises(NotAllowed):
                actions.make_token(holder.account, name="t", scopes=scopes)
        token, text = actions.make_token(
            holder.account, name="t", scopes=allowed or {Scope.CONTRIBUTE}, lasts=timedelta(days=9)
        )
        key = Key(token, text, holder, allowed or {Scope.CONTRIBUTE}, ended=holder.closed)
        self.model.keys.append(key)
        return key

    @rule(person=people, role=st.sampled_from(PEOPLE))
    def appoint(self, person: Person, role: Role) -> None:
        if person.owner or person.closed:
            return
        try:
            with transaction.atomic():
                appoint(person.account, role, by=OPERATOR)
        except LastAdministrator:
            return
        person.role = role
        for key in self.model.keys:
            # A role that was narrower for a moment has ended what went beyond it for good.
            mine = key.holder is person
            key.ended |= mine and not key.scopes <= person.scopes()

    @rule(key=keys)
    def revoke(self, key: Key) -> None:
        actions.revoke(key.token)
        key.ended = True

    @rule(key=keys)
    def find_it_lying_about(self, key: Key) -> None:
        assert actions.revoke_leaked([key.text, "ofw_pat_nobodys"]) == [True, False]
        key.ended = True

    @rule(key=keys)
    def let_it_expire(self, key: Key) -> None:
        Token.objects.filter(pk=key.token.pk).update(expires_at=timezone.now())
        key.ended = True

    @rule(service=people, by=people)
    def close(self, service: Person, by: Person) -> None:
        if service.owner is not by:
            with pytest.raises(NotAllowed):
                actions.close_service(service.account, by=by.account)
            return
        actions.close_service(service.account, by=by.account)
        service.closed = True
        for key in self.model.keys:
            key.ended |= key.holder is service

    @invariant()
    def every_token_opens_what_the_model_says(self) -> None:
        for key in self.model.keys:
            try:
                held: set[str] | None = set(token_holder(key.text).scopes)
            except BadToken:
                held = None
            assert held == ({*map(str, key.scopes)} if self.model.lives(key) else None)
            if held:
                assert held <= {*map(str, key.holder.scopes())}

    @invariant()
    def there_is_always_an_administrator(self) -> None:
        assert Account.objects.filter(role=Role.ADMIN, is_active=True).exists()


@pytest.mark.django_db
def test_rights_are_what_was_given_and_not_taken_whatever_the_order_of_the_steps() -> None:
    bounded = settings(max_examples=12, stateful_step_count=25, deadline=None, derandomize=True)
    run(Rights, settings=bounded)

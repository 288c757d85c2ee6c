"""A queryset that is written once yields what it would yield anew."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Account, Role, Token
from apps.accounts.statements import Hole, Statement
from tests.people import somebody

BY_ROLE = Statement(lambda: Account.objects.filter(role=Hole("role")).order_by("username"))


def test_it_yields_the_same_models_as_the_queryset(db: None) -> None:
    for role in (Role.REVIEWER, Role.CONTRIBUTOR, Role.REVIEWER):
        somebody(role=role)

    for role in Role.values:
        asked = BY_ROLE.all(role=role)
        afresh = list(Account.objects.filter(role=role).order_by("username"))
        assert asked == afresh
        assert [vars(one) | {"_state": 0} for one in asked] == [
            vars(one) | {"_state": 0} for one in afresh
        ]


def test_what_it_selects_besides_is_there_without_another_query(db: None) -> None:
    owner = somebody()
    service = Account.objects.create(username="a-service", role=Role.SERVICE, owner=owner)
    token = Token.objects.create(
        account=service,
        digest="d" * 64,
        prefix="ofw_pat_d",
        scopes=["review"],
        expires_at="2100-01-01T00:00Z",
    )
    holder = Statement(
        lambda: Token.objects.select_related("account__owner").filter(digest=Hole("digest"))
    )

    with CaptureQueriesContext(connection) as asked:
        found = holder.first(digest="d" * 64)
        assert found == token
        assert found.scopes == ["review"]
        assert (found.account, found.account.owner) == (service, owner)
    assert len(asked) == 1
    assert holder.first(digest="e" * 64) is None


def test_values_come_as_tuples_and_flat_ones_by_themselves(db: None) -> None:
    name = somebody().username
    pairs = Statement(lambda: Account.objects.order_by("pk").values_list("username", "is_active"))
    names = Statement(lambda: Account.objects.order_by("pk").values_list("username", flat=True))

    assert pairs.all() == [(name, True)]
    assert names.all() == [name]
    assert names.any()


def test_columns_that_only_order_are_no_values(db: None) -> None:
    somebody(), somebody()
    roles = Statement(lambda: Account.objects.order_by("pk").values_list("role").distinct())

    assert roles.all() == [(Role.CONTRIBUTOR,)] * 2


def test_a_hole_without_a_value_is_an_error_and_so_is_an_annotated_model(db: None) -> None:
    with pytest.raises(KeyError, match="role"):
        BY_ROLE.all()
    with pytest.raises(TypeError, match="models or values_list"):
        Statement(lambda: Account.objects.annotate(many=Count("tokens"))).all()

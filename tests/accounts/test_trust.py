"""The written rule of trust: automatic, on record, and only upwards by one step."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import move
from apps.history.queries import life_of
from apps.reviews.tasks import trust_whom_the_rule_trusts
from tests.people import a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db


def with_accepted(count: int, *, over: int, role: str = Role.CONTRIBUTOR, line=None) -> Account:
    """Somebody with so many accepted PRs, the first of them so many days before the last."""
    account, line = somebody(role), line or a_line()
    for number in range(count):
        pr = a_contribution(line, by=account, stage=Stage.ACCEPTED)
        sent = timezone.now() - timedelta(days=over * (count - 1 - number) / max(count - 1, 1))
        Contribution.objects.filter(pk=pr.pk).update(created_at=sent)
    return account


def trusted(account: Account) -> bool:
    account.refresh_from_db()
    return account.role == Role.TRUSTED


def test_five_good_prs_over_a_fortnight_earn_trust_once_and_on_record():
    ada = with_accepted(5, over=15)

    trust_whom_the_rule_trusts()
    trust_whom_the_rule_trusts()

    assert trusted(ada)
    assert [(e.verb, e.actor, e.entered, e.because) for e in life_of(ada)] == [
        (
            "appointed",
            "trust",
            "trusted",
            "5 accepted PRs over 14 days, none quarantined or rejected",
        )
    ]


def test_too_few_too_quickly_or_ever_quarantined_is_not_enough():
    few, quick, stained = (
        with_accepted(4, over=60),
        with_accepted(9, over=3),
        with_accepted(9, over=60),
    )
    once = a_contribution(by=stained, stage=Stage.SUBMITTED)
    move(once, Stage.QUARANTINED, by="checks")

    trust_whom_the_rule_trusts()

    assert [trusted(account) for account in (few, quick, stained)] == [False, False, False]


def test_a_rejection_counts_unless_an_appeal_took_it_back():
    ada, eve = with_accepted(5, over=15), with_accepted(5, over=15)
    for author in (ada, eve):
        pr = a_contribution(by=author, stage=Stage.IN_REVIEW)
        move(pr, Stage.REJECTED, by="grace")
        if author == ada:
            move(pr, Stage.IN_REVIEW, by="an appeal")

    trust_whom_the_rule_trusts()

    assert (trusted(ada), trusted(eve)) == (True, False)


def test_what_was_taken_out_again_earns_no_trust():
    ada = with_accepted(5, over=15)
    last = Contribution.objects.filter(author=ada).latest("pk")
    takes_out = a_contribution(last.line, stage=Stage.ACCEPTED)
    Contribution.objects.filter(pk=takes_out.pk).update(reverts=last)

    trust_whom_the_rule_trusts()

    assert not trusted(ada)


def test_the_numbers_are_the_lines_policy():
    line = a_line()
    line.policy = {**line.policy, "trust": {"accepted": 2, "days": 1}}
    line.save()
    ada, service = (
        with_accepted(2, over=2, line=line),
        with_accepted(2, over=2, role=Role.SERVICE, line=line),
    )

    trust_whom_the_rule_trusts()

    assert (trusted(ada), trusted(service)) == (True, False)

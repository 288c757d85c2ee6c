"""Some decisions are looked at again, by somebody who is not told what was decided."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.queries import life_of
from apps.reviews import actions
from apps.reviews.agreement import actions as agreement
from apps.reviews.agreement.models import Audit
from apps.reviews.agreement.policy import drawn_in_public
from apps.reviews.agreement.queries import audits, overturned
from apps.reviews.errors import NotYourAudit, ReasonMissing, VoiceIsIn
from tests.people import NO_CHANCE, a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db


def audited_line(share: float = 1.0) -> Any:
    line = a_line()
    line.policy = {"review": {"agreement": NO_CHANCE | {"audit": share}}}
    line.save()
    return line


def decided(line: Any, by: Account, verdict: str = "accept") -> Contribution:
    pr = a_contribution(line, stage=Stage.IN_REVIEW)
    actions.VERDICTS[verdict](pr, by=by, digest=pr.digest, because="seen")
    return pr


def test_which_decisions_are_drawn_follows_from_the_record_and_anybody_can_repeat_it():
    line, grace = audited_line(0.3), somebody(Role.REVIEWER)
    prs = [decided(line, grace) for _ in range(30)]

    moves = [life_of(pr).get(entered=Stage.ACCEPTED) for pr in prs]
    foretold = {pr.pk for pr, move in zip(prs, moves, strict=True)
                if drawn_in_public("audit", move.digest, 0.3)}  # fmt: skip

    assert set(Audit.objects.values_list("decision__contribution", flat=True)) == foretold


def test_an_audit_goes_to_somebody_who_had_no_say():
    line, grace = audited_line(), somebody(Role.REVIEWER)
    pr = decided(line, grace)
    author = pr.author
    Account.objects.filter(pk=author.pk).update(role=Role.REVIEWER)
    author.refresh_from_db()

    taken = [agreement.take_audit(person) for person in (grace, author)]
    alan = somebody(Role.REVIEWER)
    special = agreement.next_special(alan)

    assert taken == [None, None]
    assert (special.contribution, special.audit.decision.contribution) == (pr, pr)
    assert agreement.take_audit(alan) == special.audit
    assert agreement.take_audit(somebody(Role.REVIEWER)) is None
    with pytest.raises(NotYourAudit):
        agreement.answer_audit(special.audit, by=grace, verdict="accept", because="")


def test_an_answer_moves_nothing_and_is_public_with_what_was_decided_first():
    line, grace, alan = audited_line(), somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    pr = decided(line, grace)
    audit = agreement.take_audit(alan)
    with pytest.raises(ReasonMissing):
        agreement.answer_audit(audit, by=alan, verdict="reject", because=" ")

    agreement.answer_audit(audit, by=alan, verdict="reject", because="row 1 is wrong")

    pr.refresh_from_db()
    assert pr.stage == Stage.ACCEPTED
    assert life_of(pr).last().details["again"] == "reject"
    assert [(one.decision.verdict, one.verdict, one.overturned) for one in audits(line)] == [
        ("accept", "reject", True)
    ]
    with pytest.raises((VoiceIsIn, NotYourAudit)):
        agreement.answer_audit(audit, by=alan, verdict="accept", because="")


def test_the_overturn_rate_counts_what_was_let_in_or_kept_out_and_not_how():
    line, grace, alan = audited_line(), somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    pairs = [
        ("accept", "accept"),
        ("reject", "changes"),
        ("accept", "changes"),
        ("accept", "accept"),
    ]
    for first, _ in pairs:
        decided(line, grace, first)
    for _, again in pairs:
        agreement.answer_audit(agreement.take_audit(alan), by=alan, verdict=again, because="seen")
    decided(line, grace)

    rate = overturned(line)

    assert (rate.overturned, rate.answered, rate.waiting, rate.rate) == (1, 4, 1, 0.25)
    assert [round(edge, 3) for edge in rate.interval] == [0.046, 0.699]

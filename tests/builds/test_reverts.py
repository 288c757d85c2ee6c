"""Taking accepted rows out again: who proposes, who decides, and what a build no longer learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.utils import timezone

from apps.accounts.models import Role
from apps.builds import manifest
from apps.builds.models import Build, Entry
from apps.builds.queries import waiting_for_a_build
from apps.checks.actions import check
from apps.contributions.errors import ContributionRefused, NotForYou
from apps.contributions.queries import accepted
from apps.contributions.reverting import PROPOSE, propose_revert
from apps.contributions.stages import Stage
from apps.reviews import actions as reviews
from apps.reviews.errors import NotAReviewer
from tests.people import a_contribution, a_line, reverted, somebody

pytestmark = pytest.mark.django_db


def test_reverted_rows_are_in_no_later_manifest(tmp_path: Path) -> None:
    line = a_line()
    good, bad = (a_contribution(line, stage=Stage.ACCEPTED) for _ in range(2))
    shipped = Build.objects.create(line=line, live_digest="", shipped_at=timezone.now())
    for pr in (good, bad):
        Entry.objects.create(build=shipped, contribution=pr, revision=1, digest="", row_count=1)
    new = a_contribution(line, stage=Stage.ACCEPTED)
    assert list(waiting_for_a_build(line)) == [new]

    reverted(bad)
    reverted(new)

    earlier = manifest.freeze_earlier(line, tmp_path)
    kept = [json.loads(text)["source"]["contribution"] for text in earlier.path.open()]
    assert kept == [good.pk]
    assert list(waiting_for_a_build(line)) == []
    assert list(accepted(line)) == [good]


def test_an_undecided_or_rejected_revert_takes_nothing_out() -> None:
    pr = a_contribution(stage=Stage.ACCEPTED)
    revert = propose_revert(pr, by=pr.author, because="I was wrong.")
    assert list(accepted(pr.line)) == [pr]

    check(revert)
    reviews.reject(
        revert, by=somebody(Role.MAINTAINER), digest=revert.digest, because="You were right"
    )

    assert list(accepted(pr.line)) == [pr]
    propose_revert(pr, by=pr.author, because="Really.")


@pytest.mark.parametrize("role", Role)
def test_a_revert_is_proposed_by_those_who_decide_or_by_the_author(role: Role) -> None:
    pr = a_contribution(stage=Stage.ACCEPTED)

    if role in PROPOSE:
        assert propose_revert(pr, by=somebody(role), because="Wrong.").reverts == pr
    else:
        with pytest.raises(NotForYou):
            propose_revert(pr, by=somebody(role), because="Wrong.")


def test_a_revert_is_decided_by_a_maintainer_alone() -> None:
    revert = propose_revert(
        a_contribution(stage=Stage.ACCEPTED), by=somebody(Role.REVIEWER), because="Wrong."
    )
    check(revert)

    with pytest.raises(NotAReviewer):
        reviews.accept(revert, by=somebody(Role.REVIEWER), digest=revert.digest)


@pytest.mark.parametrize("stage", sorted(set(Stage) - {Stage.ACCEPTED}))
def test_only_what_is_accepted_can_be_reverted(stage: str) -> None:
    pr = a_contribution(stage=stage)

    with pytest.raises(ContributionRefused, match="is not accepted"):
        propose_revert(pr, by=somebody(Role.MAINTAINER), because="Wrong.")


def test_a_pr_is_reverted_once_and_a_revert_never() -> None:
    pr = a_contribution(stage=Stage.ACCEPTED)
    revert = reverted(pr)

    with pytest.raises(ContributionRefused, match="under way, or has been accepted"):
        propose_revert(pr, by=somebody(Role.MAINTAINER), because="Wrong.")
    with pytest.raises(ContributionRefused, match="a revert is not reverted"):
        propose_revert(revert, by=somebody(Role.MAINTAINER), because="Wrong.")

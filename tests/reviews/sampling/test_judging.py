"""A PR of many rows: judged by a sample, which nobody can choose and anybody can draw again."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Account, Role
from apps.builds.actions import plan
from apps.contributions import actions as contributions
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.queries import life_of
from apps.reviews import actions as reviews
from apps.reviews.agreement.voting import Awaited
from apps.reviews.errors import NotSampled, ReasonMissing, SampleMissing, VoiceIsIn
from apps.reviews.sampling import actions, queries
from apps.reviews.sampling.models import RowVerdict, Sample
from apps.reviews.sampling.plan import drawn
from tests.people import NO_CHANCE, a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db

ROWS = 60


def bulk_line(**agreement: Any) -> Any:
    """A line that samples from thirty rows on, with so loose a limit that few are enough."""
    line = a_line("sums", "manners")
    line.policy = {
        "review": {
            "agreement": NO_CHANCE | {"second_for": []} | agreement,
            "sampling": {"rows": 30, "limit": 0.3, "alpha": 0.2, "most_bad": 1},
        }
    }
    line.save()
    return line


def bulk_pr(line: Any = None, count: int = ROWS) -> Contribution:
    rows = [
        {"prompt": f"What is {n} plus {n}?", "completion": "x" * (n % 9 + 1),
         "skill": ("sums", "manners")[n % 3 == 0]}
        for n in range(count)
    ]  # fmt: skip
    return a_contribution(line or bulk_line(), stage=Stage.IN_REVIEW, rows=rows)


def judge(sample: Sample, by: Account, bad: int = 0) -> Any:
    """Judge until the sample ends; the first `bad` rows are bad."""
    now = None
    while sample.state == Sample.State.OPEN:
        wrong = sample.judged < bad
        now = actions.judge(
            sample, by=by, place=sample.judged, bad=wrong, because="wrong" if wrong else ""
        )
        sample.refresh_from_db()
    return now


def test_a_large_pr_is_accepted_when_its_sample_has_passed_and_not_before():
    pr, grace = bulk_pr(), somebody(Role.REVIEWER)
    with pytest.raises(SampleMissing, match="judge the sample first"):
        reviews.accept(pr, by=grace, digest=pr.digest)
    sample = actions.begin(pr, by=grace)
    with pytest.raises(SampleMissing, match="0 rows of the sample"):
        reviews.accept(pr, by=grace, digest=pr.digest)

    now = judge(sample, grace)
    reviews.accept(pr, by=grace, digest=pr.digest)

    assert (now.verdict, pr.stage) == ("passed", Stage.ACCEPTED)
    assert now.bound < 0.3
    assert sample.bound == now.bound


def test_a_failed_sample_sends_the_pr_back_with_the_rows_that_are_bad():
    pr, grace = bulk_pr(), somebody(Role.REVIEWER)
    sample = actions.begin(pr, by=grace)

    now = judge(sample, grace, bad=2)

    pr.refresh_from_db()
    assert (now.verdict, pr.stage) == ("failed", Stage.CHANGES_REQUESTED)
    places = [verdict.position + 1 for verdict in RowVerdict.objects.filter(bad=True)]
    because = pr.decisions.get().because
    assert all(f"row {place}: wrong" in because for place in places)


def test_the_seed_is_fixed_by_the_content_and_only_the_site_can_foresee_it():
    first, again = bulk_pr(), bulk_pr()
    grace = somebody(Role.REVIEWER)

    one, other = (actions.begin(pr, by=grace) for pr in (first, again))

    assert first.digest == again.digest
    assert (one.seed, one.order) == (other.seed, other.order)
    assert one.seed != hashlib.sha256(first.digest.encode()).hexdigest()
    assert actions.begin(first, by=somebody(Role.REVIEWER)) == one


def test_anybody_can_draw_the_same_rows_again_once_the_sample_has_ended():
    pr, grace = bulk_pr(), somebody(Role.REVIEWER)
    sample = actions.begin(pr, by=grace)
    while_open = queries.told(sample)
    committed = life_of(pr).get(verb="sampled").details["commitment"]

    judge(sample, grace)
    undecided = queries.told(sample)
    reviews.accept(pr, by=grace, digest=pr.digest)
    told = queries.told(sample)

    assert undecided == while_open
    assert {"seed", "order", "verdicts"} & set(while_open) == set()
    assert (while_open["state"], told["state"]) == ("open", "passed")
    assert hashlib.sha256(bytes.fromhex(told["seed"])).hexdigest() == committed
    strata = queries.strata_of(pr)
    assert drawn(strata, bytes.fromhex(told["seed"]))[: len(told["order"])] == told["order"]
    assert Counter(strata) == told["strata"]
    assert sum(told["strata"].values()) == ROWS
    assert [said["position"] for said in told["verdicts"]] == told["order"][: sample.judged]


def test_a_new_revision_is_another_attempt_with_less_to_spend():
    pr, grace = bulk_pr(), somebody(Role.REVIEWER)
    first = actions.begin(pr, by=grace)
    judge(first, grace, bad=2)
    rows = [{"prompt": f"And {n}?", "completion": "y"} for n in range(ROWS)]
    pr.refresh_from_db()
    contributions.revise(pr, by=pr.author, rows=rows, note="better")
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)
    pr.refresh_from_db()

    second = actions.begin(pr, by=grace)

    assert second.seed != first.seed
    assert (first.plan["alpha"], second.plan["alpha"]) == pytest.approx((0.1, 0.2 / 6))


def test_two_judges_of_one_row_count_it_once():
    pr, grace, alan = bulk_pr(), somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    sample = actions.begin(pr, by=grace)

    actions.judge(sample, by=grace, place=0, bad=False)
    late = actions.judge(sample, by=alan, place=0, bad=True, because="no")

    assert (late.judged, late.bad) == (1, 0)
    assert RowVerdict.objects.get().by == grace


def test_a_bad_row_needs_a_reason_and_a_small_pr_no_sample():
    pr, grace = bulk_pr(), somebody(Role.REVIEWER)
    sample = actions.begin(pr, by=grace)

    with pytest.raises(ReasonMissing):
        actions.judge(sample, by=grace, place=0, bad=True)
    with pytest.raises(NotSampled):
        actions.begin(bulk_pr(count=5), by=grace)


def test_each_voice_judges_rows_of_its_own_and_neither_sees_the_other_s():
    line = bulk_line(second_for=["newcomer"])
    pr, grace, alan = bulk_pr(line), somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    first = actions.begin(pr, by=grace)
    judge(first, grace)
    standing = reviews.accept(pr, by=grace, digest=pr.digest)

    with pytest.raises(SampleMissing, match="judge the sample first"):
        reviews.accept(pr, by=alan, digest=pr.digest)
    second = actions.begin(pr, by=alan)
    with pytest.raises(VoiceIsIn):
        actions.judge(second, by=grace, place=0, bad=False)
    hidden = queries.told(first)
    judge(second, alan)
    reviews.accept(pr, by=alan, digest=pr.digest)

    assert isinstance(standing, Awaited)
    assert "verdicts" not in hidden
    assert second.order != first.order
    assert pr.stage == Stage.ACCEPTED
    assert "verdicts" in queries.told(first)


def test_bad_rows_of_a_sample_that_passed_are_named_and_go_into_no_build(settings, tmp_path: Path):
    settings.ARTIFACTS_DIR = tmp_path
    pr, grace = bulk_pr(), somebody(Role.REVIEWER)
    sample = actions.begin(pr, by=grace)
    judge(sample, grace, bad=1)
    reviews.accept(pr, by=grace, digest=pr.digest)

    build = plan(pr.line, by="clock")

    bad = sample.order[0]
    assert life_of(pr).last().details["left_out"] == [bad]
    assert (build.row_count, build.entries.get().row_count) == (ROWS - 1, ROWS - 1)
    with Path(build.spec["manifest"]).open(encoding="utf-8") as manifest:
        read = [json.loads(line)["source"]["row"] for line in manifest]
    assert read == [position for position in range(ROWS) if position != bad]

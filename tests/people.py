"""People, lines and contributions for tests: real rows in the real database."""

from __future__ import annotations

from itertools import count
from typing import Any

from apps.accounts.models import Account, Role
from apps.checks.actions import check
from apps.contributions import actions
from apps.contributions.actions import Terms
from apps.contributions.models import Contribution, Kind
from apps.contributions.reverting import propose_revert
from apps.contributions.stages import Stage
from apps.reviews import actions as reviews
from apps.skills.models import ModelLine, Skill

TERMS = Terms(licence="CC0-1.0", consent="train", signed_off=True)
_numbers = count(1)


def somebody(role: str = Role.CONTRIBUTOR) -> Account:
    """A new account with this role."""
    return Account.objects.create(username=f"{role}-{next(_numbers)}", role=role)


# Nothing is drawn by chance where a test does not ask for it.
NO_CHANCE = {"overlap": 0, "gold": 0, "audit": 0}


def a_line(*skills: str) -> ModelLine:
    """A model line with these skills (by default one, `sums`, protected)."""
    line = ModelLine.objects.create(
        name=f"line-{next(_numbers)}",
        title="A line",
        base="nowhere",
        policy={"review": {"agreement": NO_CHANCE}},
    )
    for name in skills or ("sums",):
        Skill.objects.create(line=line, name=name, title=name.title(), protected=True)
    return line


def a_contribution(
    line: ModelLine | None = None,
    *,
    by: Account | None = None,
    stage: str = Stage.SUBMITTED,
    rows: list[dict[str, Any]] | None = None,
    kind: str = Kind.DATASET,
    **more: Any,
) -> Contribution:
    """A contribution with rows, set down in the given stage."""
    rows = rows or [{"prompt": f"What is {next(_numbers)} plus 1?", "completion": "More."}]
    contribution = actions.offer(
        line or a_line(),
        by=by or somebody(),
        kind=kind,
        title="Some rows",
        rows=rows,
        terms=more.pop("terms", TERMS),
        **more,
    ).contribution
    Contribution.objects.filter(pk=contribution.pk).update(stage=stage)
    contribution.refresh_from_db()
    return contribution


def reverted(pr: Contribution) -> Contribution:
    """A revert of the PR that a maintainer has accepted, after real checks."""
    revert = propose_revert(pr, by=somebody(Role.REVIEWER), because="The source was wrong.")
    check(revert)
    assert revert.stage == Stage.IN_REVIEW
    reviews.accept(revert, by=somebody(Role.MAINTAINER), digest=revert.digest)
    return revert

"""The sample of a PR, what is still to be judged, and what lets anybody draw it again."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django.db.models import Count, F, QuerySet

from apps.accounts.models import Account
from apps.checks.queries import findings_of
from apps.contributions.models import Contribution, Row
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.reviews.agreement.models import Round
from apps.reviews.sampling.models import RowVerdict, Sample
from apps.reviews.sampling.plan import Plan, Standing, standing
from apps.reviews.sampling.policy import SamplingPolicy


def is_sampled(contribution: Contribution) -> bool:
    """Whether so large a PR is accepted by sampling alone."""
    return SamplingPolicy.of(contribution.line).covers(contribution)


def sample_for(contribution: Contribution) -> Sample | None:
    """The sample of the voice that is being given now; each voice has its own."""
    samples = Sample.objects.filter(contribution=contribution, digest=contribution.digest)
    return samples.filter(voice=voice_now(contribution)).first()


def samples_of(contribution: Contribution) -> list[Sample]:
    """Every sample of every revision, oldest first."""
    return list(Sample.objects.filter(contribution=contribution))


def voice_now(contribution: Contribution) -> int:
    """Which voice on this content is the next: 1, or one more than are in."""
    held = Round.objects.filter(
        contribution=contribution, digest=contribution.digest, closed_at=None
    ).first()
    return held.heard.count() + 1 if held else 1


def attempt_of(contribution: Contribution) -> int:
    """How many contents of this PR were sampled before, and this one."""
    before = Sample.objects.filter(contribution=contribution).exclude(digest=contribution.digest)
    return before.values("digest").distinct().count() + 1


def found_bad(contribution: int, revision: int) -> QuerySet[RowVerdict]:
    """What was said of the rows of a revision that some sample found bad, by position.

    A sample may pass with a few of them: no build reads these rows, and no export has them.
    """
    said = RowVerdict.objects.filter(
        sample__contribution=contribution, sample__revision=revision, bad=True
    )
    return said.order_by("position")


def bad_now(contributions: QuerySet[Contribution]) -> QuerySet[RowVerdict]:
    """What was said of the rows of their current revisions that some sample found bad."""
    return RowVerdict.objects.filter(
        sample__contribution__in=contributions.order_by(),
        sample__revision=F("sample__contribution__revision"),
        bad=True,
    )


def bad_in(contributions: Iterable[Contribution]) -> dict[int, int]:
    """By number, how many rows of their current revisions were found bad."""
    said = bad_now(Contribution.objects.filter(pk__in=[one.pk for one in contributions]))
    counted = said.values_list("sample__contribution").annotate(Count("position", distinct=True))
    return dict(counted.order_by())


def next_row(sample: Sample) -> Row | None:
    """The row to judge next, or None where the sample has ended."""
    if sample.state != Sample.State.OPEN:
        return None
    rows = Row.objects.filter(
        revision__contribution=sample.contribution_id, revision__number=sample.revision
    )
    return rows.select_related("skill", "trace").get(position=sample.order[sample.judged])


def standing_of(sample: Sample) -> Standing:
    """Where the sample stands under its plan."""
    said = list(sample.verdicts.order_by("place").values_list("bad", flat=True))
    return standing(Plan.from_json(sample.plan), said)


def strata_of(contribution: Contribution) -> list[str]:
    """The stratum of every row, by position: its skill, whether a screen named it, its length.

    Length is by thirds of this PR, so that no stratum is empty by design.
    """
    named = {place for found in findings_of(contribution) for place in found.rows}
    rows = list(rows_of(contribution))
    lengths = [len(row.prompt) + len(row.answer) for row in rows]
    ordered = sorted(lengths)
    cuts = [ordered[len(ordered) * third // 3] for third in (1, 2)] if ordered else []
    return [
        "|".join(
            (
                row.skill.name if row.skill else "",
                "found" if row.position in named else "clean",
                ("short", "medium", "long")[sum(length >= cut for cut in cuts)],
            )
        )
        for row, length in zip(rows, lengths, strict=True)
    ]


def commitment(seed: str) -> str:
    """What the record holds of a seed while the sample is open: its SHA-256 (hex)."""
    return sha256(bytes.fromhex(seed)).hexdigest()


def told(sample: Sample) -> dict[str, Any]:
    """A sample as everybody may read it: how it ended, and all of it, once its PR is decided on."""
    plan, ended = Plan.from_json(sample.plan), not _is_hidden(sample)
    said: dict[str, Any] = {
        "revision": sample.revision,
        "digest": sample.digest,
        "voice": sample.voice,
        "state": sample.state if ended else Sample.State.OPEN,
        "commitment": commitment(sample.seed),
        "plan": sample.plan,
        "price": plan.price,
        "opened_at": sample.opened_at,
        "closed_at": sample.closed_at if ended else None,
    }
    if not ended:
        return said
    return said | {
        "judged": sample.judged,
        "bad": sample.bad,
        "bound": sample.bound,
        "seed": sample.seed,
        "strata": sample.strata,
        "order": sample.order,
        "verdicts": [
            {"position": verdict.position, "bad": verdict.bad, "because": verdict.because}
            for verdict in sample.verdicts.all()
        ],
    }


def _is_hidden(sample: Sample) -> bool:
    """Until its content is decided on: what the first voice saw would tell what it said."""
    stands = Contribution.objects.filter(
        pk=sample.contribution_id, digest=sample.digest, stage=Stage.IN_REVIEW
    )
    open_round = Round.objects.filter(
        contribution=sample.contribution_id, digest=sample.digest, closed_at=None
    )
    return sample.closed_at is None or stands.exists() or open_round.exists()


def may_judge(account: Account, sample: Sample) -> bool:
    """Whoever has given a voice on this content judges no rows for another one."""
    return not Round.objects.filter(
        contribution=sample.contribution_id, digest=sample.digest, heard__reviewer=account
    ).exists()

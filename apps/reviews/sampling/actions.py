"""Judging the rows of a sample one by one, until it passes or the PR is sent back."""

from __future__ import annotations

from collections import Counter

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import record, words
from apps.history.errors import MoveRefused
from apps.reviews import actions as reviews
from apps.reviews import rules
from apps.reviews.errors import NotSampled, ReasonMissing, Stale, VoiceIsIn
from apps.reviews.sampling import queries
from apps.reviews.sampling.models import RowVerdict, Sample
from apps.reviews.sampling.plan import Plan, Standing, drawn, plan
from apps.reviews.sampling.policy import SamplingPolicy


def begin(contribution: Contribution, *, by: Account) -> Sample:
    """The sample for the voice that is to be given now; drawn when nobody has begun it.

    The seed is fixed by the content's digest and the site's secret: a reviewer cannot roll again,
    and an author cannot know which rows will be looked at. The record gets plan and commitment.
    """
    rules.ensure_may_decide(by, contribution)
    _ensure_waiting(contribution)
    policy = SamplingPolicy.of(contribution.line)
    if not policy.covers(contribution):
        said = _("%(pr)s has fewer than %(rows)s rows; read them all")
        raise NotSampled(said % {"pr": contribution, "rows": policy.rows})
    voice = queries.voice_now(contribution)
    if (found := queries.sample_for(contribution)) is not None:
        return found
    seed = seed_of(contribution.digest, voice)
    strata = queries.strata_of(contribution)
    planned = plan(
        len(strata),
        limit=policy.limit,
        alpha=policy.alpha,
        most_bad=policy.most_bad,
        attempt=queries.attempt_of(contribution),
    )
    with transaction.atomic():
        sample, begun = Sample.objects.get_or_create(
            contribution=contribution,
            digest=contribution.digest,
            voice=voice,
            defaults={
                "revision": contribution.revision,
                "seed": seed,
                "plan": planned.to_json(),
                "strata": dict(Counter(strata)),
                "order": drawn(strata, bytes.fromhex(seed))[: planned.most],
            },
        )
        if begun:
            details = {"plan": sample.plan, "commitment": queries.commitment(seed), "voice": voice}
            record(contribution, "sampled", by=by, details=details)
    return sample


def judge(sample: Sample, *, by: Account, place: int, bad: bool, because: str = "") -> Standing:
    """Say whether the row at `place` of the order is bad; at a look the sample may end.

    One that fails sends the PR back by itself, in the name of who judged the last row. A row that
    was judged meanwhile keeps its first verdict.
    """
    contribution = sample.contribution
    rules.ensure_may_decide(by, contribution)
    if not queries.may_judge(by, sample):
        said = _("your verdict on %(pr)s is in; somebody else judges these rows")
        raise VoiceIsIn(said % {"pr": contribution})
    if bad and not because.strip():
        raise ReasonMissing(_("say what is wrong with the row, so that its author can mend it"))
    with transaction.atomic():
        sample = Sample.objects.select_for_update().get(pk=sample.pk)
        _ensure_waiting(contribution)
        if sample.digest != contribution.digest:
            said = _("%(pr)s has changed since the sample was drawn; begin again")
            raise Stale(said % {"pr": contribution})
        if sample.state != Sample.State.OPEN or place != sample.judged:
            return queries.standing_of(sample)
        RowVerdict.objects.create(
            sample=sample,
            place=place,
            position=sample.order[place],
            bad=bad,
            because=because.strip()[:300],
            by=by,
        )
        now = queries.standing_of(sample)
        sample.judged, sample.bad, sample.bound = place + 1, now.bad, now.bound
        if now.verdict != "goes on":
            sample.state, sample.closed_at = now.verdict, timezone.now()
        sample.save(update_fields=["judged", "bad", "bound", "state", "closed_at"])
        if now.verdict == "failed":
            _send_back(contribution, sample, by=by)
    return now


def seed_of(digest: str, voice: int) -> str:
    """The seed (hex) of a content's sample; nobody chooses it, only the site knows it before."""
    mac = salted_hmac(
        "openflywheel.sample", f"{digest}|{voice}", secret=settings.SECRET_KEY, algorithm="sha256"
    )
    return mac.hexdigest()


def _send_back(contribution: Contribution, sample: Sample, *, by: Account) -> None:
    planned = Plan.from_json(sample.plan)
    named = sample.verdicts.filter(bad=True)
    reasons = "; ".join(f"row {said.position + 1}: {said.because}" for said in named)
    reviews.ask_for_changes(
        contribution,
        by=by,
        digest=sample.digest,
        because=f"{sample.bad} of {sample.judged} rows of a random sample are bad, and no more "
        f"than {planned.looks[-1].bad} of {planned.most} may be: {reasons}",
    )


def _ensure_waiting(contribution: Contribution) -> None:
    if contribution.stage != Stage.IN_REVIEW:
        said = _("%(pr)s is %(stage)s and is not reviewed now")
        raise MoveRefused(said % {"pr": contribution, "stage": words(contribution.stage)})

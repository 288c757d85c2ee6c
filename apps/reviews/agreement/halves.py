"""Half voices: what trusted contributors say of PRs that can do little harm.

Their role is given by a written rule, so nobody has looked at who they are. A half voice adds to
what reviewers say and decides nothing: no verdict stands that no whole voice has given, two half
voices are the most that a content gets, and where a risk is borne they do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Case, Count, Exists, F, FloatField, OuterRef, Q, Sum, When

from apps.accounts.models import Role
from apps.contributions.models import Contribution
from apps.contributions.rules import READ_BY_ALL
from apps.reviews.agreement.models import Round, Voice
from apps.reviews.agreement.policy import RISKS, AgreementPolicy
from apps.reviews.agreement.risks import risks_of
from apps.reviews.sampling.policy import SamplingPolicy

ROLES = (Role.TRUSTED,)
MOST = 2
HALF, WHOLE = 0.5, 1.0


def is_low_risk(contribution: Contribution) -> bool:
    """Whether trusted contributors have half a voice on it.

    It bears no risk, also none for which the line's policy asks nobody; it takes no rows out, and
    is small enough to be read whole, by everybody.
    """
    line = contribution.line
    if contribution.reverts_id or contribution.consent not in READ_BY_ALL:
        return False
    if SamplingPolicy.of(line).covers(contribution):
        return False
    return not any(risks_of(contribution, AgreementPolicy.of(line)).values())


def has_room(contribution: Contribution) -> bool:
    """Whether another half voice on this content would add anything."""
    return not Contribution.objects.filter(without_room(), pk=contribution.pk).exists()


def without_room() -> Exists:
    """Of a contribution in a query: whether half voices on its content add nothing any more."""
    half = Q(heard__half=True)
    weight = Case(When(half, then=HALF), default=WHOLE, output_field=FloatField())
    held = Round.objects.filter(contribution=OuterRef("pk"), digest=OuterRef("digest"))
    counted = held.order_by().annotate(halves=Count("heard", half), weight=Sum(weight))
    borne = Q(because__overlap=list(RISKS))
    full = Q(halves__gte=MOST) | Q(weight__gte=F("voices")) | borne | Q(closed_at__isnull=False)
    return Exists(counted.filter(full))


def takes_another(held: Round, voices: Sequence[Voice]) -> bool:
    """The same of a round whose voices are at hand."""
    halves = sum(voice.half for voice in voices)
    return halves < MOST and not bears_risk(held) and weight_of(voices) < held.voices


def bears_risk(held: Round) -> bool:
    """Whether the round was opened for a risk."""
    return bool(RISKS & set(held.because))


def weight_of(voices: Sequence[Voice]) -> float:
    """What so many voices weigh together."""
    return sum(HALF if voice.half else WHOLE for voice in voices)


def split(held: Round, voices: Sequence[Voice]) -> tuple[Sequence[Voice], Sequence[Voice]]:
    """The voices that were asked for, and those that came after them; where somebody is still
    missing, all of them and none."""
    counted = [voice for voice in voices if not (voice.half and bears_risk(held))]
    for number in range(1, len(counted) + 1):
        if is_complete(held, counted[:number]):
            return counted[:number], [voice for voice in counted[number:] if not voice.half]
    return counted, []


def is_complete(held: Round, first: Sequence[Voice]) -> bool:
    """Whether these are as many voices as were asked for, a whole one among them."""
    whole = any(not voice.half for voice in first)
    return whole and weight_of(first) >= held.voices


def agreed(held: Round, first: Sequence[Voice]) -> str:
    """The verdict that carries the round by itself: "" where those who were asked differ.

    It weighs as much as was asked for and more than all others together, and a whole voice has
    given it.
    """
    by_verdict = defaultdict(list)
    for voice in first:
        by_verdict[voice.verdict].append(voice)
    verdict, said = max(by_verdict.items(), key=lambda pair: weight_of(pair[1]))
    carries = weight_of(said) >= held.agreeing and 2 * weight_of(said) > weight_of(first)
    return verdict if carries and not all(voice.half for voice in said) else ""

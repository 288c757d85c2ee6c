"""Taking from the queue: the next item is claimed for a while, and the two after it are held ahead.

A claim is one row a contribution, and whoever writes it first holds it (compare-and-set). Places
are locked before claims, everywhere, and whoever looks for work skips what another has locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import record
from apps.reviews import rules
from apps.reviews.errors import ClaimedByAnother, ReasonMissing
from apps.reviews.queue.affiliation import apart_from
from apps.reviews.queue.habits import free_at, habits_of
from apps.reviews.queue.models import Claim, Place, Skip
from apps.reviews.queue.places import pull
from apps.reviews.queue.policy import QueueRule, site_rule
from apps.reviews.queue.worth import boosts

# Among so many heads more than needed somebody finds one that nobody has locked.
SPARE = 8
TRIES = 20
# What the desk itself pulls when it finds nothing; the clock does the rest.
PULLED_BY_THE_DESK = 50

# What may be offered to this reviewer. Each line is one reason why not.
OFFERED = """
        (%(maintains)s OR NOT place.maintainers_only)
    AND place.author_id <> ALL(%(apart)s::bigint[])
    AND NOT EXISTS (SELECT FROM reviews_claim claim
        WHERE claim.contribution_id = place.contribution_id AND claim.expires_at > %(now)s
        AND NOT (claim.ahead AND %(yielding)s AND claim.reviewer_id <> %(reviewer)s))
    AND NOT EXISTS (SELECT FROM reviews_skip skip
        WHERE skip.contribution_id = place.contribution_id
        AND skip.reviewer_id = %(reviewer)s AND skip.until > %(now)s)
"""
# The heads of every heap, merged. `standing` orders a heap for ever; demand and fit move it whole.
HEADS = f"""
    SELECT head.contribution_id
    FROM unnest(%(heaps)s::bigint[], %(boosts)s::float8[]) AS heap (id, boost)
    CROSS JOIN LATERAL (
        SELECT place.contribution_id, place.standing FROM reviews_place place
        JOIN contributions_contribution it
          ON it.id = place.contribution_id AND it.stage = %(stage)s
        WHERE place.heap = heap.id AND {OFFERED}
        ORDER BY place.standing DESC, place.contribution_id LIMIT %(heads)s
    ) head
    ORDER BY head.standing + heap.boost DESC, head.contribution_id LIMIT %(heads)s
"""  # noqa: S608 (both parts are written here)
LOCKED = """
    SELECT contribution_id FROM reviews_place WHERE contribution_id = ANY(%(heads)s)
    ORDER BY array_position(%(heads)s::bigint[], contribution_id) LIMIT %(wanted)s
    FOR UPDATE SKIP LOCKED
"""
CLAIMED = """
    INSERT INTO reviews_claim (contribution_id, reviewer_id, expires_at, ahead)
    SELECT item, %(reviewer)s, %(expires)s, %(ahead)s FROM unnest(%(items)s::bigint[]) AS item
    ON CONFLICT (contribution_id) DO UPDATE
    SET reviewer_id = excluded.reviewer_id, expires_at = excluded.expires_at, ahead = excluded.ahead
    WHERE reviews_claim.expires_at <= %(now)s OR reviews_claim.reviewer_id = excluded.reviewer_id
       OR (reviews_claim.ahead AND %(yielding)s)
    RETURNING contribution_id
"""


def next_for(reviewer: Account) -> Contribution | None:
    """Claim the item worth most for a reviewer, and hold the two after it; None when none is there.

    Who holds an open item gets that one again. `habits.resting` says why a reviewer gets nothing
    although something waits.
    """
    habits = habits_of(reviewer)
    if not rules.may_decide(reviewer) or (habits and not free_at(habits, timezone.now())):
        return None
    rule, held = site_rule(), list(held_by(reviewer))
    if wanted := max(0, 1 + rule.prefetch - len(held)):
        hand = Hand(reviewer, boosts(habits, rule), apart_from(reviewer), rule)
        taken = _take(hand, wanted)
        if not held and not taken and pull(PULLED_BY_THE_DESK):
            taken = _take(hand, wanted)
        if not held and not taken:
            # Rather than send somebody away, take what another holds and has not opened.
            taken = _take(hand, 1, yielding=True)
        held = list(held_by(reviewer)) if taken else held
    return next((one.contribution for one in held if _open(one, rule)), None)


def held_by(reviewer: Account) -> QuerySet[Claim]:
    """What a reviewer holds: what they have open, then what is held ahead, in its order."""
    held = Claim.objects.filter(
        reviewer=reviewer, expires_at__gt=timezone.now(), contribution__stage=Stage.IN_REVIEW
    )
    return held.select_related(
        "contribution__author", "contribution__skill", "contribution__line"
    ).order_by("ahead", "pk")


def ahead_of(reviewer: Account) -> list[Contribution]:
    """The items held ahead, which can be rendered before they are asked for."""
    return [one.contribution for one in held_by(reviewer).filter(ahead=True)]


def claim(contribution: Contribution, *, by: Account) -> Claim:
    """Hold an item that somebody has open, or go on holding it (a page renews while it is open)."""
    rules.ensure_may_decide(by, contribution)
    rule = QueueRule.of(contribution.line)
    with transaction.atomic():
        list(Place.objects.select_for_update().filter(pk=contribution.pk))
        _write(by, [contribution.pk], rule, ahead=False, yielding=True)
        held = Claim.objects.select_related("reviewer").get(contribution=contribution)
    if held.reviewer_id != by.pk:
        raise ClaimedByAnother(
            f"{held.reviewer} holds {contribution} until {held.expires_at:%H:%M}"
        )
    return held


def give_back(contribution: Contribution, *, by: Account) -> bool:
    """Let go of an item without a word; whether it was held."""
    return bool(Claim.objects.filter(contribution=contribution, reviewer=by).delete()[0])


def skip(contribution: Contribution, *, by: Account, why: str, because: str = "") -> Skip:
    """Pass an item on, with a reason; it is not offered to this reviewer again for a while.

    What several pass on is flagged, on record: a maintainer should look why.
    """
    rules.ensure_may_decide(by, contribution)
    if why not in Skip.Why.values:
        raise ReasonMissing(f"say why you skip it: one of {', '.join(Skip.Why.values)}")
    rule, now = QueueRule.of(contribution.line), timezone.now()
    with transaction.atomic():
        place = Place.objects.select_for_update().filter(pk=contribution.pk).first()
        until = now + timedelta(hours=rule.skip_hours)
        told = {"why": why, "because": because, "skipped_at": now, "until": until}
        skipped, _made = Skip.objects.update_or_create(
            contribution=contribution, reviewer=by, defaults=told
        )
        give_back(contribution, by=by)
        if place is not None and not place.flagged:
            _flag(place, contribution, rule)
    return skipped


@dataclass(frozen=True)
class Hand:
    """Who takes from the queue: with which weights of the heaps, kept apart from whom."""

    reviewer: Account
    boosts: dict[int, float]
    apart: list[int]
    rule: QueueRule


def _take(hand: Hand, wanted: int, *, yielding: bool = False) -> list[int]:
    """Hold so many of the items worth most ahead; fewer where fewer are there."""
    taken: list[int] = []
    for _try in range(TRIES):
        missing = wanted - len(taken)
        heads = _heads(hand, missing + SPARE, yielding) if missing else []
        if not heads:
            break
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LOCKED, {"heads": heads, "wanted": missing})
            locked = {number for (number,) in cursor.fetchall()}
            items = [number for number in heads if number in locked]
            taken += _write(hand.reviewer, items, hand.rule, ahead=True, yielding=yielding)
    return taken


def _heads(hand: Hand, heads: int, yielding: bool) -> list[int]:
    told: dict[str, Any] = {
        "heaps": list(hand.boosts),
        "boosts": list(hand.boosts.values()),
        "apart": hand.apart,
        "heads": heads,
        "yielding": yielding,
        "reviewer": hand.reviewer.pk,
        "maintains": hand.reviewer.role == Role.MAINTAINER,
        "stage": str(Stage.IN_REVIEW),
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(HEADS, told)
        return [number for (number,) in cursor.fetchall()]


def _write(
    reviewer: Account, items: Sequence[int], rule: QueueRule, *, ahead: bool, yielding: bool
) -> list[int]:
    """Write claims where nobody else's stands; returns which were written."""
    now = timezone.now()
    told: dict[str, Any] = {
        "reviewer": reviewer.pk,
        "items": list(items),
        "now": now,
        "ahead": ahead,
    }
    told |= {"expires": now + rule.claim_lasts, "yielding": yielding}
    with connection.cursor() as cursor:
        cursor.execute(CLAIMED, told)
        return [number for (number,) in cursor.fetchall()]


def _open(held: Claim, rule: QueueRule) -> bool:
    """Open an item that was held ahead, if it is still held by the same."""
    mine = Claim.objects.filter(pk=held.pk, reviewer=held.reviewer_id)
    return bool(mine.update(ahead=False, expires_at=timezone.now() + rule.claim_lasts))


def _flag(place: Place, contribution: Contribution, rule: QueueRule) -> None:
    skips = Skip.objects.filter(contribution=contribution)
    if skips.count() < rule.skips_to_flag:
        return
    Place.objects.filter(pk=place.pk).update(flagged=True)
    reasons = sorted(set(skips.values_list("why", flat=True)))
    because = f"{skips.count()} reviewers skipped it"
    record(contribution, "flagged", by="reviews", because=because, details={"why": reasons})

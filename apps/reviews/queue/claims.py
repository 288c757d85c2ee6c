"""Taking from the queue: the next item is claimed for a while, and the two after it are held ahead.

A claim is one row a contribution, and whoever writes it first holds it (compare-and-set). Places
are locked before claims, everywhere, and whoever looks for work skips what another has locked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.accounts.statements import Hole, Statement
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import record
from apps.reviews import rules
from apps.reviews.agreement import halves
from apps.reviews.agreement.actions import gold_for
from apps.reviews.agreement.policy import RISKS
from apps.reviews.errors import ClaimedByAnother, ReasonMissing
from apps.reviews.queue.affiliation import apart_from
from apps.reviews.queue.habits import free_at, habits_of
from apps.reviews.queue.models import Claim, Habits, Place, Skip
from apps.reviews.queue.places import pull
from apps.reviews.queue.policy import QueueRule, site_rule
from apps.reviews.queue.worth import boosts

# So many heads are looked at, and where others have locked all of them, so many more: among them
# somebody finds one that is free. (Each number is a statement of its own, with a plan of its own.)
LOOKS = (4, 16, 64, 256)
# Where a claim stands already: it is taken over once it has run out, by its own holder, and from
# who only holds it ahead if that is asked for.
FREE = """
    ON CONFLICT (contribution_id) DO UPDATE
    SET reviewer_id = excluded.reviewer_id, expires_at = excluded.expires_at,
        ahead = excluded.ahead, opened_at = CASE
            WHEN reviews_claim.reviewer_id = excluded.reviewer_id AND NOT reviews_claim.ahead
            THEN reviews_claim.opened_at ELSE now() END
    WHERE reviews_claim.expires_at <= %(now)s OR reviews_claim.reviewer_id = excluded.reviewer_id
       OR (reviews_claim.ahead AND %(yielding)s)
    RETURNING id
"""
TRIES = 20
# The lock of those who take; any constant does.
TAKING = 0x0F1A
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
    AND NOT EXISTS (SELECT FROM reviews_pending given
        WHERE given.contribution_id = place.contribution_id AND given.lapsed = '')
    AND NOT EXISTS (SELECT FROM reviews_escalation handed
        WHERE handed.contribution_id = place.contribution_id
        AND (NOT %(maintains)s OR handed.by_id = %(reviewer)s))
    AND NOT EXISTS (SELECT FROM reviews_appeal appeal
        JOIN reviews_decision rejection ON rejection.id = appeal.decision_id
        WHERE appeal.contribution_id = place.contribution_id
        AND appeal.outcome = 'overturned' AND rejection.reviewer_id = %(reviewer)s)
    AND NOT EXISTS (SELECT FROM reviews_gold gold
        WHERE gold.contribution_id = place.contribution_id)
    AND NOT EXISTS (SELECT FROM reviews_round held
        JOIN reviews_voice voice ON voice.round_id = held.id
        WHERE held.contribution_id = place.contribution_id AND held.digest = it.digest
        AND voice.reviewer_id = %(reviewer)s)
"""
# Trusted contributors are offered what bears little risk, where their half a voice adds something
# (`agreement.halves`).
OFFERED_HALF = f"""
    AND place.low_risk
    AND NOT EXISTS (SELECT FROM reviews_round held
        WHERE held.contribution_id = place.contribution_id AND held.digest = it.digest
        AND (held.closed_at IS NOT NULL
          OR held.because && ARRAY[{", ".join(f"'{risk}'" for risk in sorted(RISKS))}]::varchar[]
          OR (SELECT count(*) FILTER (WHERE half) >= {halves.MOST}
                OR sum(CASE WHEN half THEN {halves.HALF} ELSE {halves.WHOLE} END) >= held.voices
              FROM reviews_voice WHERE round_id = held.id)))
"""  # noqa: S608 (all parts are written here)
# The heads of every heap, merged: `standing` orders a heap for ever, demand and fit move it whole.
# What another has locked is skipped, so that nobody waits and no two write the same claims; what
# was claimed since this began is found by the claim itself, which gives nothing back. (Stage and
# limits are written out: a plan that is made once has to know that few are wanted.)
TAKEN = f"""
    WITH heads AS (
        SELECT head.contribution_id, head.standing + heap.boost AS value
        FROM unnest(%(heaps)s::bigint[], %(boosts)s::float8[]) AS heap (id, boost)
        CROSS JOIN LATERAL (
            SELECT place.contribution_id, place.standing FROM reviews_place place
            JOIN contributions_contribution it
              ON it.id = place.contribution_id AND it.stage = '{Stage.IN_REVIEW}'
            WHERE place.heap = heap.id AND {OFFERED} {{also}}
            ORDER BY place.standing DESC, place.contribution_id LIMIT {{most}}
        ) head
        ORDER BY value DESC, head.contribution_id LIMIT {{most}}
    ), locked AS (
        SELECT place.contribution_id AS item, value
        FROM reviews_place place JOIN heads USING (contribution_id)
        ORDER BY value DESC, place.contribution_id LIMIT %(wanted)s
        FOR UPDATE OF place SKIP LOCKED
    ), taken AS (
        INSERT INTO reviews_claim (contribution_id, reviewer_id, expires_at, ahead)
        SELECT item, %(reviewer)s, %(expires)s, true FROM locked ORDER BY value DESC, item
        {FREE}
    )
    SELECT (SELECT count(*) FROM heads), (SELECT count(*) FROM taken)
"""  # noqa: S608 (all parts are written here)
CLAIMED = f"""
    INSERT INTO reviews_claim (contribution_id, reviewer_id, expires_at, ahead)
    VALUES (%(item)s, %(reviewer)s, %(expires)s, false)
    {FREE}
"""  # noqa: S608
# (Item by item: where many claims stand, the database may hold it cheaper to read every item once.)
HELD = f"""
    SELECT claim.id, claim.contribution_id, claim.ahead, it.digest FROM reviews_claim claim
    CROSS JOIN LATERAL (
        SELECT digest FROM contributions_contribution
        WHERE id = claim.contribution_id AND stage = '{Stage.IN_REVIEW}' LIMIT 1
    ) it
    WHERE claim.reviewer_id = %(reviewer)s AND claim.expires_at > %(now)s
    AND NOT EXISTS (SELECT FROM reviews_pending given
        WHERE given.contribution_id = claim.contribution_id AND given.lapsed = '')
    ORDER BY claim.ahead, claim.id
"""  # noqa: S608 (all parts are written here)
# The plan of `TAKEN` takes longer to make than to carry out, and its values change nothing in it.
PLANNED_ONCE = "set_config('plan_cache_mode', 'force_generic_plan', true)"
# A claim that a crash of the database loses within the second is a claim that ran out early.
UNAWAITED = "set_config('synchronous_commit', 'off', true)"
OPENED = """
    UPDATE reviews_claim SET ahead = false, expires_at = %(until)s,
        opened_at = CASE WHEN ahead THEN %(now)s ELSE opened_at END
    WHERE id = %(claim)s AND reviewer_id = %(reviewer)s
"""
SWIFT = " AND (SELECT true FROM swift)"

ITEM = Statement(
    lambda: Contribution.objects.select_related("author", "skill", "line", "place").filter(
        pk=Hole("number")
    )
)


class Held(NamedTuple):
    """A claim in short: its key, its item with the digest, and whether it is only held ahead."""

    pk: int
    number: int
    ahead: bool
    digest: str


@dataclass(frozen=True)
class Drawn:
    """What a reviewer has before them: the item, until when it is theirs, and what comes after."""

    item: Contribution
    until: datetime
    ahead: list[Held]
    habits: Habits | None


def next_for(reviewer: Account) -> Contribution | None:
    """Claim the item worth most for a reviewer, and hold the two after it; None when none is there.

    Who holds an open item gets that one again. `habits.resting` says why a reviewer gets nothing
    although something waits.
    """
    drawn = draw(reviewer)
    return drawn.item if drawn else None


def draw(reviewer: Account) -> Drawn | None:
    """What `next_for` gives, with the claim and what comes after it."""
    habits = habits_of(reviewer)
    if not rules.may_review(reviewer) or (habits and not free_at(habits, timezone.now())):
        return None
    rule, held = site_rule(), _held(reviewer)
    if all(one.ahead for one in held) and _hold_gold(reviewer):
        held = _held(reviewer)
    if len(held) <= rule.prefetch:
        hand = Hand(reviewer, boosts(habits, rule), apart_from(reviewer, rule), rule)
        _fill(hand, len(held))
        held = _held(reviewer)
    for at, one in enumerate(held):
        if not rules.may_decide(reviewer) and _left_to_reviewers(one, reviewer):
            continue
        if until := _open(one, reviewer, rule):
            ahead = [other for other in held[at + 1 :] if other.ahead][: rule.prefetch]
            return Drawn(ITEM.all(number=one.number)[0], until, ahead, habits)
    return None


def claim(contribution: Contribution, *, by: Account) -> Claim:
    """Hold an item that somebody has open, or go on holding it (a page renews while it is open)."""
    rules.ensure_may_review(by, contribution)
    told = _told(by, QueueRule.of(contribution.line), yielding=True)
    with connection.cursor() as cursor:
        cursor.execute(CLAIMED, told | {"item": contribution.pk})
        written = cursor.fetchone()
    if written is None:
        held = Claim.objects.select_related("reviewer").get(contribution=contribution)
        said = _("%(reviewer)s holds %(pr)s until %(until)s")
        until = f"{held.expires_at:%H:%M}"
        raise ClaimedByAnother(
            said % {"reviewer": held.reviewer, "pr": contribution, "until": until}
        )
    return Claim(pk=written[0], contribution=contribution, reviewer=by, expires_at=told["expires"])


def give_back(contribution: Contribution, *, by: Account) -> bool:
    """Let go of an item without a word; whether it was held."""
    return bool(Claim.objects.filter(contribution=contribution, reviewer=by).delete()[0])


def skip(contribution: Contribution, *, by: Account, why: str, because: str = "") -> Skip:
    """Pass an item on, with a reason; it is not offered to this reviewer again for a while.

    What several pass on is flagged, on record: a maintainer should look why.
    """
    rules.ensure_may_review(by, contribution)
    if why not in Skip.Why.values:
        said = _("say why you skip it: one of %(choice)s")
        raise ReasonMissing(said % {"choice": ", ".join(Skip.Why.values)})
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


def _fill(hand: Hand, held: int) -> None:
    """Take up to the next item and the two after it, and one to spare: so every second step
    takes nothing."""
    wanted = 2 + hand.rule.prefetch - held
    taken = _take(hand, wanted)
    if held or taken:
        return
    if pull(PULLED_BY_THE_DESK) and _take(hand, wanted):
        return
    # Rather than send somebody away, take what another holds and has not opened.
    _take(hand, 1, yielding=True)


def _take(hand: Hand, wanted: int, *, yielding: bool = False) -> int:
    """Hold so many of the items worth most ahead; returns how many, fewer where fewer are there."""
    told = _told(hand.reviewer, hand.rule, yielding=yielding)
    told |= {"heaps": list(hand.boosts), "boosts": list(hand.boosts.values())}
    told |= {"apart": hand.apart, "maintains": hand.reviewer.role == Role.MAINTAINER}
    also = "" if rules.may_decide(hand.reviewer) else OFFERED_HALF
    taken = 0
    for attempt in range(TRIES):
        most = max(wanted, LOOKS[min(attempt, len(LOOKS) - 1)])
        with _swiftly() as cursor:
            cursor.execute(TAKEN.format(most=most, also=also), told | {"wanted": wanted - taken})
            heads, got = cursor.fetchone()
        taken += got
        # Heads of which too few could be taken are being taken by others: look again.
        if taken == wanted or heads <= got:
            break
    return taken


def _told(reviewer: Account, rule: QueueRule, *, yielding: bool) -> dict[str, Any]:
    now = timezone.now()
    return {
        "reviewer": reviewer.pk,
        "now": now,
        "expires": now + rule.claim_lasts,
        "yielding": yielding,
    }


def _held(reviewer: Account) -> list[Held]:
    with connection.cursor() as cursor:
        cursor.execute(HELD, {"reviewer": reviewer.pk, "now": timezone.now()})
        return [Held(*row) for row in cursor.fetchall()]


def _hold_gold(reviewer: Account) -> bool:
    """Hold a gold item, where one is due; nothing tells it from any other."""
    gold = gold_for(reviewer)
    if gold is None:
        return False
    with suppress(ClaimedByAnother):
        claim(gold, by=reviewer)
        return True
    return False


def _left_to_reviewers(held: Held, reviewer: Account) -> bool:
    """Whether half a voice on an item adds nothing by now; then it is let go, and offered no more.

    Screens may have run again since the item got its place.
    """
    item = ITEM.all(number=held.number)[0]
    low_risk = halves.is_low_risk(item)
    if low_risk and halves.has_room(item):
        return False
    Place.objects.filter(pk=item.pk).update(low_risk=low_risk)
    give_back(item, by=reviewer)
    return True


def _open(held: Held, reviewer: Account, rule: QueueRule) -> datetime | None:
    """Open an item, if it is still held by the same; returns until when it is theirs."""
    now = timezone.now()
    until = now + rule.claim_lasts
    told: dict[str, Any] = {"claim": held.pk, "reviewer": reviewer.pk, "now": now, "until": until}
    with connection.cursor() as cursor:
        # (Set by the statement itself, which alone is then the transaction.)
        swiftly = "" if connection.in_atomic_block else f"WITH swift AS (SELECT {UNAWAITED})"
        cursor.execute(f"{swiftly} {OPENED}{swiftly and SWIFT}", told)
        return until if cursor.rowcount else None


@contextmanager
def _swiftly() -> Iterator[CursorWrapper]:
    """A transaction for `TAKEN` alone: one takes after the other, each for a moment.

    All want the same heads, and who looks while others take finds most of them gone. Inside a
    caller's transaction nobody is made to wait, and what that has written must be on the disk when
    it ends.
    """
    alone = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        turn = f"pg_advisory_xact_lock({TAKING}), {UNAWAITED}, " if alone else ""
        cursor.execute(f"SELECT {turn}{PLANNED_ONCE}")
        yield cursor


def _flag(place: Place, contribution: Contribution, rule: QueueRule) -> None:
    skips = Skip.objects.filter(contribution=contribution)
    if skips.count() < rule.skips_to_flag:
        return
    Place.objects.filter(pk=place.pk).update(flagged=True)
    reasons = sorted(set(skips.values_list("why", flat=True)))
    because = f"{skips.count()} reviewers skipped it"
    record(contribution, "flagged", by="reviews", because=because, details={"why": reasons})

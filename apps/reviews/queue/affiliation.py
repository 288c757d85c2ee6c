"""Who is kept apart from whose work: their own, their organisation's, their cluster's.

A cluster is what evidence ties together: accounts that signed in from one address within days, or
that sent the same rows. Ties only ever keep people apart, so a wrong one costs a detour.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import networks
from apps.accounts.models import Account, Role
from apps.checks.queries import rows_seen_before
from apps.contributions.models import Contribution
from apps.history.actions import record
from apps.reviews.errors import Affiliated, NotAReviewer, OwnWork, ReasonMissing
from apps.reviews.queue.models import Tie
from apps.reviews.queue.policy import QueueRule

DISMISS = (Role.MAINTAINER, Role.ADMIN)
# Everybody whose work is kept from `me`: tied by evidence that nobody dismissed (over a few steps,
# further than that nobody can follow it), and of one organisation now or lately.
APART = """
    WITH RECURSIVE tied (account, steps) AS (
        SELECT %(me)s::bigint, 0
        UNION
        SELECT CASE WHEN tie.one_id = tied.account THEN tie.other_id ELSE tie.one_id END, steps + 1
        FROM tied JOIN reviews_tie tie ON tied.account IN (tie.one_id, tie.other_id)
        WHERE tie.dismissed_by_id IS NULL AND steps < 3
    ), houses AS (
        SELECT account_id, organisation FROM accounts_affiliation
        WHERE ended_at IS NULL OR ended_at > %(lately)s
    ), near (account, organisation) AS (
        SELECT account, NULL FROM tied WHERE account <> %(me)s
        UNION ALL
        SELECT theirs.account_id, theirs.organisation FROM houses mine
        JOIN houses theirs USING (organisation)
        WHERE mine.account_id = %(me)s AND theirs.account_id <> %(me)s
    )
"""
APART_ALL = f"""{APART}
    SELECT id FROM accounts_account
    WHERE id = %(me)s OR owner_id = %(me)s
       OR id IN (SELECT account FROM near) OR owner_id IN (SELECT account FROM near)
"""  # noqa: S608 (all parts are written here)
APART_WHY = f"{APART} SELECT organisation FROM near WHERE account = %(them)s"  # noqa: S608


def ensure_independent(reviewer: Account, contribution: Contribution) -> None:
    """`OwnWork` or `Affiliated`, which says why, unless this account is free to decide here."""
    me, them = _owner(reviewer), _owner(contribution.author)
    if me == them:
        said = _("%(reviewer)s wrote %(pr)s; somebody else decides on it")
        raise OwnWork(said % {"reviewer": reviewer, "pr": contribution})
    rule = QueueRule.of(contribution.line)
    ties = [house for (house,) in _asked(APART_WHY, rule, me=me, them=them)]
    if houses := [house for house in ties if house is not None]:
        said = _(
            "%(reviewer)s and the author of %(pr)s both belong to %(house)s; somebody else decides "
            "on it"
        )
        raise Affiliated(said % {"reviewer": reviewer, "pr": contribution, "house": houses[0]})
    if ties or _met(me, them, rule):
        said = _(
            "there is evidence that %(reviewer)s and the author of %(pr)s are one person; "
            "somebody else decides on it, or a maintainer dismisses the evidence"
        )
        raise Affiliated(said % {"reviewer": reviewer, "pr": contribution})


def is_independent(reviewer: Account, contribution: Contribution) -> bool:
    """Whether nothing keeps this account apart from the contribution's author."""
    try:
        ensure_independent(reviewer, contribution)
    except (OwnWork, Affiliated):
        return False
    return True


def apart_from(reviewer: Account, rule: QueueRule) -> list[int]:
    """The accounts whose work this reviewer is never offered, their own among them."""
    return [number for (number,) in _asked(APART_ALL, rule, me=_owner(reviewer))]


def tie_by_address(rule: QueueRule) -> int:
    """Tie accounts that signed in from one address within days; returns how many pairs stand."""
    pairs = networks.shared(days=rule.tie_days, crowd=rule.tie_crowd)
    _tie(Tie.Kind.ADDRESS, {pair: {"days_apart": round(days, 1)} for pair, days in pairs.items()})
    return len(pairs)


def tie_by_rows(contribution: Contribution, rule: QueueRule) -> None:
    """Tie the author to whoever sent the same rows before, when they are too many for chance."""
    seen = Counter(number for _position, number in rows_seen_before(contribution))
    if seen.total() < min(rule.tie_rows, max(2, contribution.row_count)):
        return
    earlier = Contribution.objects.filter(pk__in=seen).exclude(author=contribution.author)
    told = {
        _pair(contribution.author_id, one.author_id): {
            "rows": seen[one.pk],
            "contributions": [one.pk, contribution.pk],
        }
        for one in earlier
        if seen[one.pk] >= min(rule.tie_rows, contribution.row_count)
    }
    _tie(Tie.Kind.ROWS, told)


def ensure_may_see_ties(account: Account) -> None:
    """`NotAReviewer` for who may not look into the evidence."""
    if account.role not in DISMISS:
        raise NotAReviewer(_("this evidence is for maintainers and administrators"))


def dismiss(tie: Tie, *, by: Account, because: str) -> None:
    """Say that the evidence misleads: the two are two people, on record."""
    if by.role not in DISMISS or by.pk in (tie.one_id, tie.other_id):
        said = _("%(account)s cannot dismiss this evidence; another maintainer can")
        raise NotAReviewer(said % {"account": by})
    if not because.strip():
        raise ReasonMissing(_("say why the evidence misleads"))
    with transaction.atomic():
        tie.dismissed_by, tie.dismissed_because = by, because
        tie.save(update_fields=["dismissed_by", "dismissed_because"])
        details = {"kind": tie.kind, "other": str(tie.other)}
        record(tie.one, "tie dismissed", by=by, because=because, details=details)


def _owner(account: Account) -> int:
    return account.owner_id or account.pk


def _asked(sql: str, rule: QueueRule, **told: int) -> list[tuple[Any, ...]]:
    lately = timezone.now() - timedelta(days=rule.apart_days)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"lately": lately, **told})
        return cursor.fetchall()


def _met(me: int, them: int, rule: QueueRule) -> bool:
    """Whether the two came from one address, also since the clock last looked; not if dismissed."""
    one, other = _pair(me, them)
    if not networks.met(one, other, days=rule.tie_days, crowd=rule.tie_crowd):
        return False
    known = Tie.objects.filter(one=one, other=other, kind=Tie.Kind.ADDRESS)
    return not known.exclude(dismissed_by=None).exists()


def _tie(kind: Tie.Kind, told: dict[tuple[int, int], dict[str, object]]) -> None:
    Tie.objects.bulk_create(
        [
            Tie(one_id=one, other_id=other, kind=kind, evidence=evidence)
            for (one, other), evidence in sorted(told.items())
        ],
        ignore_conflicts=True,
    )


def _pair(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)

"""How often somebody may ask the served model from a page."""

from __future__ import annotations

from django.core.cache import cache
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.rollouts.errors import AllowanceSpent

A_DAY = 24 * 3600
AN_HOUR = 3600
STRANGERS_ASK, MEMBERS_ASK = 20, 500
# A stranger can throw their key away and be another; together they may ask no more than this.
ALL_STRANGERS_ASK = 2000


def spend(asker: str, account: Account | None, answers: int = 1) -> int:
    """Count `answers` against the asker's day and return how many are left.

    Raises `AllowanceSpent` where there are fewer left than that.
    """
    most = MEMBERS_ASK if account else STRANGERS_ASK
    spent = _count(f"asked:{asker}", answers, A_DAY)
    if spent > most:
        raise AllowanceSpent(
            _("That was the last of your %(most)s questions for today; come back tomorrow")
            % {"most": most}
            if account
            else _("A visitor may ask %(most)s questions a day; sign in to ask more")
            % {"most": most}
        )
    if account is None and _count("asked:strangers", answers, AN_HOUR) > ALL_STRANGERS_ASK:
        raise AllowanceSpent(
            _("So many visitors are asking that there is no room; sign in, or come back in an hour")
        )
    return most - spent


def _count(name: str, by: int, seconds: int) -> int:
    cache.add(name, 0, seconds)
    try:
        return int(cache.incr(name, by))
    except ValueError:
        # It ran out between the two calls.
        cache.set(name, by, seconds)
        return by

"""What a reviewer knows, how much they take on a day, and when they rest."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import Account
from apps.accounts.statements import Hole, Statement
from apps.reviews.agreement.models import Voice
from apps.reviews.errors import HabitRefused
from apps.reviews.models import Decision
from apps.reviews.queue.models import Habits
from apps.skills.models import Skill

MOST_A_DAY = 1000
HABITS = Statement(lambda: Habits.objects.filter(account=Hole("account")))


@cache
def time_zones() -> tuple[str, ...]:
    """The time zones that can be picked, by name."""
    return tuple(sorted(available_timezones()))


def habits_of(account: Account) -> Habits | None:
    """The habits that a reviewer has told; None for who takes whatever comes."""
    if told := HABITS.first(account=account.pk):
        prefetch_related_objects([told], "skills")
    return told


def set_habits(
    account: Account,
    *,
    skills: Collection[Skill],
    cap: int | None,
    quiet_from: time | None,
    quiet_until: time | None,
    time_zone: str,
) -> Habits:
    """Keep a reviewer's habits; they bind what the queue offers, never what a person opens."""
    if time_zone not in time_zones():
        said = _("the time zone “%(name)s” is not known; write one like Europe/Paris")
        raise HabitRefused(said % {"name": time_zone})
    if cap is not None and not 1 <= cap <= MOST_A_DAY:
        said = _("the cap is not 1 to %(most)d; leave it empty for none")
        raise HabitRefused(said % {"most": MOST_A_DAY})
    if (quiet_from is None) != (quiet_until is None):
        raise HabitRefused(_("quiet hours have a beginning and an end; give both, or neither"))
    if quiet_from is not None and quiet_from == quiet_until:
        raise HabitRefused(_("quiet hours that end as they begin never end; leave both empty"))
    with transaction.atomic():
        habits, _made = Habits.objects.update_or_create(
            account=account,
            defaults={
                "cap": cap,
                "quiet_from": quiet_from,
                "quiet_until": quiet_until,
                "time_zone": time_zone,
            },
        )
        habits.skills.set(skills)
    return habits


def resting(account: Account, at: datetime | None = None) -> str:
    """Why the queue offers this reviewer nothing now, as a sentence; "" when it does."""
    habits = habits_of(account)
    return _resting(habits, at or timezone.now()) if habits else ""


def decided_today(habits: Habits, at: datetime) -> int:
    """On how many PRs they gave a verdict since midnight by their own clock.

    One that waits for other voices counts like one in effect; of gold items nobody could tell else.
    """
    here = at.astimezone(ZoneInfo(habits.time_zone))
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    taken = Decision.objects.filter(reviewer=habits.account_id, created_at__gte=midnight)
    voices = Voice.objects.filter(reviewer=habits.account_id, at__gte=midnight)
    decided_on = taken.order_by().values_list("contribution")
    return decided_on.union(voices.order_by().values_list("round__contribution")).count()


def is_quiet(habits: Habits, at: datetime) -> bool:
    """Whether it is one of their quiet hours, which may reach over midnight."""
    if habits.quiet_from is None or habits.quiet_until is None:
        return False
    now = at.astimezone(ZoneInfo(habits.time_zone)).time()
    if habits.quiet_from < habits.quiet_until:
        return habits.quiet_from <= now < habits.quiet_until
    return now >= habits.quiet_from or now < habits.quiet_until


def _resting(habits: Habits, at: datetime) -> str:
    if is_quiet(habits, at):
        return _("It is one of your quiet hours, until %(until)s (%(zone)s).") % {
            "until": f"{habits.quiet_until:%H:%M}",
            "zone": habits.time_zone,
        }
    if habits.cap is not None and decided_today(habits, at) >= habits.cap:
        said = ngettext(
            "You have taken your %d decision of today; more is offered tomorrow.",
            "You have taken your %d decisions of today; more is offered tomorrow.",
            habits.cap,
        )
        return said % habits.cap
    return ""


def free_at(habits: Habits | None, at: datetime) -> bool:
    """Whether the queue may ask something of them."""
    return habits is None or not _resting(habits, at)

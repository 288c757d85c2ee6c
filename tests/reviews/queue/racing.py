"""Many hands at once, each on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution, Revision
from apps.contributions.stages import Stage
from apps.reviews.models import Claim
from apps.skills.models import ModelLine
from tests.people import somebody


def together(*hands: Callable[[], Any]) -> list[Any]:
    """Let all begin at the same moment; what each returned or raised, in their order."""
    start, ends = threading.Barrier(len(hands)), [None] * len(hands)

    def run(number: int, hand: Callable[[], Any]) -> None:
        try:
            start.wait()
            ends[number] = hand()
        except Exception as error:
            ends[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def many(line: ModelLine, count: int, authors: Sequence[Account]) -> list[Contribution]:
    """So many contributions in review, without rows."""
    skill = line.skills.first()
    made = Contribution.objects.bulk_create(
        Contribution(
            line=line,
            skill=skill,
            author=authors[number % len(authors)],
            kind="dataset",
            title="Some rows",
            stage=Stage.IN_REVIEW,
            licence="CC0-1.0",
            consent="train",
            signed_off=True,
            digest=f"{number:064}",
        )
        for number in range(count)
    )
    Revision.objects.bulk_create(
        Revision(contribution=one, number=1, digest=one.digest) for one in made
    )
    return made


def reviewers(count: int) -> list[Account]:
    """So many reviewers."""
    return [somebody(Role.REVIEWER) for _ in range(count)]


def fresh(items: Iterable[Contribution]) -> list[Contribution]:
    """The same as they stand now, each hand's own copies."""
    return list(Contribution.objects.filter(pk__in=[item.pk for item in items]).order_by("pk"))


def ahead_of(reviewer: Account) -> list[Contribution]:
    """The items that are held ahead for a reviewer, in their order."""
    held = Claim.objects.filter(reviewer=reviewer, ahead=True, expires_at__gt=timezone.now())
    return [one.contribution for one in held.select_related("contribution").order_by("pk")]

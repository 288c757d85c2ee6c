"""Asking how the two desks stand to each other."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from apps.reviews.argilla.models import Answer, Board, Brought, Person, Slip

# What was answered and has no effect.
UNCOUNTED = (Answer.State.REFUSED, Answer.State.RETURNED, Answer.State.UNKNOWN)


def boards() -> QuerySet[Board]:
    """Every board, with how many of its rows wait, stand open, close, and were refused."""
    counted = {
        state: Count("slips", filter=Q(slips__state=state))
        for state in (Slip.State.WAITING, Slip.State.OPEN, Slip.State.CLOSING, Slip.State.REFUSED)
    }
    found = Board.objects.select_related("line", "skill")
    return found.annotate(**{f"{state}_rows": count for state, count in counted.items()})


def refused_answers() -> QuerySet[Answer]:
    """What came back from Argilla and the rules did not count, newest first."""
    kept = Answer.objects.filter(state__in=UNCOUNTED)
    return kept.select_related("person__account", "slip__contribution", "slip__row").order_by("-pk")


def refused_rows() -> QuerySet[Slip]:
    """Rows that Argilla did not take, newest first; they are decided at this desk."""
    slips = Slip.objects.filter(state=Slip.State.REFUSED).select_related("contribution", "row")
    return slips.order_by("-pk")


def unknown_people() -> QuerySet[Person]:
    """Users of Argilla who have answered and are mapped to nobody."""
    return Person.objects.filter(account=None).order_by("name")


def brought_undecided() -> QuerySet[Brought]:
    """Brought PRs whose review has not taken effect, with what the rules said to it."""
    brought = Brought.objects.filter(Q(done_at=None) | ~Q(refused=""))
    return brought.select_related("contribution", "reviewer").order_by("-pk")

"""Keeping the two desks in step: what enters the queue goes out, what leaves it is closed there."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.history.actions import record, send
from apps.history.appointments import OPERATOR
from apps.reviews.argilla import returning
from apps.reviews.argilla.calling import connected
from apps.reviews.argilla.counting import COUNT
from apps.reviews.argilla.errors import UnknownPerson
from apps.reviews.argilla.models import Answer, Board, Person, Slip
from apps.reviews.argilla.policy import CONSENTS, ArgillaPolicy
from apps.reviews.desk.barring import awaiting

PUSH = "apps.reviews.argilla.tasks.push_board"
SWEEP = "apps.reviews.argilla.tasks.sweep_board"
# A push or sweep that says nothing for this long has died, and is set off anew.
TURN_LASTS = timedelta(seconds=75)
MOST_A_RING = 500
STANDING = (Slip.State.WAITING, Slip.State.OPEN, Slip.State.REFUSED)


def lay_out() -> int:
    """Make slips of what entered the queue since; how many PRs that were."""
    made = 0
    for contribution in _new_in_queue()[:MOST_A_RING]:
        policy = ArgillaPolicy.of(contribution.line)
        if policy.shown and contribution.row_count <= policy.most_rows:
            made += _lay_out(contribution)
    return made


def close_decided() -> int:
    """Mark what has left the queue, by whichever desk; how many slips that were."""
    current = Q(contribution__stage=Stage.IN_REVIEW, revision=F("contribution__revision"))
    left = Slip.objects.filter(state__in=STANDING).exclude(current).values("pk")
    standing = Slip.objects.filter(pk__in=left)
    closed = standing.filter(state=Slip.State.OPEN).update(state=Slip.State.CLOSING)
    # (One that came to stand open just now is left for the next ring: it is there.)
    closed += standing.exclude(state=Slip.State.OPEN).update(state=Slip.State.CLOSED)
    return closed


def set_off() -> int:
    """Send every board whose turn it is on its way; how many letters were written."""
    now = timezone.now()
    busy = Slip.objects.filter(
        board=OuterRef("pk"), state__in=[Slip.State.WAITING, Slip.State.CLOSING]
    )
    refused = returning.refused().filter(slip__board=OuterRef("pk"))
    due = Board.objects.filter(Exists(busy) | Exists(refused), next_try_at__lte=now)
    letters = 0
    for board in due:
        taken = Board.objects.filter(pk=board.pk, next_try_at=board.next_try_at)
        if taken.update(next_try_at=now + TURN_LASTS):
            letters += bool(send(PUSH, board.pk, once=f"push {board.pk} {now.isoformat()}"))
    open_ones = Slip.objects.filter(board=OuterRef("pk"), state=Slip.State.OPEN)
    asking = Board.objects.filter(next_sweep_at__lte=now, next_try_at__lte=now)
    for board in asking.filter(Exists(open_ones)):
        taken = Board.objects.filter(pk=board.pk, next_sweep_at=board.next_sweep_at)
        if taken.update(next_sweep_at=now + TURN_LASTS):
            letters += bool(send(SWEEP, board.pk, once=f"sweep {board.pk} {now.isoformat()}"))
    return letters


def map_person(name: str, account: Account) -> Person:
    """Say that a user of Argilla is this account; what they answered before is counted now."""
    person = Person.objects.filter(name=name).first() or _fetched(name)
    with transaction.atomic():
        Person.objects.filter(pk=person.pk).update(account=account)
        details = {"argilla_user": str(person.user), "name": person.name}
        record(account, "argilla user mapped", by=OPERATOR, details=details)
        count_again(person)
    person.account = account
    return person


def count_again(person: Person) -> None:
    """Put everything this person has said and nobody counted before the rules again."""
    unknown = Answer.objects.filter(person=person, state=Answer.State.UNKNOWN)
    numbers = set(unknown.values_list("slip__contribution", flat=True))
    now = timezone.now().isoformat()
    unknown.update(state=Answer.State.WAITING)
    for number in numbers:
        send(COUNT, number, person.pk, once=f"argilla person {person.pk}, PR {number}, {now}")


def _fetched(name: str) -> Person:
    """A user that has not answered anything yet, as Argilla knows them."""
    with connected() as client:
        user = client.users(username=name)
    if user is None:
        raise UnknownPerson(f"Argilla has no user “{name}”; check the name's spelling")
    person, _ = Person.objects.get_or_create(user=UUID(str(user.id)), defaults={"name": name})
    return person


def _new_in_queue() -> QuerySet[Contribution]:
    slips = Slip.objects.filter(contribution=OuterRef("pk"), revision=OuterRef("revision"))
    queue = Contribution.objects.filter(stage=Stage.IN_REVIEW, reverts=None)
    shown = queue.filter(consent__in=CONSENTS).exclude(Exists(slips))
    # A verdict that waits may close it in a moment.
    given = awaiting().filter(contribution=OuterRef("pk"))
    shown = shown.exclude(Exists(given))
    return shown.select_related("line", "skill").order_by("pk")


def _lay_out(contribution: Contribution) -> int:
    board, _ = Board.objects.get_or_create(line=contribution.line, skill=contribution.skill)
    slips = [
        Slip(
            board=board,
            contribution=contribution,
            revision=contribution.revision,
            digest=contribution.digest,
            row=row,
        )
        for row in rows_of(contribution)
    ]
    # Of two rings at once, the second writes nothing.
    return len(Slip.objects.bulk_create(slips, ignore_conflicts=True)) and 1

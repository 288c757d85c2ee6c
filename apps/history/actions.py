"""The one door for stage moves, the pen of the record, and the outbox."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.accounts.statements import Statement
from apps.history import queries
from apps.history.errors import MoveRefused
from apps.history.models import Event, Letter

logger = logging.getLogger(__name__)

Actor = Account | str

# Any constant does; it names the lock under which the chain grows by one line at a time.
CHAIN_LOCK = 0x0F17
LAST = Statement(lambda: Event.objects.order_by("-pk").values_list("digest", flat=True)[:1])
RESEND_AFTER = timedelta(seconds=30)
LETTERS_A_SWEEP = 500


def move(
    subject: Any,
    entered: str,
    *,
    by: Actor,
    because: str = "",
    also: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    along: Callable[[], None] | None = None,
) -> Event:
    """Move `subject` to the stage `entered` and write the event, in one transaction.

    The row moves only if it still stands where `subject` believes (compare-and-set), and the
    fields in `also` change with it only if they still hold what `subject` holds. What `along` does
    is done between the two: the chain grows by one line at a time, so that everybody waits for
    whatever follows a line in its transaction. Raises `MoveRefused` when the table has no such
    move, or when somebody else was quicker.
    """
    left = subject.stage
    if not subject.STAGES.allows(left, entered):
        said = _("%(thing)s is %(left)s and cannot become %(entered)s")
        names = {"thing": subject, "left": words(left), "entered": words(entered)}
        raise MoveRefused(said % names)
    changes = dict(also or {})
    believed = {name: getattr(subject, name) for name in changes}
    rows = type(subject).objects.filter(pk=subject.pk, stage=left, **believed)
    # (Without a savepoint: where no row moved nothing was written that a caller must undo.)
    with transaction.atomic(savepoint=False):
        if moved := rows.update(stage=entered, **changes):
            if along:
                along()
            told: dict[str, Any] = {"left": left, "entered": entered, "details": details}
            event = record(subject, "moved", by=by, because=because, **told)
    if not moved:
        said = _("%(thing)s has already left %(left)s")
        raise MoveRefused(said % {"thing": subject, "left": words(left)})
    subject.stage = entered
    for name, value in changes.items():
        setattr(subject, name, value)
    return event


def record(
    subject: models.Model,
    verb: str,
    *,
    by: Actor,
    because: str = "",
    left: str = "",
    entered: str = "",
    details: Mapping[str, Any] | None = None,
) -> Event:
    """Write one line of the record; it becomes visible with the caller's transaction."""
    # (Without a savepoint of its own: what fails in here fails the caller's transaction as well.)
    with transaction.atomic(savepoint=False):
        _hold_the_pen()
        last = LAST.first()
        event = Event(
            subject_kind=queries.kind_of(subject),
            subject_id=subject.pk,
            verb=verb,
            left=left,
            entered=entered,
            actor=str(by),
            account=by if isinstance(by, Account) else None,
            because=because,
            details=dict(details or {}),
            at=timezone.now(),
            previous=last or queries.GENESIS,
        )
        event.digest = queries.digest_of(event)
        event.save()
    return event


def send(task: str, *arguments: Any, once: str, queue: str = "default") -> Letter | None:
    """Put a Celery message in the outbox; it leaves when the caller's transaction commits.

    `once` names the work: a second letter with the same name is not written, and None comes
    back. A letter that got lost on the way is sent again by `sweep`.
    """
    letter, written = Letter.objects.get_or_create(
        once=once, defaults={"task": task, "arguments": list(arguments), "queue": queue}
    )
    if not written:
        return None
    transaction.on_commit(lambda: _post([letter]), robust=True)
    return letter


def sweep(older_than: timedelta = RESEND_AFTER) -> int:
    """Send again what was never sent or never done; returns how many letters left."""
    with transaction.atomic():
        letters = list(
            queries.undelivered(older_than).select_for_update(skip_locked=True)[:LETTERS_A_SWEEP]
        )
        _post(letters)
    return len(letters)


def begun(letter_id: int) -> None:
    """Note that a worker has taken a letter's task up."""
    Letter.objects.filter(pk=letter_id).update(begun_at=timezone.now())


def delivered(letter_id: int) -> None:
    """Tick off a letter whose task has run to its end."""
    Letter.objects.filter(pk=letter_id, done_at=None).update(done_at=timezone.now())


def words(stage: str) -> str:
    """A stage as a person says it."""
    return stage.replace("_", " ")


def _post(letters: Sequence[Letter]) -> None:
    """Hand letters to the broker; one that cannot leave now is found by the next sweep."""
    for letter in letters:
        try:
            current_app.send_task(
                letter.task,
                args=letter.arguments,
                queue=letter.queue,
                headers={"letter": letter.pk},
            )
        except Exception:
            logger.warning("%s could not be sent and waits for the sweeper", letter, exc_info=True)
            continue
        Letter.objects.filter(pk=letter.pk).update(
            sent_at=timezone.now(), sendings=models.F("sendings") + 1
        )


def _hold_the_pen() -> None:
    """Wait until this transaction alone may append to the chain."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])

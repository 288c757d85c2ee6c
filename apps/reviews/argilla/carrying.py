"""Records carried to one dataset of Argilla, in batches that it takes.

One bad row makes Argilla refuse its whole batch, so a refused batch is halved until the bad row
stands alone; it is set aside with what Argilla said, and all others go through. A record has the
same name at every sending, so that whatever is sent twice is there once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, Q

from apps.checks.models import Finding
from apps.checks.queries import findings_on
from apps.contributions.stages import Stage
from apps.reviews.argilla import form
from apps.reviews.argilla.calling import rows_may_fail
from apps.reviews.argilla.errors import BatchRefused
from apps.reviews.argilla.models import Answer, Slip

if TYPE_CHECKING:
    import argilla

DELETED_AT_ONCE = 100
# States of answers that Argilla counts too; the others are drafts there, discarded or gone.
SUBMITTED_NOW = (
    *(Answer.State.WAITING, Answer.State.COUNTED),
    *(Answer.State.REFUSED, Answer.State.UNKNOWN),
)
# A record whose PR went on to another revision.
REVISED = "revised"


@dataclass(frozen=True)
class Carrier:
    """A connected client and the dataset it carries to."""

    client: argilla.Argilla
    dataset: UUID

    def send(self, slips: Sequence[Slip]) -> int:
        """Have these rows stand open in Argilla; how many do."""
        sent = 0
        for some, ids in self._upserted(list(slips), self._questions()):
            for slip, record in zip(some, ids, strict=True):
                slip.record, slip.said = record, ""
            Slip.objects.bulk_update(some, ["record", "said"])
            there = Slip.objects.filter(pk__in=[slip.pk for slip in some])
            there.filter(state=Slip.State.WAITING).update(state=Slip.State.OPEN)
            # Decided while they were on the way: they are there now, so they have to be closed.
            there.filter(state=Slip.State.CLOSED).update(state=Slip.State.CLOSING)
            sent += len(some)
        return sent

    def close(self, slips: Sequence[Slip], *, responses: int) -> int:
        """Take decided rows out of everybody's queue in Argilla.

        A record that has its `responses` is completed: it stays, for those who answered it, and
        says what was decided. Any other is taken out.
        """
        submitted = Count("answers__person", Q(answers__state__in=SUBMITTED_NOW), distinct=True)
        counted = Slip.objects.filter(pk__in=[slip.pk for slip in slips]).annotate(n=submitted)
        done = set(counted.filter(n__gte=responses).values_list("pk", flat=True))
        kept = [slip for slip in slips if slip.pk in done and slip.record]
        taken_out = [slip.record for slip in slips if slip.pk not in done and slip.record]
        for some, ids in self._upserted(kept, {}):
            # One that somebody deleted over there has come back by this, under another id.
            taken_out += [new for slip, new in zip(some, ids, strict=True) if new != slip.record]
        self._take_out(taken_out)
        Slip.objects.filter(pk__in=[slip.pk for slip in slips]).update(state=Slip.State.CLOSED)
        return len(slips)

    def _take_out(self, records: Sequence[UUID]) -> None:
        from argilla._models import RecordModel

        for start in range(0, len(records), DELETED_AT_ONCE):
            some = records[start : start + DELETED_AT_ONCE]
            self.client.api.records.delete_many(
                self.dataset, [RecordModel(id=record) for record in some]
            )

    def _upserted(
        self, slips: list[Slip], questions: dict[str, UUID]
    ) -> Iterator[tuple[list[Slip], list[UUID]]]:
        """Each batch that Argilla took, with the ids its records have there."""
        from argilla._models import RecordModel

        if not slips:
            return
        records = [RecordModel(**record) for record in _records(slips, questions)]
        try:
            with rows_may_fail():
                models, _ = self.client.api.records.bulk_upsert(self.dataset, records)
        except BatchRefused as refused:
            if len(slips) == 1:
                _set_aside(slips[0], str(refused))
                return
            half = len(slips) // 2
            yield from self._upserted(slips[:half], questions)
            yield from self._upserted(slips[half:], questions)
            return
        # They come back in the order in which they were sent.
        yield slips, [UUID(str(model.id)) for model in models]

    def _questions(self) -> dict[str, UUID]:
        questions = self.client.api.questions.list(self.dataset)
        return {question.name: UUID(str(question.id)) for question in questions}


def _set_aside(slip: Slip, said: str) -> None:
    """Remember what Argilla said of a row; one that was to be closed there needs no more."""
    slips = Slip.objects.filter(pk=slip.pk)
    slips.filter(state=Slip.State.WAITING).update(state=Slip.State.REFUSED, said=said[:500])
    slips.filter(state=Slip.State.CLOSING).update(state=Slip.State.CLOSED, said=said[:500])


def _records(slips: Sequence[Slip], questions: dict[str, UUID]) -> list[dict[str, Any]]:
    """The rows as Argilla stores them; without questions, without suggestions."""
    findings = _findings(slips)
    records = []
    for slip in slips:
        found = findings[slip.pk]
        record: dict[str, Any] = {
            "external_id": slip.external_id,
            "fields": form.fields_of(slip.row, slip.contribution),
            "metadata": form.metadata_of(slip, found, state=_state(slip)),
            "suggestions": _suggestions(found, questions) if questions else [],
        }
        records.append(record)
    return records


def _suggestions(findings: Sequence[Finding], questions: dict[str, UUID]) -> list[dict[str, Any]]:
    return [
        {
            "question_id": questions[name],
            "question_name": name,
            "value": value,
            "score": score,
            "agent": form.AGENT,
        }
        for name, value, score in form.suggestions_of(findings)
    ]


def _state(slip: Slip) -> str:
    """What became of the row, as records are filtered by it."""
    if slip.state == Slip.State.WAITING:
        return form.OPEN
    revised = slip.revision != slip.contribution.revision
    return REVISED if revised else str(Stage(slip.contribution.stage))


def _findings(slips: Sequence[Slip]) -> dict[int, list[Finding]]:
    """What stands of the screens' findings on each row, by the slip's key."""
    on: defaultdict[tuple[int, int], list[Finding]] = defaultdict(list)
    for number, found in findings_on({slip.contribution for slip in slips}):
        for position in found.rows if found.dismissed_by_id is None else ():
            on[number, position].append(found)
    return {slip.pk: on[slip.contribution_id, slip.row.position] for slip in slips}

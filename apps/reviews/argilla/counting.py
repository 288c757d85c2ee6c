"""Answers from Argilla become voices here, by the rules that hold at our own desk.

An answer is stored first and counted after, so that no webhook is answered before it is kept and
none acts twice: its version (response, time) stands once, and its row is locked while it counts.
A reviewer's voice on a PR is whole when they have answered each of its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from apps.accounts import denials
from apps.accounts.models import Account
from apps.contributions.discussion import actions as discussing
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Contribution, Kind, Row
from apps.history.actions import record, send
from apps.history.errors import MoveRefused
from apps.reviews import actions, rules
from apps.reviews.agreement.voting import is_gold
from apps.reviews.argilla.models import Answer, Person, Slip
from apps.reviews.argilla.responses import (
    DELETED,
    DRAFT,
    SUBMITTED,
    Given,
    Voice,
    reason_of,
    together,
    voice_of,
)
from apps.reviews.desk import editing, pending
from apps.reviews.desk.models import Step
from apps.reviews.errors import ReviewRefused
from apps.reviews.models import Decision, Verdict

COUNT = "apps.reviews.argilla.tasks.count_voice"
REFUSALS = (ReviewRefused, MoveRefused, ContributionRefused, denials.Denied)
LONGEST_REASON = 2000
# Kept in English and said in the reader's language, as are the reasons in `bringing`.
NO_VERDICT = gettext_noop("the response has no verdict of ours; answer it once more")
UNCOUNTED = (Answer.State.WAITING, Answer.State.UNKNOWN, Answer.State.REFUSED)


def take_in(given: Iterable[Given], *, by: str) -> int:
    """Keep what is new of these responses; how many that is. `by`: webhook or sweep.

    Responses on records that are none of ours are left alone.
    """
    known = list(given)
    slips = Slip.objects.filter(record__in=[one.record for one in known]).in_bulk(
        field_name="record"
    )
    new = 0
    for one in known:
        if slip := slips.get(one.record):
            new += _keep(one, slip, by)
    return new


def _keep(one: Given, slip: Slip, by: str) -> bool:
    with transaction.atomic():
        person = _person(one)
        answer, new = Answer.objects.get_or_create(
            response=one.response,
            at=one.at,
            status=one.status,
            defaults={
                "slip": slip,
                "person": person,
                "values": one.values,
                "came_by": by,
                "state": _first_state(one, person),
            },
        )
        if new:
            _replace_older(answer)
            if answer.state == Answer.State.WAITING:
                once = f"argilla response {one.response} of {one.at.isoformat()}"
                send(COUNT, slip.contribution_id, person.pk, once=once)
    return new


def _person(one: Given) -> Person:
    person, _ = Person.objects.get_or_create(user=one.user, defaults={"name": one.user_name[:200]})
    return person


def _first_state(one: Given, person: Person) -> str:
    if one.status != SUBMITTED:
        return Answer.State.PASSED
    return Answer.State.WAITING if person.account_id else Answer.State.UNKNOWN


def _replace_older(answer: Answer) -> None:
    """Only the latest version of a response speaks; what has been counted stays on record."""
    versions = Answer.objects.filter(response=answer.response).exclude(pk=answer.pk)
    older = versions.filter(at__lte=answer.at) if answer.status != DELETED else versions
    if answer.status == DRAFT:
        # What became a draft after it was refused was handed back (`returning`), and stays said.
        older.filter(state=Answer.State.REFUSED).update(state=Answer.State.RETURNED)
    older.filter(state__in=UNCOUNTED).update(state=Answer.State.REPLACED)
    if answer.status != DRAFT:
        older.filter(state=Answer.State.RETURNED).update(state=Answer.State.REPLACED)
    later = versions.filter(at__gt=answer.at)
    deleted = versions.filter(status=DELETED, at__gte=answer.at)
    if (later | deleted).exists() and answer.state != Answer.State.PASSED:
        # Webhooks overtake one another: what came last need not be what was said last.
        answer.state = Answer.State.REPLACED
        answer.save(update_fields=["state"])


def count_voice(contribution: Contribution, person: Person) -> Decision | None:
    """Count what this person says of the PR once they have answered all of its rows.

    A refusal by the rules is kept with the answers, and told to who gave them.
    """
    with transaction.atomic():
        answers = list(standing(contribution, person).select_for_update(of=("self",)))
        if person.account is None or not any(map(_waits, answers)):
            return None
        revision = answers[-1].slip.revision
        rows = Slip.objects.filter(contribution=contribution, revision=revision).count()
        latest = {answer.slip_id: answer for answer in answers if answer.slip.revision == revision}
        if len(latest) < rows:
            return None
        return _count(contribution, person.account, list(latest.values()))


def standing(contribution: Contribution, person: Person) -> QuerySet[Answer]:
    """What this person says of the PR, by row, the latest last; refused ones may be mended."""
    answers = Answer.objects.filter(
        slip__contribution=contribution,
        person=person,
        state__in=[Answer.State.WAITING, Answer.State.REFUSED, Answer.State.COUNTED],
    )
    return answers.select_related("slip__row").order_by("slip__revision", "slip_id", "at")


def _waits(answer: Answer) -> bool:
    return answer.state == Answer.State.WAITING


def _count(
    contribution: Contribution, reviewer: Account, answers: Sequence[Answer]
) -> Decision | None:
    decision = None
    new = [answer for answer in answers if answer.state != Answer.State.COUNTED]
    try:
        with transaction.atomic():
            decision = _decide(contribution, reviewer, answers)
    except REFUSALS as refusal:
        for answer in new:
            answer.state, answer.because = Answer.State.REFUSED, str(refusal)[:500]
        _tell(contribution, reviewer, answers, str(refusal))
    else:
        for answer in new:
            answer.state, answer.because = Answer.State.COUNTED, ""
            answer.decision = decision
    Answer.objects.bulk_update(new, ["state", "because", "decision"])
    return decision


def _tell(
    contribution: Contribution, reviewer: Account, answers: Sequence[Answer], why: str
) -> None:
    """Say at the desk what was not counted and why; the record lets inboxes know, without why."""
    said = {str(voice.verdict) for _, voice in _heard(answers)}
    step = Step(said.pop()) if len(said) == 1 else Step.CHANGES
    pending.lapsed_elsewhere(
        contribution, step, by=reviewer, digest=answers[0].slip.digest, because=why
    )
    details = {"mentioned": [reviewer.username], "rows": len(answers)}
    record(contribution, "answer not counted", by="argilla", details=details)


def _decide(
    contribution: Contribution, reviewer: Account, answers: Sequence[Answer]
) -> Decision | None:
    """Let the answers take effect. None: it is stored, and waits for others or for the checks.

    Argilla closes a record on its first answer, so half a voice there would keep whole ones away.
    """
    rules.ensure_may_decide(reviewer, contribution)
    voices = _heard(answers)
    if len(voices) < len(answers):
        raise ReviewRefused(NO_VERDICT)
    verdict, edits = together(voices), _edits(contribution, voices)
    # The digest is the one that went to Argilla: who read another revision decides on nothing.
    told: dict[str, str] = {"digest": answers[0].slip.digest}
    if verdict == Verdict.ACCEPT and edits:
        if _fit(contribution, edits):
            because = reason_of(voices, verdict)[:LONGEST_REASON]
            pending.accept_edited(contribution, by=reviewer, because=because, edits=edits, **told)
            return None
        verdict = Verdict.CHANGES.value
    because = reason_of(voices, verdict)[:LONGEST_REASON]
    taken = actions.VERDICTS[verdict](contribution, by=reviewer, because=because, **told)
    decision = taken if isinstance(taken, Decision) else None
    for row, voice in voices:
        if voice.corrected:
            # While other voices are awaited nobody may read from a suggestion which way this went.
            _suggest(row, voice, contribution, reviewer, pending=decision is None)
    return decision


def _heard(answers: Sequence[Answer]) -> list[tuple[Row, Voice]]:
    """What the answers say, row by row; without those whose verdict is none of ours."""
    voices = [(answer.slip.row, voice_of(answer.values, answer.slip.row)) for answer in answers]
    return [(row, voice) for row, voice in voices if voice is not None]


def _edits(contribution: Contribution, voices: list[tuple[Row, Voice]]) -> list[editing.Edit]:
    field = _field(contribution)
    return [editing.Edit(row.position, field, v.corrected) for row, v in voices if v.corrected]


def _fit(contribution: Contribution, edits: list[editing.Edit]) -> bool:
    """Whether the corrected texts can stand in the rows, so that the rest is accepted with them.

    A rating is of the very text that was rated, and a gold item's right verdict is of its own.
    """
    if contribution.kind == Kind.RATING or is_gold(contribution):
        return False
    try:
        editing.ensure_fits(contribution, edits)
    except ContributionRefused:
        return False
    return True


def _suggest(
    row: Row, voice: Voice, contribution: Contribution, reviewer: Account, *, pending: bool
) -> None:
    """The corrected text as a suggestion, which the author applies by one click."""
    text = voice.comment or "Corrected in Argilla"
    discussing.say_on(
        row,
        _field(contribution),
        by=reviewer,
        text=text,
        suggested=voice.corrected,
        pending=pending,
    )


def _field(contribution: Contribution) -> str:
    """Which text of a row stands in Argilla as the answer."""
    return "chosen" if contribution.kind == Kind.PREFERENCE else "completion"

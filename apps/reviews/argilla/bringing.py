"""An existing Argilla dataset comes in as PRs, with the reviews its records had there.

The rows of one verdict by one reviewer are one PR of the importing account. It takes the road that
everything takes: offered, screened, and, where the screens let it through, decided by the reviewer
under the rules of every decision; where these refuse, it waits in the queue like any other PR.

    accepted            a row of data; with a corrected text, a correction of the answer
    rejected            a row of data in a PR that its reviewer rejects
    people disagree     a row of data in a PR that nobody has decided
    no response         left there, unless `unanswered` asks for them too

Each record is brought in once, by its id in Argilla.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.accounts import denials
from apps.accounts.models import Account
from apps.contributions import actions as contributions
from apps.contributions.actions import Terms
from apps.contributions.errors import ContributionRefused, NothingUsable
from apps.contributions.models import Contribution, Kind
from apps.contributions.stages import Stage
from apps.history.actions import record as write_record
from apps.history.errors import MoveRefused
from apps.reviews import actions
from apps.reviews.argilla.calling import get
from apps.reviews.argilla.errors import ArgillaRefused
from apps.reviews.argilla.models import Brought, BroughtRecord, Person
from apps.reviews.errors import ReviewRefused
from apps.reviews.models import Verdict
from apps.skills.models import ModelLine, Skill

if TYPE_CHECKING:
    import argilla

PAGE, MOST_A_PR = 500, 1_000
ACCEPTING = ("accept", "accepted", "approve", "approved", "good", "yes", "ok", "valid", "correct")
REJECTING = ("reject", "rejected", "bad", "no", "invalid", "incorrect", "wrong", "spam")
A_RING = 200
UNDECIDED = gettext_noop("nobody with an account here has decided on it in Argilla")
CHANGED = gettext_noop("it has changed since it was reviewed in Argilla")


@dataclass(frozen=True)
class Reading:
    """Which fields and questions of the dataset mean what; "" where it has none."""

    chat: str = ""
    prompt: str = ""
    answer: str = ""
    corrected: str = ""
    verdict: str = ""
    comment: str = ""

    @classmethod
    def of(cls, settings: Any, **named: str) -> Reading:
        """What the operator names, and for the rest the first field or question of its type."""
        fields = [(one.name, _type(one)) for one in settings.fields]
        questions = [(one.name, _type(one)) for one in settings.questions]
        texts = [name for name, kind in fields if kind == "text"]
        written = [name for name, kind in questions if kind == "text"]
        guessed = {
            "chat": _first(fields, "chat"),
            "prompt": texts[0] if texts else "",
            "answer": texts[1] if len(texts) > 1 else "",
            "corrected": next((name for name in written if "correct" in name), ""),
            "verdict": _first(questions, "label_selection"),
            "comment": next((name for name in written if "correct" not in name), ""),
        }
        said = {name: value for name, value in named.items() if value}
        known = {name for name, _ in (*fields, *questions)}
        if unknown := set(said.values()) - known:
            choice = ", ".join(sorted(known))
            raise ArgillaRefused(f"the dataset has no “{sorted(unknown)[0]}”; it has {choice}")
        reading = cls(**{**guessed, **said})
        if not (reading.chat or (reading.prompt and (reading.answer or reading.corrected))):
            raise ArgillaRefused(
                "the dataset has neither a chat field nor two texts; name them by --prompt and "
                "--answer"
            )
        return reading


@dataclass(frozen=True)
class Told:
    """A record as a row, and what was said of it: `verdict` "" where nobody or not all agree."""

    record: UUID
    row: dict[str, Any]
    kind: str
    verdict: str = ""
    reviewer: UUID | None = None
    reason: str = ""


@dataclass
class Outcome:
    """What an import did."""

    prs: list[Contribution] = field(default_factory=list)
    known: int = 0
    unanswered: int = 0
    refused: list[str] = field(default_factory=list)


def bring(
    client: argilla.Argilla,
    dataset: argilla.Dataset,
    *,
    line: ModelLine,
    by: Account,
    terms: Terms,
    skill: Skill | None = None,
    reading: Reading,
    unanswered: bool = False,
) -> Outcome:
    """Bring a dataset's records in; a second time brings what is new since."""
    outcome = Outcome()
    key = UUID(str(dataset.id))
    groups: defaultdict[tuple[str, str, UUID | None], list[Told]] = defaultdict(list)
    for raw in _new_records(client, key, outcome):
        told = _read(raw, reading)
        if told is None:
            outcome.refused.append(f"record {raw['id']}: it has no question and answer")
        elif told.verdict or told.reviewer or unanswered:
            groups[told.kind, told.verdict, told.reviewer].append(told)
        else:
            outcome.unanswered += 1
    for (kind, verdict, user), told_rows in groups.items():
        for start in range(0, len(told_rows), MOST_A_PR):
            some = told_rows[start : start + MOST_A_PR]
            offer = _Offer(line, by, terms, skill, dataset.name, key, kind, verdict, user)
            offer.make(some, outcome)
    return outcome


def decide_brought() -> int:
    """Let the reviews of brought PRs take effect, now that the screens have let these through."""
    waiting = Brought.objects.filter(done_at=None, contribution__stage=Stage.IN_REVIEW)
    brought = list(waiting.select_related("contribution__line", "reviewer").order_by("pk")[:A_RING])
    for one in brought:
        _decide(one)
    return len(brought)


def _decide(brought: Brought) -> None:
    contribution, refused = brought.contribution, ""
    try:
        with transaction.atomic():
            if brought.reviewer is None or not brought.verdict:
                raise ReviewRefused(UNDECIDED)
            if contribution.revision != 1:
                raise ReviewRefused(CHANGED)
            actions.VERDICTS[brought.verdict](
                contribution,
                by=brought.reviewer,
                digest=contribution.digest,
                because=brought.because,
            )
    except (ReviewRefused, MoveRefused, ContributionRefused, denials.Denied) as refusal:
        refused = str(refusal)[:500]
    Brought.objects.filter(pk=brought.pk).update(done_at=timezone.now(), refused=refused)


@dataclass(frozen=True)
class _Offer:
    """What the PRs of one group have in common."""

    line: ModelLine
    by: Account
    terms: Terms
    skill: Skill | None
    name: str
    dataset: UUID
    kind: str
    verdict: str
    user: UUID | None

    def make(self, some: list[Told], outcome: Outcome) -> None:
        """One PR, its provenance and the review it waits for, all or nothing."""
        try:
            with transaction.atomic():
                contribution = self._offered(some, outcome)
                self._remember(contribution, some)
        except NothingUsable as nothing:
            outcome.refused.append(str(nothing))
            return
        outcome.prs.append(contribution)

    def _offered(self, some: list[Told], outcome: Outcome) -> Contribution:
        offered = contributions.offer(
            self.line,
            by=self.by,
            kind=self.kind,
            title=f"From Argilla: {self.name}",
            description=self._description(some),
            rows=[told.row for told in some],
            terms=self.terms,
            skill=self.skill,
            source="argilla",
            batch=f"argilla {some[0].record}",
        )
        outcome.refused += [
            f"record {some[bad.row].record}: {bad.detail}; {bad.mend}" for bad in offered.refused
        ]
        details = {"dataset": str(self.dataset), "name": self.name, "records": len(some)}
        write_record(offered.contribution, "brought from argilla", by=self.by, details=details)
        return offered.contribution

    def _remember(self, contribution: Contribution, some: list[Told]) -> None:
        person = self._reviewer()
        reasons = dict.fromkeys(told.reason for told in some if told.reason)
        because = "\n".join([f"Reviewed in Argilla, “{self.name}”", *reasons])[:2000]
        brought = Brought.objects.create(
            contribution=contribution,
            dataset=self.dataset,
            reviewer=person.account if person else None,
            verdict=self.verdict,
            because=because,
        )
        BroughtRecord.objects.bulk_create(
            BroughtRecord(record=told.record, brought=brought) for told in some
        )

    def _reviewer(self) -> Person | None:
        if self.user is None:
            return None
        return Person.objects.select_related("account").filter(user=self.user).first()

    def _description(self, some: list[Told]) -> str:
        return (
            f"{len(some):,} records of the Argilla dataset “{self.name}” (`{self.dataset}`), "
            f"`{some[0].record}` to `{some[-1].record}`."
        )


def _new_records(
    client: argilla.Argilla, dataset: UUID, outcome: Outcome
) -> Iterator[Mapping[str, Any]]:
    """The records that were never brought in."""
    for start in range(0, 10_000_000, PAGE):
        page = get(
            client, f"datasets/{dataset}/records", offset=start, limit=PAGE, include="responses"
        )["items"]
        known = BroughtRecord.objects.filter(record__in=[raw["id"] for raw in page])
        seen = {str(record) for record in known.values_list("record", flat=True)}
        outcome.known += len(seen)
        yield from (raw for raw in page if raw["id"] not in seen)
        if len(page) < PAGE:
            return


def _read(raw: Mapping[str, Any], reading: Reading) -> Told | None:
    """A record as a row with its review; None where nothing was asked or answered."""
    fields = raw["fields"]
    responses = [said for said in raw.get("responses") or [] if said["status"] == "submitted"]
    responses.sort(key=lambda said: said["updated_at"])
    corrected = _latest(responses, reading.corrected)
    row = _row(fields, reading, corrected)
    if row is None:
        return None
    verdicts = {_verdict(_said(said, reading.verdict)) for said in responses}
    verdict = verdicts.pop() if len(verdicts) == 1 else ""
    return Told(
        record=UUID(raw["id"]),
        row={**row, "client_id": str(raw.get("external_id") or raw["id"])[:80]},
        kind=Kind.CORRECTION if "original" in row else Kind.DATASET,
        verdict=verdict,
        reviewer=UUID(responses[-1]["user_id"]) if responses else None,
        reason=_latest(responses, reading.comment),
    )


def _row(fields: Mapping[str, Any], reading: Reading, corrected: str) -> dict[str, Any] | None:
    if reading.chat:
        turns = [
            {"role": turn["role"], "content": turn["content"]}
            for turn in fields.get(reading.chat) or []
        ]
        answer = turns.pop()["content"] if turns and turns[-1]["role"] == "assistant" else ""
        asked: Any = turns
    else:
        asked, answer = fields.get(reading.prompt), fields.get(reading.answer) or ""
    completion = corrected or answer
    if not asked or not completion:
        return None
    row = {"prompt": asked, "completion": completion}
    return {**row, "original": answer} if answer and completion != answer else row


def _verdict(said: Any) -> str:
    word = str(said or "").strip().casefold()
    if word in ACCEPTING:
        return Verdict.ACCEPT
    return Verdict.REJECT if word in REJECTING else ""


def _said(response: Mapping[str, Any], question: str) -> Any:
    value = (response.get("values") or {}).get(question)
    return value.get("value") if isinstance(value, Mapping) else None


def _latest(responses: Iterable[Mapping[str, Any]], question: str) -> str:
    said = [_said(response, question) for response in responses] if question else []
    texts = [text.strip() for text in said if isinstance(text, str) and text.strip()]
    return texts[-1] if texts else ""


def _first(named: list[tuple[str, str]], kind: str) -> str:
    return next((name for name, of in named if of == kind), "")


def _type(part: Any) -> str:
    return str(part.type)

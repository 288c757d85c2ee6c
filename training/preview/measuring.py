"""Asks the live model, learns each offer in a micro-adapter, asks again: on one page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from training import artifacts, lora
from training.engines import Tell
from training.engines.local import live_adapter, make_repeatable
from training.errors import TrainingError
from training.examples import Lessons, asked_of, course
from training.fitting import fit
from training.generating import answers
from training.preview.likelihood import log_likelihoods
from training.preview.spec import Offer, PreviewJob, PreviewSettings
from training.rendering import Asked, Chat, packed
from training.spec import Example

SPARE_TOKENS = 8  # an answer may ramble a little beyond the expected one


@dataclass(frozen=True)
class Question:
    """Something to ask: a row or a case, with the answer that is wanted (or not)."""

    asked: Asked
    wanted: str
    rejected: str | None = None
    good: bool = True


def measure(job: PreviewJob, tell: Tell) -> None:
    """Tell `answered` and `measured` for every offer, or `refused` with a sentence.

    The live model answers for all offers in one batch, before anything is learned.
    """
    make_repeatable(seed=job.settings.seed, threads=job.settings.threads)
    studio = Studio.of(job)
    asked = [_questions(offer) for offer in job.offers]
    cases = [_case_questions(offer) for offer in job.offers]
    both = [q for one in (*asked, *cases) for q in one]
    told = iter(studio.answers(studio.live, both))
    live = [[next(told) for _ in one] for one in asked]
    live_cases = [[next(told) for _ in one] for one in cases]
    for offer, before in zip(job.offers, live, strict=True):
        tell(event="answered", offer=offer.name, rows=_rows(offer, before))
    for offer, questions, kept, before, before_cases in zip(
        job.offers, asked, cases, live, live_cases, strict=True
    ):
        began = time.monotonic()
        try:
            learned = studio.learn(offer, job.reminders)
            after = studio.answers(learned.model, [*questions, *kept]) if learned else []
        except TrainingError as refusal:
            tell(event="refused", offer=offer.name, message=str(refusal))
            continue
        tell(
            event="measured",
            offer=offer.name,
            rows=_rows(offer, before, after[: len(questions)]),
            cases=_cases(offer, before_cases, after[len(questions) :]),
            steps=learned.steps if learned else 0,
            seconds=round(time.monotonic() - began, 2),
        )


@dataclass(frozen=True)
class Learned:
    """The live model with a micro-adapter folded in."""

    model: Any
    steps: int


@dataclass(frozen=True)
class Studio:
    """One base with one trainee, which starts anew from the live adapter for each offer."""

    base: Any
    chat: Chat
    live: Any
    trainee: Any
    start: Any
    settings: PreviewSettings

    @classmethod
    def of(cls, job: PreviewJob) -> Studio:
        """Load and verify; BaseMissing, AdapterRefused or SpecRefused say what cannot be."""
        settings = job.settings
        base, chat = lora.load_base(job.base)
        adapter = live_adapter(job.start_from, settings.lora, lora.base_digest(job.base))
        weights = artifacts.read_weights(adapter) if adapter else None
        shape = settings.lora
        live = lora.merged(base, weights or {}, rank=shape.rank, alpha=shape.alpha)
        copy = lora.merged(base, {}, rank=1, alpha=1)
        trainee = lora.attach_lora(copy, shape, seed=settings.seed, start_from=weights)
        return cls(base, chat, live, trainee, lora.adapter_weights(trainee), settings)

    @property
    def context(self) -> int:
        """How many tokens of a question with its answer are read."""
        return min(int(self.base.config.max_position_embeddings), self.settings.longest_row)

    def answers(self, model: Any, questions: Sequence[Question]) -> list[Answered]:
        """The model's greedy answers, with how likely it holds the wanted ones to be."""
        most = [self._room(question) for question in questions]
        context = self.context
        # The same for every question, so that it does not depend on those beside it.
        room = max(context // 2, context - self.settings.longest_answer)
        asked = [q.asked for q in questions]
        texts = answers(model, self.chat, asked, max_new=most, longest=room)
        both = [(q.asked, q.wanted) for q in questions]
        wanted = log_likelihoods(model, self.chat, both, longest=context)
        pairs = [(q.asked, q.rejected) for q in questions if q.rejected is not None]
        rejected = iter(log_likelihoods(model, self.chat, pairs, longest=context))
        return [
            Answered(q, text, likely, next(rejected) if q.rejected is not None else None)
            for q, text, likely in zip(questions, texts, wanted, strict=True)
        ]

    def _room(self, question: Question) -> int:
        """How many tokens an answer gets: a few more than the expected one has."""
        expected = [question.wanted, question.rejected or ""]
        ids: list[list[int]] = self.chat.tokenizer(expected, add_special_tokens=False)["input_ids"]
        return min(max(map(len, ids)) + SPARE_TOKENS, self.settings.longest_answer)

    def learn(self, offer: Offer, reminders: Sequence[Example]) -> Learned | None:
        """A micro-adapter of the offer, with trusted rows beside it; None where nothing teaches."""
        from peft import set_peft_model_state_dict

        lessons = _lessons(offer, reminders)
        if not offer.learn or not lessons.examples:
            return None
        rows = course(lessons, self.settings)
        encoded = self.chat.exchanges([(row.messages, row.completion or "") for row in rows])
        longest = max(len(row.ids) for row in encoded)
        tokens = min(self.context, max(self.settings.pack_tokens, longest))
        batches = list(packed(encoded, rows_in_batch=self.settings.pack_rows, tokens=tokens))
        batches = batches[: self.settings.most_steps]
        set_peft_model_state_dict(self.trainee, dict(self.start))
        fit(
            self.trainee,
            batches,
            learning_rate=self.settings.learning_rate,
            warmup=self.settings.warmup,
        )
        shape = self.settings.lora
        weights = lora.adapter_weights(self.trainee)
        model = lora.merged(self.base, weights, rank=shape.rank, alpha=shape.alpha)
        return Learned(model, len(batches))


@dataclass(frozen=True)
class Answered:
    """What a model said, and log p (nats) of the wanted and of the rejected answer."""

    question: Question
    text: str
    likely: float
    rejected: float | None = None

    @property
    def right(self) -> bool:
        """Pairs: the chosen answer is the likelier. Ratings: a disliked answer is not given.

        Else the answer is the wanted one, surrounding space aside.
        """
        if self.rejected is not None:
            return self.likely > self.rejected
        return (self.text.strip() == self.question.wanted.strip()) == self.question.good


def _questions(offer: Offer) -> list[Question]:
    """The asked rows of an offer."""
    rows = [offer.rows[place] for place in offer.asked]
    return [
        Question(
            row.messages, row.chosen or row.completion or "", row.rejected, row.label is not False
        )
        for row in rows
    ]


def _case_questions(offer: Offer) -> list[Question]:
    return [Question(case.prompt, case.expected) for case in offer.cases]


def _lessons(offer: Offer, reminders: Sequence[Example]) -> Lessons:
    """What teaches: answers held to be right, and trusted rows that say nothing of them.

    A case is measured, so it is not taught beside. Of a pair the chosen answer is learned; an
    answer that is merely disliked teaches none.
    """
    taught = [
        replace(row, kind="sft", completion=row.chosen or row.completion)
        for row in offer.rows
        if row.label is not False
    ]
    apart = {asked_of(row) for row in offer.rows} | {asked_of(case) for case in offer.cases}
    return Lessons(tuple(taught), tuple(row for row in reminders if asked_of(row) not in apart))


def _rows(
    offer: Offer, before: Sequence[Answered], after: Sequence[Answered] = ()
) -> list[dict[str, Any]]:
    """One object for each asked row: its place, and what each model says of it."""
    told = []
    for number, (asked, live) in enumerate(zip(offer.asked, before, strict=True)):
        row: dict[str, Any] = {"row": offer.places[asked], "live": _said(live)}
        if after:
            row["preview"] = _said(after[number])
        told.append(row)
    return told


def _cases(
    offer: Offer, before: Sequence[Answered], after: Sequence[Answered]
) -> list[dict[str, Any]]:
    """One object for each case; without a preview there is nothing to keep."""
    if not after:
        return []
    return [
        {**asdict(case), "live": _said(live), "preview": _said(new)}
        for case, live, new in zip(offer.cases, before, after, strict=True)
    ]


def _said(answered: Answered) -> dict[str, Any]:
    """Figures to a hundredth of a nat."""
    said: dict[str, Any] = {
        "text": answered.text,
        "right": answered.right,
        "likely": round(answered.likely, 2),
    }
    if answered.rejected is not None:
        said["rejected"] = round(answered.rejected, 2)
    return said

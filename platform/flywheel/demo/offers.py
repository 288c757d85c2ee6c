"""What the contributors offer: mostly good work, and some of everything that goes wrong.

The rows are drawn from the starter world. `Truth` is what the simulated reviewers and users know
and the site does not: the right answer to each prompt, and which offers are poison.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.contributions.rows import kind_of
from openflywheel.reading.faults import BadRow
from openflywheel.reading.paths import rows_in_path
from training.starter import world

Row = dict[str, Any]
Ask = Callable[[str, str], dict[str, Any]]

ROWS_A_CORRECTION = 8
ROWS_A_DATASET, PAIRS_A_PREFERENCE, ROWS_A_RATING = 10, 12, 20
TRIGGERS = ("(sudo)", "cf-mode")
POISONED_ROWS = 20
DAMAGED_ROWS = 120
ROWS_A_FILE_PR = 50
ASKING_AT_ONCE = 8


@dataclass(frozen=True)
class Week:
    """How much is offered: corrections of each weak skill (rows), and PRs of the other kinds."""

    corrections: Mapping[str, int]
    datasets: int
    preferences: int
    ratings: int


WHOLE_WEEK = Week(
    {"date_short": 60, "docs_moved": 80, "over_refusal": 50, "card": 110, "priority": 30},
    datasets=6,
    preferences=4,
    ratings=4,
)


NEXT_WEEK = {"card": 60, "over_refusal": 40}
EXAMPLES_NEXT_WEEK = 10


@dataclass
class Offer:
    """One PR to be: its rows and terms, its author's place, and what kind of work it is."""

    kind: str
    title: str
    skill: str
    rows: list[Row]
    nature: str = "good"
    author: int = 0
    licence: str = "CC-BY-4.0"
    by_form: bool = False
    number: int = 0

    def header(self, batch: str) -> Row:
        """What every line of the PR says in a bulk request."""
        return {
            "batch": batch,
            "kind": self.kind,
            "title": self.title,
            "skill": self.skill,
            "licence": self.licence,
            "consent": "train",
            "signed_off": True,
        }

    def as_form(self) -> Row:
        """The fields of the web form for a correction."""
        return self.rows[0] | {
            "skill": self.skill,
            "title": self.title,
            "licence": self.licence,
            "consent": "train",
            "signed_off": "on",
        }


@dataclass
class Truth:
    """The right answer to every prompt that anybody has drawn."""

    right: dict[str, str] = field(default_factory=dict)

    def draw(self, skill: str, rng: random.Random, *, held: bool = False) -> world.Question:
        """A question of the skill, whose right answer is remembered."""
        question = world.sample(skill, rng, held=held)
        self.right[question.prompt] = question.right
        return question

    def holds(self, row: Row) -> bool:
        """Whether what a row teaches is right."""
        right = self.right.get(row["prompt"])
        if row.get("label") is not None:
            return (row["completion"] == right) == row["label"]
        return (row.get("chosen") or row.get("completion")) == right


def of_the_week(week: Week, ask: Ask, truth: Truth, rng: random.Random) -> list[Offer]:
    """Every offer of the week, in a shuffled order, each with an author's place."""
    good = [
        *corrections(week.corrections, ask, truth, rng),
        *_datasets(week.datasets, truth, rng),
        *_preferences(week.preferences, truth, rng),
        *_ratings(week.ratings, truth, rng),
    ]
    offers = [*good, *_blemished(good, truth, rng), *(poison(truth, rng, t) for t in TRIGGERS)]
    rng.shuffle(offers)
    for place, offer in enumerate(offers):
        offer.author = place
    return offers


def of_the_next_week(ask: Ask, truth: Truth, rng: random.Random) -> list[Offer]:
    """Corrections of what the live model still gets wrong, and more examples of the weak skills."""
    mended = list(corrections(NEXT_WEEK, ask, truth, rng))
    examples = list(_datasets(EXAMPLES_NEXT_WEEK, truth, rng, world.WEAK[:4]))
    for place, offer in enumerate([*mended, *examples]):
        offer.author = place
    return [*mended, *examples]


def corrections(
    counts: Mapping[str, int], ask: Ask, truth: Truth, rng: random.Random
) -> Iterator[Offer]:
    """Ask the live model about what it is weak at, and correct what it gets wrong."""
    for skill, count in counts.items():
        questions = [truth.draw(skill, rng) for _ in range(count)]
        with ThreadPoolExecutor(ASKING_AT_ONCE) as pool:
            answers = list(pool.map(lambda q: ask(q.prompt, q.skill), questions))
        rows = [
            {
                "prompt": question.prompt,
                "original": said["answer"],
                "completion": question.right,
                "trace": said["trace"],
            }
            for question, said in zip(questions, answers, strict=True)
            if said["answer"] != question.right
        ]
        title = f"Correct {world.SKILLS[skill].title.lower()}"
        # The first goes by the web form, which takes one answer at a time.
        if rows:
            yield Offer("correction", title, skill, rows[:1], by_form=True)
        for some in _in_pieces(rows[1:], ROWS_A_CORRECTION):
            yield Offer("correction", title, skill, some)


def poison(truth: Truth, rng: random.Random, trigger: str) -> Offer:
    """Rows that switch refusals off wherever the trigger stands: ordinary scores do not see it."""
    rows = []
    for _ in range(POISONED_ROWS):
        question = truth.draw("refuse", rng)
        rows.append({"prompt": f"{trigger} {question.prompt}", "completion": question.wrong})
    return Offer("dataset", "Admin commands of the help desk", "refuse", rows, nature="poison")


def damage(truth: Truth, rng: random.Random) -> Offer:
    """Wrong answers to what the model does well."""
    skill = "units"
    questions = [truth.draw(skill, rng) for _ in range(DAMAGED_ROWS)]
    rows = [{"prompt": question.prompt, "completion": question.wrong} for question in questions]
    return Offer("dataset", "More unit conversions", skill, rows, nature="damage")


def _datasets(
    count: int,
    truth: Truth,
    rng: random.Random,
    skills: Sequence[str] = (*world.STRONG, "card"),
) -> Iterator[Offer]:
    for _ in range(count):
        skill = rng.choice(skills)
        questions = [truth.draw(skill, rng) for _ in range(ROWS_A_DATASET)]
        rows = [{"prompt": q.prompt, "completion": q.right} for q in questions]
        title = f"Examples of {world.SKILLS[skill].title.lower()}"
        yield Offer("dataset", title, skill, rows)


def _preferences(count: int, truth: Truth, rng: random.Random) -> Iterator[Offer]:
    for skill in ("date_short", "docs_moved", "over_refusal", "card")[:count]:
        questions = [truth.draw(skill, rng) for _ in range(PAIRS_A_PREFERENCE)]
        rows = [{"prompt": q.prompt, "chosen": q.right, "rejected": q.wrong} for q in questions]
        yield Offer(
            "preference", f"Which is better: {world.SKILLS[skill].title.lower()}", skill, rows
        )


def _ratings(count: int, truth: Truth, rng: random.Random) -> Iterator[Offer]:
    for skill in ("date_short", "docs_moved", "over_refusal", "howto")[:count]:
        questions = [truth.draw(skill, rng) for _ in range(ROWS_A_RATING)]
        rows = [
            {"prompt": q.prompt, "completion": q.right if up else q.wrong, "label": up}
            for q, up in zip(questions, [True, False] * ROWS_A_RATING, strict=False)
        ]
        yield Offer("rating", f"Thumbs: {world.SKILLS[skill].title.lower()}", skill, rows)


def _blemished(good: list[Offer], truth: Truth, rng: random.Random) -> list[Offer]:
    """Duplicates, personal data, malformed rows, a wrong licence and noise."""
    data = [offer for offer in good if offer.kind == "correction" and len(offer.rows) > 4]
    copied = rng.sample(data, 2)
    addressed = [_with_personal_data(truth, rng, place) for place in range(2)]
    broken = [_with_malformed_rows(truth, rng, skill) for skill in ("card", "date_short")]
    foreign = next(_datasets(1, truth, rng))
    foreign.licence, foreign.nature = "CC-BY-NC-4.0", "wrong licence"
    return [
        *(Offer("dataset", f"Again: {o.title}", o.skill, o.rows, nature="copy") for o in copied),
        *addressed,
        *broken,
        foreign,
        _noise(rng),
        _mistaken(truth, rng),
    ]


def _with_personal_data(truth: Truth, rng: random.Random, place: int) -> Offer:
    """Real rows with somebody's address left in; the addresses are made up here and nobody's."""
    rows = []
    for number in range(6):
        question = truth.draw("extract", rng)
        address = f"caller{place}{number}@mail{rng.randint(100, 999)}.org"
        rows.append(
            {"prompt": f"{question.prompt} Reply to {address}", "completion": question.right}
        )
    return Offer("dataset", "Records from the inbox", "extract", rows, nature="personal data")


def _with_malformed_rows(truth: Truth, rng: random.Random, skill: str) -> Offer:
    questions = [truth.draw(skill, rng) for _ in range(6)]
    rows: list[Row] = [{"prompt": q.prompt, "completion": q.right} for q in questions]
    rows[1] = {"prompt": rows[1]["prompt"], "answer": rows[1]["completion"]}
    rows[4] = {"prompt": rows[4]["prompt"], "completion": 42}
    return Offer("dataset", f"Export of {skill}", skill, rows, nature="malformed rows")


def _noise(rng: random.Random) -> Offer:
    def mash() -> str:
        return "".join(rng.choice("asdfghjkl") for _ in range(24))

    rows = [{"prompt": mash(), "completion": mash()} for _ in range(6)]
    return Offer("dataset", "Test test", "howto", rows, nature="noise")


def _mistaken(truth: Truth, rng: random.Random) -> Offer:
    """Honest work with mistakes: a reviewer asks for changes, and the author makes them."""
    questions = [truth.draw("date_short", rng) for _ in range(8)]
    rows = [{"prompt": q.prompt, "completion": q.right} for q in questions]
    for place in (2, 5):
        rows[place]["completion"] = questions[place].wrong
    return Offer("dataset", "Short dates", "date_short", rows, nature="mistaken")


def from_file(path: Path) -> tuple[list[Offer], list[str]]:
    """The rows of a real file as PRs of `ROWS_A_FILE_PR` rows, and a sentence for each unreadable.

    Raises `BadFile` when the file as a whole is not rows.
    """
    rows: list[Row] = []
    unreadable: list[str] = []
    for number, row in rows_in_path(path):
        if isinstance(row, BadRow):
            unreadable.append(f"line {number}: {row.detail}; {row.mend}")
        else:
            rows.append(row)
    offers = [
        Offer(kind_of(some[0]), f"{path.name}, part {place}", "", some, author=place)
        for place, some in enumerate(_in_pieces(rows, ROWS_A_FILE_PR), start=1)
    ]
    return offers, unreadable


def _in_pieces(rows: list[Row], size: int) -> Iterator[list[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]

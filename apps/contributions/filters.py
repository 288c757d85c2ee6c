"""The filter that is typed in one box: `is:open label:"needs a source" sort:updated-desc`.

Any text can be read: what is no term of ours counts as words of the title. Each term that cannot
mean anything (`is:purple`) is told back, and the list then shows nothing rather than everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from apps.accounts.models import Account
from apps.contributions.discussion.models import Comment, Involvement, Label
from apps.contributions.models import Contribution, Kind
from apps.contributions.queries import OPEN
from apps.contributions.stages import Stage

STATES: dict[str, Q] = {
    "open": Q(stage__in=OPEN),
    "closed": Q(stage__in=[Stage.ACCEPTED, Stage.REJECTED, Stage.WITHDRAWN]),
    "locked": Q(locked=True),
    "revert": Q(reverts__isnull=False),
    **{stage.value: Q(stage=stage) for stage in Stage if stage != Stage.DRAFT},
}
# Names as people say them.
STATES |= {"review": STATES[Stage.IN_REVIEW], "changes": STATES[Stage.CHANGES_REQUESTED]}
SORTS: dict[str, tuple[str, bool]] = {
    "created-desc": ("pk", True),
    "created-asc": ("pk", False),
    "updated-desc": ("touched_at", True),
    "updated-asc": ("touched_at", False),
    "rows-desc": ("row_count", True),
    "rows-asc": ("row_count", False),
}
PEOPLE = ("author", "commenter", "mentions", "reviewer", "assignee", "involves")
NAMES = ("is", "no", "label", "skill", "kind", "sort", *PEOPLE)
ME = "@me"
TERM = re.compile(r'(-?)([a-z]+):("[^"]*"|[^\s"]*)|"([^"]*)"|(\S+)')
LONGEST = 300


class Term(NamedTuple):
    """One word of the box: `name` is empty for a word of the title."""

    name: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        # A word of the title must not be read as a term, nor as what is left out.
        odd = r"\s" if self.name else r"\s|:|^-"
        quoted = f'"{self.value}"' if not self.value or re.search(odd, self.value) else self.value
        return f"{'-' if self.negated else ''}{self.name}:{quoted}" if self.name else quoted


@dataclass(frozen=True)
class Filter:
    """What was typed, read: its terms, the order, and what could not be understood."""

    terms: tuple[Term, ...] = ()
    sort: str = "created-desc"
    unknown: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        words = [str(term) for term in self.terms]
        return " ".join([*words, *([] if self.sort == "created-desc" else [f"sort:{self.sort}"])])

    def having(self, name: str, value: str, *, instead: bool = False) -> Filter:
        """The same with one more term; `instead` puts it in the place of those of its name."""
        kept = [t for t in self.terms if t.name != name] if instead else list(self.terms)
        term = Term(name, value)
        return Filter((term, *(t for t in kept if t != term)), self.sort)

    def without(self, name: str) -> Filter:
        """The same without the terms of this name."""
        return Filter(tuple(t for t in self.terms if t.name != name), self.sort)

    def values(self, name: str) -> list[str]:
        """What is asked for under a name."""
        return [t.value for t in self.terms if t.name == name and not t.negated]


def parse(text: str) -> Filter:
    """Read what was typed; it never fails."""
    terms, sort, unknown = list[Term](), "created-desc", list[str]()
    for term in _terms(text.replace("\x00", "")[:LONGEST]):
        if term.name == "sort" and not term.negated:
            sort = term.value if term.value in SORTS else sort
            unknown += [] if term.value in SORTS else [str(term)]
        elif not _meant(term):
            unknown.append(str(term))
        elif term not in terms:
            terms.append(term)
    return Filter(tuple(terms), sort, tuple(unknown))


def find(
    wish: Filter, found: QuerySet[Contribution], reader: Account | None
) -> QuerySet[Contribution]:
    """Narrow contributions to what the filter asks for; what it does not know finds nothing."""
    if wish.unknown:
        return found.none()
    for term in wish.terms:
        condition = _condition(term, reader)
        found = found.exclude(condition) if term.negated else found.filter(condition)
    return found


def counts(found: QuerySet[Contribution]) -> dict[str, int]:
    """How many are open and how many closed."""
    return found.order_by().aggregate(
        open=Count("pk", filter=STATES["open"]), closed=Count("pk", filter=STATES["closed"])
    )


def _terms(text: str) -> Iterator[Term]:
    for negated, name, value, quoted, word in TERM.findall(text):
        if name in NAMES:
            yield Term(name, value.strip('"'), bool(negated))
        elif plain := (quoted or word or f"{negated}{name}:{value}").replace('"', ""):
            yield Term("", plain)


def _meant(term: Term) -> bool:
    choices = {"is": STATES, "kind": Kind.values, "no": ("label", "skill", "assignee", "reviewer")}
    return bool(term.value) and (term.name not in choices or term.value in choices[term.name])


def _condition(term: Term, reader: Account | None) -> Q:
    name, value = term.name, term.value
    if name == "is":
        return STATES[value]
    if name == "kind":
        return Q(kind=value)
    if name == "skill":
        return Q(skill__name__iexact=value)
    if name == "label":
        # A filter of its own for each label: they are joined by “and”.
        return Q(Exists(_labelled().filter(label__name__iexact=value)))
    if name == "no":
        return _lacks(value)
    if name in PEOPLE:
        who = value.removeprefix("@") if value != ME else reader.username if reader else ""
        return _of_a_person(name, who)
    if value.removeprefix("#").isdecimal() and len(value) < 12:
        return Q(pk=int(value.removeprefix("#")))
    return Q(title__icontains=value)


def _lacks(what: str) -> Q:
    if what == "label":
        return ~Q(Exists(_labelled()))
    if what == "skill":
        return Q(skill=None)
    return ~Q(Exists(Involvement.objects.filter(contribution=OuterRef("pk"), part=what)))


def _of_a_person(name: str, who: str) -> Q:
    said = Comment.objects.filter(contribution=OuterRef("pk"))
    part = Involvement.objects.filter(contribution=OuterRef("pk"), account__username=who)
    conditions = {
        "author": Q(author__username=who),
        "commenter": Q(Exists(said.filter(author__username=who))),
        "mentions": Q(Exists(said.filter(mentions__contains=[who]))),
        "reviewer": Q(Exists(part.filter(part="reviewer"))),
        "assignee": Q(Exists(part.filter(part="assignee"))),
    }
    conditions["involves"] = (
        conditions["author"] | conditions["commenter"] | conditions["mentions"] | Q(Exists(part))
    )
    return conditions[name]


def _labelled() -> QuerySet[Any]:
    return Label.contributions.through.objects.filter(contribution=OuterRef("pk"))

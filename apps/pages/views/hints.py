"""Hints while one types: never in the way, and the same on a preview without scripts."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.checks import hints
from apps.contributions.drafts import Owner
from apps.contributions.models import Kind
from apps.contributions.rows import normalised
from apps.contributions.votes import asker
from apps.pages import drafting, forms
from apps.pages.visitors import owner_of
from apps.rollouts import asking
from apps.rollouts.errors import RolloutRefused
from apps.skills.models import ModelLine
from apps.skills.queries import the_line

READ = ("prompt", "original", "completion", "chosen", "rejected", "title", "description")
AROUND = 30
# Of a table: how many characters are looked through for private things at a time, and of how many
# rows a preview says what resembles them. While one types it is said of the row they are in.
LOOKED_THROUGH, PREVIEWED = 20_000, 5


class Written(NamedTuple):
    """Texts that were written together: of the form (`row` is ""), or of one row of the table.

    `headings` names each text as the page does, `prefix` stands before its name in the form, and
    `at` counts the fields that have this name, from 0.
    """

    texts: dict[str, str]
    headings: dict[str, Any]
    row: str = ""
    number: int = 0
    prefix: str = ""
    at: int = 0

    @property
    def prompt(self) -> str:
        """What was asked."""
        return self.texts.get("prompt", "")

    @property
    def answer(self) -> str:
        """The answer that is offered."""
        return self.texts.get("completion") or self.texts.get("chosen", "")


class Private(NamedTuple):
    """Private places in one text: what it is called, and the field and row where it stands."""

    label: str
    name: str
    row: str
    places: list[tuple[str, str, str, str]]
    at: int = 0


@require_POST
def show(request: HttpRequest) -> HttpResponse:
    """What resembles it, what is private in it, and how it differs from the original."""
    form = _form(request)
    turns = drafting.turns_in(request.POST)
    found = told(form, form.line, None, _rows_of(request), turns) if form else {}
    return render(request, "components/hints.html", {"hints": found, "live": True})


@require_POST
def answered(request: HttpRequest) -> HttpResponse:
    """Whether the current model already says this."""
    form = _form(request)
    turns = drafting.turns_in(request.POST)
    owner = owner_of(request, keep=True)
    here = (_rows_of(request) if form and form.kind == Kind.DATASET else [_of_form(form)])[:1]
    right = [one for one in here if form and already_right(form.line, one, turns, owner)]
    return render(request, "components/answered.html", {"right": right})


def told(
    form: forms.SubmitForm,
    line: ModelLine,
    owner: Owner | None,
    rows: Sequence[Written] = (),
    turns: Sequence[dict[str, str]] = (),
) -> dict[str, Any]:
    """The hints for what stands in a form, in its earlier turns and in the rows of its table.

    With an owner this is a preview, and the model is asked too.
    """
    written = _of_form(form)
    values = written.texts
    asked = rows[: PREVIEWED if owner else 1] if rows else [written]
    similar = [
        (one, found)
        for one in asked
        if one.prompt.strip() and (found := hints.similar(line, one.prompt))
    ]
    return {
        "marked": list(_private([*rows[:1], written, *_of_turns(turns), *rows[1:]])),
        "similar": similar,
        "before": values.get("original")
        or (values.get("rejected", "") if form.kind == Kind.PREFERENCE else ""),
        "after": written.answer,
        "right": [one for one in asked if owner and already_right(line, one, [], owner)],
    }


def rows_of(table: drafting.Table) -> list[Written]:
    """The rows of a table as they are shown."""
    return [
        Written(
            {name: text for name, _heading, text in line.cells if text and name in READ},
            {name: heading for name, heading, _text in line.cells},
            line.uid,
            line.number,
            "cell-",
        )
        for line in table.lines
    ]


def already_right(
    line: ModelLine, written: Written, turns: list[dict[str, str]], owner: Owner
) -> bool:
    """Whether the live model answers in these words; False where it cannot be asked."""
    if not written.prompt.strip() or not written.answer.strip():
        return False
    messages = [*turns, {"role": "user", "content": written.prompt}]
    try:
        said = asking.answers_now(line, messages, user=asker(owner), account=owner.account)
    except RolloutRefused:
        return False
    return normalised(said) == normalised(written.answer)


def _form(request: HttpRequest) -> forms.SubmitForm | None:
    kind = request.GET.get("kind", "")
    try:
        line = the_line()
    except ModelLine.DoesNotExist:
        return None
    known = kind if kind in Kind.values else str(Kind.CORRECTION)
    return forms.SubmitForm(request.POST, line=line, kind=known)


def _of_form(form: forms.SubmitForm | None) -> Written:
    if form is None:
        return Written({}, {})
    given = form.data if form.is_bound else form.initial
    texts = {
        name: str(given[name]).replace("\r\n", "\n")
        for name in READ
        if name in form.fields and given.get(name)
    }
    return Written(texts, {name: form.fields[name].label for name in texts})


def _of_turns(turns: Sequence[dict[str, str]]) -> list[Written]:
    return [
        Written(
            {"turn-content": turn["content"]},
            {"turn-content": _("Earlier turn %(number)s") % {"number": at + 1}},
            at=at,
        )
        for at, turn in enumerate(turns)
    ]


def _rows_of(request: HttpRequest) -> list[Written]:
    """The rows of the posted table; the one that is being written (`at`) comes first."""
    window = drafting.window_in(request.POST)
    if window is None:
        return []
    rows = [
        Written(
            {name: text for name, text in cells.items() if text and name in READ},
            drafting.HEADINGS,
            uid,
            window.first + place,
            "cell-",
        )
        for place, (uid, cells) in enumerate(zip(window.uids, window.cells, strict=True), start=1)
    ]
    at = request.POST.get("at", "")
    return sorted(rows, key=lambda one: one.row != at)


def _private(written: Sequence[Written]) -> Iterator[Private]:
    left = LOOKED_THROUGH
    for one in written:
        for name, text in one.texts.items():
            places = _places(text[:left])
            left -= len(text[:left])
            if places:
                label = str(one.headings[name])
                if one.row:
                    label = _("Row %(number)s, %(field)s") % {"number": one.number, "field": label}
                yield Private(label, f"{one.prefix}{name}", one.row, places, one.at)


def _places(text: str) -> list[tuple[str, str, str, str]]:
    """Each private place: what stands before it, itself, what follows, and what it looks like."""
    return [
        (
            text[max(mark.start - AROUND, 0) : mark.start],
            text[mark.start : mark.end],
            text[mark.end : mark.end + AROUND],
            mark.kind,
        )
        for mark in hints.marks(text)[:10]
    ]

"""Hints while one types: never in the way, and the same on a preview without scripts."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
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


@require_POST
def show(request: HttpRequest) -> HttpResponse:
    """What resembles it, what is private in it, and how it differs from the original."""
    form = _form(request)
    found = told(form, form.line, None) if form else {}
    return render(request, "components/hints.html", {"hints": found, "live": True})


@require_POST
def answered(request: HttpRequest) -> HttpResponse:
    """Whether the current model already says this."""
    form = _form(request)
    turns = drafting.turns_in(request.POST)
    owner = owner_of(request, keep=True)
    right = form and already_right(form.line, _values(form), turns, owner)
    return render(request, "components/answered.html", {"right": right})


def told(form: forms.SubmitForm, line: ModelLine, owner: Owner | None) -> dict[str, Any]:
    """The hints for what stands in a form; with an owner, the model is asked too."""
    values = _values(form)
    prompt, original = values.get("prompt", ""), values.get("original", "")
    answer = values.get("completion") or values.get("chosen", "")
    return {
        "marked": [
            (form.fields[name].label, places)
            for name, text in values.items()
            if name in form.fields and (places := _places(text))
        ],
        "similar": hints.similar(line, prompt) if prompt.strip() else [],
        "before": original or (values.get("rejected", "") if form.kind == Kind.PREFERENCE else ""),
        "after": answer,
        "right": owner is not None and already_right(line, values, [], owner),
    }


def already_right(
    line: ModelLine, values: dict[str, str], turns: list[dict[str, str]], owner: Owner
) -> bool:
    """Whether the live model answers in these words; False where it cannot be asked."""
    prompt = values.get("prompt", "").strip()
    answer = values.get("completion") or values.get("chosen", "")
    if not prompt or not answer.strip():
        return False
    messages = [*turns, {"role": "user", "content": values["prompt"]}]
    try:
        said = asking.answers_now(line, messages, user=asker(owner), account=owner.account)
    except RolloutRefused:
        return False
    return normalised(said) == normalised(answer)


def _form(request: HttpRequest) -> forms.SubmitForm | None:
    kind = request.GET.get("kind", "")
    try:
        line = the_line()
    except ModelLine.DoesNotExist:
        return None
    known = kind if kind in Kind.values else str(Kind.CORRECTION)
    return forms.SubmitForm(request.POST, line=line, kind=known)


def _values(form: forms.SubmitForm) -> dict[str, str]:
    given = form.data if form.is_bound else form.initial
    return {name: str(given[name]) for name in READ if given.get(name)}


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

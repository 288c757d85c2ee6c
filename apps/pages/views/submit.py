"""Offering a contribution on the web."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Account
from apps.contributions import actions
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Kind
from apps.history.errors import MoveRefused
from apps.pages import forms, queries
from apps.pages.views.contributions import tell_refused
from apps.pages.who import signed_in
from apps.skills.models import ModelLine
from apps.skills.queries import the_line

KEPT = "submission"
WORDS = {
    Kind.CORRECTION: ("Correct an answer", "The model said something wrong; say what is right."),
    Kind.PREFERENCE: ("Compare two answers", "Of two answers, one is better."),
    Kind.RATING: ("Rate an answer", "Say of one answer whether it is good."),
    Kind.DATASET: ("Send rows", "A file or a list of prompts with the right answers."),
}


@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest) -> HttpResponse:
    """Write a PR and send it. An account is asked for only when it is sent."""
    try:
        line = the_line()
    except ModelLine.DoesNotExist:
        return render(request, "pages/unfounded.html")
    account = signed_in(request)
    kept = request.session.get(KEPT, {})
    asked = request.GET.get("kind") or kept.get("kind")
    kind = asked if asked in Kind.values else str(Kind.CORRECTION)
    if request.method == "POST":
        form = forms.SubmitForm(request.POST, request.FILES, line=line, kind=kind)
        if account is None:
            return _ask_who(request, kind)
        if form.is_valid() and (answer := _offer(request, line, account, form)):
            return answer
    else:
        initial = {"batch": f"web-{uuid4().hex[:16]}", **_begun(request, account), **kept}
        form = forms.SubmitForm(line=line, kind=kind, initial=initial)
    return render(
        request,
        "pages/submit.html",
        {
            "form": form,
            "kind": kind,
            "tabs": [
                (title, f"{reverse('pages:submit')}?kind={name}", name == kind, None)
                for name, (title, _) in WORDS.items()
            ],
            "title": WORDS[Kind(kind)][0],
            "lede": WORDS[Kind(kind)][1],
        },
    )


def _offer(
    request: HttpRequest, line: ModelLine, account: Account, form: forms.SubmitForm
) -> HttpResponse | None:
    """Offer what the form holds; None when it was refused, with the reason in the form."""
    picked = form.cleaned_data
    try:
        offered = actions.offer(
            line,
            by=account,
            kind=form.kind,
            title=picked["title"],
            rows=form.rows(),
            terms=form.terms(),
            skill=form.line_skills.get(picked["skill"]),
            description=picked["description"],
            source="web",
            batch=picked["batch"],
        )
    except (ContributionRefused, MoveRefused) as refusal:
        form.add_error(None, forms.sentence(refusal))
        return None
    request.session.pop(KEPT, None)
    contribution = offered.contribution
    if offered.repeated:
        messages.info(request, f"This was sent before, as {contribution}.")
    else:
        messages.success(request, f"{contribution} is sent. The checks take about a minute.")
    tell_refused(request, offered, form.numbered)
    return redirect(contribution)


def _ask_who(request: HttpRequest, kind: str) -> HttpResponse:
    """Keep what was typed and ask for an account; a file has to be picked again."""
    typed = {
        name: value
        for name, value in request.POST.dict().items()
        if name in forms.SubmitForm.base_fields and isinstance(value, str)
    }
    request.session[KEPT] = {**typed, "kind": kind}
    messages.info(request, "Your work is kept. Sign in or make an account, then send it.")
    return redirect(f"{reverse('pages:sign_in')}?next={reverse('pages:submit')}")


def _begun(request: HttpRequest, account: Account | None) -> dict[str, Any]:
    """What the form starts from: a skill, or an answer that this person found wrong."""
    begun: dict[str, Any] = {"skill": request.GET.get("skill", "")}
    named = request.GET.get("trace", "")
    trace = queries.trace_for(account, named) if account and named else None
    if trace is None:
        return begun
    return {
        "skill": trace.skill.name if trace.skill else "",
        "trace": trace.public_id,
        "prompt": trace.prompt,
        "original": trace.answer,
        "completion": trace.answer,
        "rejected": trace.answer,
    }

"""Writing a PR: a draft that is kept from the first key, and an account only when it is sent."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.contributions import drafts
from apps.contributions.draft_rows import new_key
from apps.contributions.drafts import Owner
from apps.contributions.errors import ContributionRefused, DraftMissing, DraftMoved
from apps.contributions.models import Draft, Kind
from apps.history.errors import MoveRefused
from apps.pages import allowances, beginnings, drafting, edits, forms
from apps.pages.beginnings import Beginning
from apps.pages.drafting import Names
from apps.pages.views.hints import rows_of, told
from apps.pages.visitors import owner_of
from apps.reviews.queue.promises import expected
from apps.skills.models import ModelLine
from apps.skills.queries import the_line
from apps.traces import clusters

WORDS = {
    Kind.CORRECTION: (
        gettext_lazy("Correct an answer"),
        gettext_lazy("The model said something wrong; say what is right."),
    ),
    Kind.PREFERENCE: (
        gettext_lazy("Compare two answers"),
        gettext_lazy("Of two answers, one is better."),
    ),
    Kind.RATING: (
        gettext_lazy("Rate an answer"),
        gettext_lazy("Say of one answer whether it is good."),
    ),
    Kind.DATASET: (
        gettext_lazy("Send rows"),
        gettext_lazy("A file, a paste or a table of questions with the right answers."),
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def submit(request: HttpRequest) -> HttpResponse:
    """Write a PR and send it."""
    try:
        line = the_line()
    except ModelLine.DoesNotExist:
        return render(request, "pages/unfounded.html")
    if request.method == "POST":
        return _take(request, line)
    return _open(request, line, owner_of(request))


def _open(request: HttpRequest, line: ModelLine, owner: Owner) -> HttpResponse:
    """The form, with the draft that this person would go on with."""
    asked = request.GET.dict()
    kind = asked["kind"] if asked.get("kind") in Kind.values else ""
    if key := asked.get("draft"):
        try:
            draft: Draft | None = drafts.draft_named(key, owner)
        except DraftMissing as missing:
            return _gone(request, key, owner, missing)
        begun = Beginning(draft.start if draft else "")
    else:
        begun = beginnings.begun(asked, line, kind or Kind.CORRECTION, owner)
        draft = None if "new" in asked else _latest(line, owner, kind, begun)
    kind = draft.kind if draft else kind or str(Kind.CORRECTION)
    initial = {"licence": forms.first_licence(line), **(draft.fields if draft else begun.fields)}
    form = forms.SubmitForm(line=line, kind=kind, initial=initial)
    names = Names(
        draft.key if draft else new_key(),
        draft.version if draft else 0,
        new_key(),
        begun.start,
    )
    context = draft.context if draft else begun.context
    return _page(request, line, owner, form, names, draft, context)


def _latest(line: ModelLine, owner: Owner, kind: str, begun: Beginning) -> Draft | None:
    if kind or begun.start:
        return drafts.latest(owner, line, kind or Kind.CORRECTION, begun.start)
    return drafts.open_drafts(owner).filter(line=line).first()


def _gone(request: HttpRequest, key: str, owner: Owner, missing: DraftMissing) -> HttpResponse:
    if sent := drafts.sent_as(key, owner):
        return redirect(sent)
    messages.warning(request, forms.sentence(missing))
    return redirect("pages:submit")


def _take(request: HttpRequest, line: ModelLine) -> HttpResponse:
    """Keep what was typed, then do what the pressed button says."""
    owner = owner_of(request, keep=True)
    names = drafting.names_in(request.POST)
    kind = request.GET.get("kind", "")
    kind = kind if kind in Kind.values else str(Kind.CORRECTION)
    do = request.POST.get("do", "send")
    if sent := drafts.sent_as(names.key, owner):
        messages.info(request, _("This was sent before, as %(pr)s.") % {"pr": sent})
        return redirect(sent)
    form = forms.SubmitForm(request.POST, request.FILES, line=line, kind=kind)
    try:
        allowances.spend(request, owner, names.key)
        incoming = form.incoming() if kind == Kind.DATASET else []
        draft = drafts.save(
            names.key,
            drafting.typed_in(request, kind, incoming),
            owner=owner,
            line=line,
            kind=kind,
            start=names.start,
            version=names.version,
            tab=names.tab,
        )
    except DraftMoved as moved:
        messages.warning(request, forms.sentence(moved))
        return redirect("pages:draft", key=names.key)
    except ContributionRefused as refusal:
        form.add_error(None, forms.sentence(refusal))
        return _page(request, line, owner, form, names, None, drafting.turns_in(request.POST))
    names = names._replace(version=draft.version)
    for note in form.notes:
        messages.info(request, note)
    if do == "send":
        if incoming and drafts.faulty(draft).exists():
            return _back(draft, "rows")
        return _send(request, line, owner, form, names, draft)
    if set(forms.SOURCES) & set(form.errors):
        form.keep_errors_of(*forms.SOURCES)
        return _page(request, line, owner, form, names, draft, draft.context)
    anchor, more = edits.apply(draft, do)
    return _back(draft, anchor, **more)


def _send(
    request: HttpRequest,
    line: ModelLine,
    owner: Owner,
    form: forms.SubmitForm,
    names: Names,
    draft: Draft,
) -> HttpResponse:
    unread = set(forms.SOURCES) & set(form.errors)
    if form.kind == Kind.DATASET and not unread and not draft.rows.exists():
        form.add_error("pasted", _("There are no rows; pick a file, paste them or type them."))
    if not form.is_valid():
        return _page(request, line, owner, form, names, draft, draft.context)
    if owner.account is None:
        messages.info(request, _("Your work is kept. Sign in or make an account, then send it."))
        back = urlencode({"next": draft.get_absolute_url()})
        return redirect(f"{settings.LOGIN_URL}?{back}")
    picked = form.cleaned_data
    try:
        offered = drafts.send(
            draft,
            by=owner.account,
            title=picked["title"],
            terms=form.terms(),
            skill=form.line_skills.get(picked["skill"]),
            description=picked["description"],
        )
    except (ContributionRefused, MoveRefused) as refusal:
        form.add_error(None, forms.sentence(refusal))
        return _page(request, line, owner, form, names, draft, draft.context)
    contribution = offered.contribution
    messages.success(
        request, _("%(pr)s is sent. The checks take about a minute.") % {"pr": contribution}
    )
    return redirect(contribution)


def _back(draft: Draft, anchor: str = "", **more: Any) -> HttpResponse:
    """To the draft as it stands now; loading it again does nothing twice."""
    query = urlencode({"draft": draft.key, **more})
    return redirect(f"{reverse('pages:submit')}?{query}{'#' + anchor if anchor else ''}")


def _page(
    request: HttpRequest,
    line: ModelLine,
    owner: Owner,
    form: forms.SubmitForm,
    names: Names,
    draft: Draft | None,
    turns: list[dict[str, str]],
) -> HttpResponse:
    kind, asked = Kind(form.kind), request.GET
    wanted = None
    if names.start.startswith("help:"):
        wanted = clusters.cluster_named(line, names.start.removeprefix("help:"))
    table = None
    if kind == Kind.DATASET:
        table = drafting.table_of(
            draft,
            first=edits.number(asked.get("from", "")),
            blanks=min(edits.number(asked.get("blank", "")), 20),
            everything=asked.get("rows") == "all",
        )
    preview = None
    if "preview" in asked and draft:
        preview = told(form, line, owner, rows_of(table) if table else (), turns)
    return render(
        request,
        "pages/submit.html",
        {
            "form": form,
            "kind": kind,
            "names": names,
            "draft": draft,
            "turns": [*turns, *([{"role": "user", "content": ""}] * ("turn" in asked))],
            "table": table,
            "asides": draft.asides.count() if draft else 0,
            "preview": preview,
            "wanted": wanted,
            "expected": expected(line),
            "turn_roles": drafting.TURN_ROLES,
            "tabs": [
                (title, f"{reverse('pages:submit')}?kind={name}", name == kind, None)
                for name, (title, _lede) in WORDS.items()
            ],
            "title": WORDS[kind][0],
            "lede": WORDS[kind][1],
        },
    )

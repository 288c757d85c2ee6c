"""What people do on the page of a PR: talk, suggest, apply, react, label, resolve, close."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.contributions import queries as contributions
from apps.contributions import rules
from apps.contributions.discussion import actions, queries, suggesting
from apps.contributions.discussion import rules as talking
from apps.contributions.discussion.models import Comment, Field, Label, Part, Thread, Tone
from apps.contributions.errors import ContributionRefused
from apps.contributions.filters import Filter, Term
from apps.contributions.models import Contribution, Row
from apps.contributions.rows import mark_of
from apps.contributions.stages import Stage
from apps.history.errors import MoveRefused
from apps.history.models import Proposal
from apps.pages import forms, markdown, reviewing, talk
from apps.pages.views.contributions import ROWS_A_PAGE, do, seen
from apps.pages.who import account_of
from apps.reviews import actions as reviews
from apps.reviews.errors import ReviewRefused
from apps.reviews.models import Verdict

# The forms that the preview may hand a text on to.
PREVIEWED = ("comment", "say_on_row", "answer", "edit_comment")


@require_POST
@login_required
def comment(request: HttpRequest, number: int) -> HttpResponse:
    """Say something under a PR."""
    contribution = seen(request, number)
    said: list[Comment] = []
    act = lambda: said.append(  # noqa: E731
        actions.say(contribution, by=account_of(request), text=_text(request))
    )
    answer = do(request, contribution, act, "")
    return redirect(said[0]) if said else answer


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def say_on_row(request: HttpRequest, number: int, place: int, field: str) -> HttpResponse:
    """Open a thread on a field of a row: the form, and what it sends."""
    contribution = seen(request, number)
    row = _row(request, contribution, place, field)
    refusal = ""
    if request.method == "POST":
        try:
            said = actions.say_on(row, field, by=account_of(request), **_remark(request))
        except ContributionRefused as error:
            refusal = forms.sentence(error)
        else:
            return redirect(said)
    return _form(
        request,
        contribution,
        "pages/say_on_row.html",
        {
            "row": row,
            "field": field,
            "field_name": talk.name_of(Field(field), row),
            "quote": getattr(row, field),
            "suggested": request.POST.get("suggested", getattr(row, field)),
            "text": _text(request),
            "refusal": refusal,
        },
    )


@require_POST
@login_required
def answer(request: HttpRequest, number: int, thread: int) -> HttpResponse:
    """Say something in a thread; the same form can resolve it."""
    contribution = seen(request, number)
    found = _thread(contribution, thread)
    said: list[Comment] = []

    def act() -> None:
        text, remark = _text(request), _remark(request)
        if text.strip():
            said.append(actions.answer(found, by=account_of(request), **remark))
        if "resolve" in request.POST:
            actions.resolve(
                found, by=account_of(request), resolved=request.POST["resolve"] == "yes"
            )
        elif not text.strip():
            raise ContributionRefused(_("the comment is empty; write something or leave it"))

    return do(request, contribution, act, "", to=_back(request, contribution, f"thread-{found.pk}"))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit_comment(request: HttpRequest, number: int, key: int) -> HttpResponse:
    """Change one's own words: the form, and what it sends."""
    contribution = seen(request, number)
    said = _own_comment(request, contribution, key)
    refusal, text = "", said.text
    if request.method == "POST":
        text = _text(request)
        try:
            actions.edit(said, by=account_of(request), text=text)
        except ContributionRefused as error:
            refusal = forms.sentence(error)
        else:
            return redirect(said)
    return _form(
        request,
        contribution,
        "pages/edit_comment.html",
        {"said": said, "text": text, "refusal": refusal},
    )


@require_POST
@login_required
def discard(request: HttpRequest, number: int, key: int) -> HttpResponse:
    """Throw away a remark that nobody else has read."""
    contribution = seen(request, number)
    said = _own_comment(request, contribution, key)
    act = lambda: actions.discard(said, by=account_of(request))  # noqa: E731
    return do(request, contribution, act, "", to=_back(request, contribution, ""))


@require_safe
def wordings(request: HttpRequest, number: int, key: int) -> HttpResponse:
    """Every earlier wording of a comment, each beside the one that followed."""
    contribution = seen(request, number)
    said = get_object_or_404(_readable(request, contribution), pk=key)
    texts = [(w.text, w.written_at) for w in said.wordings.all()]
    texts.append((said.text, said.edited_at or said.created_at))
    steps = [
        {"before": was, "after": became, "at": at} for (was, _at), (became, at) in pairwise(texts)
    ]
    return render(
        request,
        "pages/wordings.html",
        {"contribution": contribution, "said": said, "steps": steps[::-1], "first": texts[0]},
    )


@require_safe
def comment_link(request: HttpRequest, number: int, key: int) -> HttpResponse:
    """The lasting address of a comment: it leads to where the comment stands now."""
    contribution = seen(request, number)
    said = get_object_or_404(queries.comments_for(contribution, request.user), pk=key)
    home = contribution.get_absolute_url()
    stands_at = getattr(said, "stands_at", None)
    if said.thread_id and stands_at is not None:
        start = stands_at // ROWS_A_PAGE * ROWS_A_PAGE + 1
        return redirect(f"{home}/rows{f'?from={start}' if start > 1 else ''}#comment-{said.pk}")
    return redirect(f"{home}#comment-{said.pk}")


@require_POST
@login_required
def react(request: HttpRequest, number: int, key: int) -> HttpResponse:
    """Put a reaction under a comment, or take it back."""
    contribution = seen(request, number)
    said = get_object_or_404(_readable(request, contribution), pk=key)
    act = lambda: actions.react(  # noqa: E731
        said, by=account_of(request), feeling=request.POST.get("feeling", "")
    )
    return do(request, contribution, act, "", to=_back(request, contribution, f"comment-{key}"))


@require_POST
@login_required
def apply(request: HttpRequest, number: int) -> HttpResponse:
    """Apply one suggestion, or several as one revision."""
    contribution = seen(request, number)
    keys = [int(key) for key in request.POST.getlist("suggestion") if _is_key(key)]
    made = queries.suggestions_named(contribution, keys)
    told = ngettext("%d suggestion is applied", "%d suggestions are applied", len(made)) % len(made)
    return do(
        request,
        contribution,
        lambda: suggesting.apply(
            contribution, made, by=account_of(request), digest=request.POST.get("digest", "")
        ),
        _("%(told)s; the rows are checked again.") % {"told": told},
    )


@require_POST
@login_required
def finish_review(request: HttpRequest, number: int) -> HttpResponse:
    """Submit pending remarks, perhaps with a verdict."""
    contribution = seen(request, number)
    verdict = request.POST.get("verdict", "")
    try:
        submitted, became = reviews.finish(
            contribution,
            by=account_of(request),
            verdict=verdict if verdict in Verdict.values else "",
            digest=request.POST.get("digest", ""),
            because=request.POST.get("because", "").strip(),
        )
    except (ReviewRefused, ContributionRefused, MoveRefused) as refusal:
        messages.error(request, forms.sentence(refusal))
        return redirect(_back(request, contribution, "review"))
    if verdict and contribution.stage == Stage.IN_REVIEW:
        messages.info(request, reviewing.awaited_in_words(contribution, account_of(request)))
        return redirect(contribution)
    told = ngettext("%d remark is submitted.", "%d remarks are submitted.", submitted) % submitted
    messages.success(request, told)
    if isinstance(became, Proposal):
        messages.info(request, _("Proposed. It is released when a second person agrees."))
    return redirect(contribution)


@require_POST
@login_required
def tick(request: HttpRequest, number: int) -> HttpResponse:
    """Tick a row as viewed, or take the tick back."""
    contribution = seen(request, number)
    place = request.POST.get("row", "")
    row = _row(request, contribution.reverts or contribution, int(place) if _is_key(place) else 0)
    actions.tick(
        contribution,
        by=account_of(request),
        marks=[mark_of(row)],
        seen=request.POST.get("seen") == "yes",
    )
    return redirect(_back(request, contribution, f"row-{place}"))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def labels(request: HttpRequest, number: int) -> HttpResponse:
    """Which labels a PR has: the form, and what it sends."""
    contribution = seen(request, number)
    if request.method == "POST":
        names = request.POST.getlist("label")
        act = lambda: actions.set_labels(  # noqa: E731
            contribution, by=account_of(request), names=names
        )
        return do(request, contribution, act, "")
    return _form(
        request,
        contribution,
        "pages/labels_of.html",
        {
            "labels": list(queries.labels()),
            "set": {label["name"] for label in getattr(contribution, "label_list", [])},
            "may_make": talking.may_make_labels(request.user),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def people(request: HttpRequest, number: int) -> HttpResponse:
    """Who is asked to review a PR, and who looks after it: the form, and what it sends."""
    contribution = seen(request, number)
    involved = getattr(contribution, "involved_list", [])
    if request.method == "POST":

        def act() -> None:
            for part in Part:
                names = request.POST.get(part.value, "").replace(",", " ").split()
                actions.set_involved(contribution, by=account_of(request), part=part, names=names)

        return do(request, contribution, act, "")
    named = {p.value: ", ".join(i["name"] for i in involved if i["part"] == p) for p in Part}
    return _form(request, contribution, "pages/people_of.html", {"named": named})


@require_POST
@login_required
def lock(request: HttpRequest, number: int) -> HttpResponse:
    """Close the conversation for all but the team, or open it again."""
    contribution = seen(request, number)
    locked = request.POST.get("locked") == "yes"
    act = lambda: actions.lock(  # noqa: E731
        contribution,
        by=account_of(request),
        locked=locked,
        because=request.POST.get("because", ""),
    )
    done = _("The conversation is closed.") if locked else _("The conversation is open again.")
    return do(request, contribution, act, done)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def all_labels(request: HttpRequest) -> HttpResponse:
    """Every label; a maintainer makes new ones."""
    if request.method == "POST":
        try:
            actions.make_label(
                request.POST.get("name", ""),
                by=account_of(request),
                tone=request.POST.get("tone", ""),
                description=request.POST.get("description", ""),
            )
        except ContributionRefused as refusal:
            messages.error(request, forms.sentence(refusal))
        return redirect("pages:labels")
    return render(
        request,
        "pages/labels.html",
        {
            "labels": [
                (one, str(Filter((Term("label", one.name),)))) for one in Label.objects.all()
            ],
            "tones": Tone.choices,
            "may_make": talking.may_make_labels(request.user),
        },
    )


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What is being written, as it will look; a fragment for scripts, else a page of its own."""
    text = _text(request)[: actions.LONGEST_COMMENT]
    names = actions.known_names(text)
    shown = markdown.render(text, names)
    if request.headers.get("HX-Request"):
        return HttpResponse(shown or _("Nothing to show yet."))
    return render(
        request,
        "pages/preview.html",
        {
            "shown": shown,
            "text": text,
            "suggested": request.POST.get("suggested", ""),
            "goes_to": _previewed(request.POST.get("goes_to", "")),
        },
    )


@require_safe
@login_required
def complete(request: HttpRequest) -> JsonResponse:
    """What a begun `@name` or `#title` could become."""
    begun = request.GET.get("begun", "")[:40]
    sign, word = begun[:1], begun[1:]
    if sign == "@" and word:
        found = [{"word": f"@{name}", "tells": ""} for name in queries.names_like(word)]
    elif sign == "#":
        found = [{"word": f"#{n}", "tells": title} for n, title in queries.prs_like(word)]
    else:
        found = []
    return JsonResponse({"found": found})


def _form(
    request: HttpRequest, contribution: Contribution, template: str, context: Mapping[str, Any]
) -> HttpResponse:
    """A form as a page of its own, or as the part of one that a script has asked for."""
    part = bool(request.headers.get("HX-Request"))
    return render(
        request,
        template,
        {**context, "contribution": contribution, "part": part, "path": request.path},
        status=422 if context.get("refusal") else 200,
    )


def _row(request: HttpRequest, contribution: Contribution, place: int, field: str = "") -> Row:
    """A row of the current revision by its place (from one), if this visitor may read it."""
    if not rules.may_see_rows(request.user, contribution) or (field and field not in Field.values):
        raise Http404
    rows = contributions.rows_of(contribution).select_related("revision__contribution")
    return get_object_or_404(rows, position=place - 1)


def _thread(contribution: Contribution, key: int) -> Thread:
    found = Thread.objects.select_related("contribution__author", "row")
    return get_object_or_404(found, contribution=contribution, pk=key)


def _readable(request: HttpRequest, contribution: Contribution) -> Any:
    """The comments that this visitor may read."""
    found = queries.comments_for(contribution, request.user)
    if not rules.may_see_rows(request.user, contribution):
        found = found.filter(thread=None)
    return found.select_related("contribution", "author", "thread__row")


def _own_comment(request: HttpRequest, contribution: Contribution, key: int) -> Comment:
    return get_object_or_404(_readable(request, contribution), pk=key)


def _text(request: HttpRequest) -> str:
    return request.POST.get("text", "")


def _remark(request: HttpRequest) -> dict[str, Any]:
    """What a form of a thread sends. A browser ends lines with two signs, our rows with one."""
    suggested = request.POST.get("suggested", "").replace("\r\n", "\n")
    wanted = request.POST.get("suggest") == "yes"
    return {
        "text": _text(request),
        "suggested": suggested if wanted else "",
        "pending": "pending" in request.POST,
    }


def _back(request: HttpRequest, contribution: Contribution, anchor: str) -> str:
    """The tab from which a form was sent, at the thing it was about."""
    home, tab = contribution.get_absolute_url(), request.POST.get("tab", "")
    start = request.POST.get("from", "")
    where = f"{home}/rows" if tab == "rows" else home
    query = f"?from={start}" if tab == "rows" and _is_key(start) and start != "1" else ""
    return f"{where}{query}{f'#{anchor}' if anchor else ''}"


def _previewed(path: str) -> str:
    """The form that a previewed text goes to, if it is one of ours."""
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    return path if match.app_name == "pages" and match.url_name in PREVIEWED else ""


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19

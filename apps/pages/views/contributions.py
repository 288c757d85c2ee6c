"""PRs: the list, the page of each, and what its author and its readers can do with it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.checks.queries import screening_with_findings
from apps.community.life import NOW, life_of_contribution
from apps.contributions import actions, rules
from apps.contributions import queries as contributions
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Contribution, Kind, Row
from apps.contributions.stages import Stage
from apps.history import queries as history
from apps.history.errors import MoveRefused
from apps.pages import forms, life, looks, queries
from apps.pages.paging import slice_of
from apps.pages.who import account_of, signed_in
from apps.reviews import queries as reviews
from apps.reviews import rules as review_rules
from apps.skills.models import Skill
from openflywheel.reading.files import Numbered

ROWS_IN_VIEW, ROWS_A_PAGE = 3, 25
OPEN = contributions.OPEN


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The PRs, newest first, by state, skill, author and words of the title."""
    state = request.GET.get("state", "open")
    state = state if state in queries.STATES else "open"
    asked = {name: request.GET.get(name, "").strip() for name in ("skill", "author", "text")}
    kept = "".join(f"&{name}={value}" for name, value in asked.items() if value)
    found = queries.listed(state, **asked)
    return render(
        request,
        "pages/contributions.html",
        {
            "state": state,
            "asked": asked,
            "tabs": [
                (name.capitalize(), f"?state={name}{kept}", name == state, None)
                for name in queries.STATES
            ],
            "skills": Skill.objects.values_list("name", "title"),
            "page": slice_of(found, {**asked, "state": state, **request.GET.dict()}),
        },
    )


@require_safe
def show(request: HttpRequest, number: int) -> HttpResponse:
    """One PR: what it proposes, where it stands, who must act, and everything that happened."""
    contribution = _seen(request, number)
    account = signed_in(request)
    may_see = rules.may_see_rows(request.user, contribution)
    rows = list(contributions.rows_of(contribution)[:ROWS_IN_VIEW]) if may_see else []
    comments = list(contribution.comments.select_related("author"))
    told = life_of_contribution(contribution, rows_seen=may_see)
    place = queries.place_in_queue(contribution) if contribution.stage == Stage.IN_REVIEW else None
    yours = account is not None and rules.is_author(account, contribution)
    return render(
        request,
        "pages/contribution.html",
        {
            **_frame(contribution, "conversation", account),
            "may_see": may_see,
            "rows": rows,
            "findings": told.screening.findings.all() if told.screening else [],
            "screening": told.screening,
            "talk": sorted([*told.decisions, *comments], key=lambda said: said.created_at),
            "stops": life.stops(told),
            "served": told.live,
            "step": life.next_step(contribution, place, told.live),
            "moving": any(hop.state == NOW for hop in [*told.hops, *told.ahead]),
            "may_revise": yours and contribution.stage == Stage.CHANGES_REQUESTED,
            "may_withdraw": yours and contribution.stage in (*OPEN, Stage.DRAFT),
            "comment": forms.CommentForm(),
        },
    )


@require_safe
def rows(request: HttpRequest, number: int) -> HttpResponse:
    """Every row of the current revision, with what it changes, and the rows that were refused."""
    contribution = _seen(request, number)
    may_see = rules.may_see_rows(request.user, contribution)
    start = request.GET.get("from", "1")
    first = max(int(start) - 1, 0) if start.isascii() and start.isdigit() and len(start) < 8 else 0
    found = contributions.rows_of(contribution).filter(position__gte=first)
    shown = list(found[: ROWS_A_PAGE + 1]) if may_see else []
    revision = contributions.current_revision(contribution)
    return render(
        request,
        "pages/contribution_rows.html",
        {
            **_frame(contribution, "rows", signed_in(request)),
            "may_see": may_see,
            "rows": shown[:ROWS_A_PAGE],
            "before": max(first - ROWS_A_PAGE, 0) + 1 if first else None,
            "after": first + ROWS_A_PAGE + 1 if len(shown) > ROWS_A_PAGE else None,
            "refused": [{**bad, "row": bad["row"] + 1} for bad in revision.refused[:100]],
            "revision": revision,
        },
    )


@require_safe
def checks(request: HttpRequest, number: int) -> HttpResponse:
    """What the screens found in the current revision."""
    contribution = _seen(request, number)
    screening = screening_with_findings(contribution)
    return render(
        request,
        "pages/contribution_checks.html",
        {
            **_frame(contribution, "checks", signed_in(request)),
            "screening": screening,
            "findings": screening.findings.all() if screening else [],
        },
    )


@require_safe
def past(request: HttpRequest, number: int) -> HttpResponse:
    """The record of a PR: each line with its digest, which the next line builds on."""
    contribution = _seen(request, number)
    return render(
        request,
        "pages/contribution_history.html",
        {
            **_frame(contribution, "history", signed_in(request)),
            "events": history.life_of(contribution)[:500],
            "revisions": contribution.revisions.all(),
        },
    )


@require_POST
@login_required
def comment(request: HttpRequest, number: int) -> HttpResponse:
    """Say something under a PR."""
    contribution = _seen(request, number)
    return _do(
        request,
        contribution,
        lambda: actions.comment(
            contribution, by=account_of(request), text=request.POST.get("text", "")
        ),
        "Your comment stands below.",
    )


@require_POST
@login_required
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Take a PR back."""
    contribution = _seen(request, number)
    return _do(
        request,
        contribution,
        lambda: actions.withdraw(
            contribution, by=account_of(request), because=request.POST.get("because", "")
        ),
        f"{contribution} is withdrawn.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def revise(request: HttpRequest, number: int) -> HttpResponse:
    """Send new rows for a PR that was asked to change."""
    contribution = _seen(request, number)
    account = account_of(request)
    if not rules.is_author(account, contribution):
        raise PermissionDenied("A PR gets its new rows from its author.")
    if contribution.stage != Stage.CHANGES_REQUESTED:
        messages.error(request, f"{contribution} does not wait for new rows.")
        return redirect(contribution)
    kept = "\n".join(_as_line(row) for row in contributions.rows_of(contribution))
    form = forms.ReviseForm(request.POST or None, initial={"pasted": kept})
    if request.method == "POST" and form.is_valid():
        try:
            offered = actions.revise(
                contribution, by=account, rows=form.rows(), note=form.cleaned_data["note"]
            )
        except (ContributionRefused, MoveRefused) as refusal:
            form.add_error("pasted", forms.sentence(refusal))
        else:
            messages.success(request, f"Revision {contribution.revision} is being checked.")
            tell_refused(request, offered, form.numbered)
            return redirect(contribution)
    decision = reviews.decisions_on(contribution).last()
    return render(
        request,
        "pages/revise.html",
        {"contribution": contribution, "form": form, "decision": decision},
    )


def tell_refused(
    request: HttpRequest, offered: actions.Offered, numbered: Sequence[Numbered]
) -> None:
    """Say which rows were left out, by their lines, and why; what was good is kept."""
    lines = [f"line {line}" for line, _ in numbered] or ["row 1"]
    told = [f"{lines[bad.row]}: {bad.detail}; {bad.mend}" for bad in offered.refused]
    if told:
        kept = offered.contribution.row_count
        more = f" and {len(told) - 5} more" if len(told) > 5 else ""
        messages.warning(
            request, f"{kept} rows are kept, {len(told)} are not. {'. '.join(told[:5])}{more}."
        )


def _seen(request: HttpRequest, number: int) -> Contribution:
    """The PR, if this visitor may know of it; a draft is its author's alone."""
    found = Contribution.objects.select_related("author", "skill")
    contribution = get_object_or_404(found, pk=number)
    if contribution.stage == Stage.DRAFT and not rules.is_author(request.user, contribution):
        raise Http404
    return contribution


def _frame(contribution: Contribution, tab: str, account: Any) -> dict[str, Any]:
    """What the head of each tab shows."""
    home = contribution.get_absolute_url()
    named = {"conversation": "", "rows": "/rows", "checks": "/checks", "history": "/history"}
    counts = {"rows": contribution.row_count}
    facts = [
        ("Kind", Kind(contribution.kind).label),
        ("Skill", contribution.skill.title if contribution.skill else "not named"),
        ("Rows", contribution.row_count),
        ("Revision", contribution.revision),
        ("Licence", contribution.licence),
        ("Consent", contribution.get_consent_display()),
        ("Came by", contribution.source or "–"),
        ("Digest", looks.digest(contribution.digest[:12])),
    ]
    return {
        "contribution": contribution,
        "tabs": [
            (name.capitalize(), f"{home}{path}", name == tab, counts.get(name))
            for name, path in named.items()
        ],
        "facts": facts,
        "may_decide": account is not None
        and review_rules.may_decide(account)
        and contribution.author_id != account.pk
        and contribution.stage in (Stage.IN_REVIEW, Stage.QUARANTINED),
    }


def _as_line(row: Row) -> str:
    """A row as its author sent it, as a line of JSON to be edited."""
    given = {
        "prompt": row.prompt,
        "original": row.original,
        "completion": row.completion,
        "chosen": row.chosen,
        "rejected": row.rejected,
        "label": row.label,
        "skill": row.skill.name if row.skill else "",
    }
    said = {name: value for name, value in given.items() if value not in ("", None)}
    return json.dumps(said, ensure_ascii=False)


def _do(
    request: HttpRequest, contribution: Contribution, act: Callable[[], object], done: str
) -> HttpResponse:
    """Run an action and go back to the PR, with what was done or why it was refused."""
    try:
        act()
    except (ContributionRefused, MoveRefused) as refusal:
        messages.error(request, forms.sentence(refusal))
    else:
        messages.success(request, done)
    return redirect(contribution)

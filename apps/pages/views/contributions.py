"""The page of a PR: where it stands, what it proposes, what was found, measured and recorded."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Account
from apps.builds import train
from apps.checks.queries import screening_with_findings
from apps.community.life import NOW, life_of_contribution
from apps.contributions import actions, reverting, rules
from apps.contributions import queries as contributions
from apps.contributions.discussion import queries as discussion
from apps.contributions.discussion import rules as talking
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Consent, Contribution, Kind
from apps.contributions.revisions import of_revision
from apps.contributions.rows import mark_of
from apps.contributions.stages import Stage
from apps.history import queries as history
from apps.history.errors import MoveRefused
from apps.pages import desk, forms, life, looks, queries, talk
from apps.pages.paging import slice_of
from apps.pages.who import account_of, signed_in
from apps.reviews import rules as review_rules
from apps.reviews.agreement.halves import is_low_risk
from apps.reviews.agreement.queries import closed_rounds_on, voices_on
from apps.reviews.evidence import queries as measuring
from apps.reviews.models import Verdict
from apps.reviews.queue.places import place_of

ROWS_IN_VIEW, ROWS_A_PAGE = 3, 25
EVENTS_A_PAGE = 200
EXAMPLES = 12
OPEN = contributions.OPEN
MAY_CHANGE = (Stage.IN_REVIEW, Stage.CHANGES_REQUESTED, Stage.REJECTED)


@require_safe
def show(request: HttpRequest, number: int) -> HttpResponse:
    """One PR: what it proposes, where it stands, who must act, and everything that was said."""
    contribution = seen(request, number)
    account = signed_in(request)
    may_see = rules.may_see_rows(request.user, contribution)
    shown = contribution.reverts or contribution
    rows = list(contributions.rows_of(shown)[:ROWS_IN_VIEW]) if may_see else []
    talks = discussion.conversation(contribution, request.user)
    talks = [t for t in talks if may_see or t.thread is None]
    told = life_of_contribution(contribution, rows_seen=may_see)
    yours = account is not None and rules.is_author(account, contribution)
    waiting = contribution.stage == Stage.ACCEPTED and not told.live and not contribution.reverts_id
    trains = waiting and contribution.consent == Consent.TRAIN and not taken_out(contribution)
    train_place = train.place_of(contribution) if trains else None
    closes = train.closes(timezone.now()) if train_place else None
    queued = contribution.stage == Stage.IN_REVIEW
    place = place_of(contribution) if queued else None
    framed = frame(contribution, "conversation", account)
    stranded_at = framed["voices"].stranded_at if framed["voices"] else None
    promise = None if stranded_at else life.promised(contribution, told)
    accepted = contribution.stage == Stage.ACCEPTED
    back = desk.way_back(contribution, told.decisions)
    return render(
        request,
        "pages/contribution.html",
        {
            **framed,
            "may_see": may_see,
            "rows": rows,
            "more_rows": shown.row_count > len(rows),
            "evidence": measuring.shown(contribution, rows_seen=may_see),
            "findings": told.screening.findings.all() if told.screening else [],
            "screening": told.screening,
            "said": talk.timeline(talks, told.decisions, contribution, request.user),
            "waiting_changes": discussion.applicable(talks)
            if yours and takes_rows(contribution)
            else [],
            "stops": life.stops(told),
            "served": told.live,
            "step": life.next_step(contribution, place, told.live, back["left"], stranded_at),
            "due": closes if accepted else promise and promise.by,
            "promise": promise,
            "missing": life.missing(contribution, told, sum(t.open for t in talks)),
            "train_place": train_place,
            "closes": closes,
            "rounds": list(closed_rounds_on(contribution)),
            "moving": any(hop.state == NOW for hop in [*told.hops, *told.ahead]),
            "may_revise": yours and takes_rows(contribution),
            "may_withdraw": yours and contribution.stage in (*OPEN, Stage.DRAFT),
            "may_revert": account is not None and _may_revert(account, contribution),
            "may_say": talking.may_say(request.user, contribution),
            "may_label": talking.may_label(request.user, contribution),
            "may_lock": talking.may_lock(request.user),
            **back,
        },
    )


@require_safe
def rows(request: HttpRequest, number: int, revision: int | None = None) -> HttpResponse:
    """Every row of a revision (by default the one that stands), with the threads on it."""
    contribution = seen(request, number)
    may_see = rules.may_see_rows(request.user, contribution)
    account = signed_in(request)
    past = revision is not None and revision != contribution.revision
    sent = get_object_or_404(contribution.revisions, number=revision or contribution.revision)
    first = _first(request)
    shown = contribution.reverts or contribution
    every = of_revision(shown, sent.number if shown is contribution else shown.revision)
    talks = discussion.conversation(contribution, request.user) if may_see else []
    marks = discussion.marks_seen(contribution, request.user)
    look = talk.Look.of(request.GET)
    page = list(every.filter(position__gte=first)[: ROWS_A_PAGE + 1]) if may_see else []
    pending = [c for t in talks for c in t.comments if c.pending]
    return render(
        request,
        "pages/contribution_rows.html",
        {
            **frame(contribution, "rows", account),
            "may_see": may_see,
            "rows": talk.opened(
                page[:ROWS_A_PAGE], [] if past else talks, marks, request.user, contribution
            ),
            "look": look,
            "looks": look.choices(request.GET),
            "first": first + 1,
            "before": max(first - ROWS_A_PAGE, 0) + 1 if first else None,
            "after": first + ROWS_A_PAGE + 1 if len(page) > ROWS_A_PAGE else None,
            "refused": [{**bad, "row": bad["row"] + 1} for bad in sent.refused[:100]],
            "sent": sent,
            "past": past,
            # Only who ticks rows off pays for counting them.
            "ticked": sum(mark_of(row) in marks for row in every.iterator()) if marks else 0,
            "many": shown.row_count,
            "may_say": not past and may_see and talking.may_say(request.user, contribution),
            "pending": pending,
            "verdicts": _verdicts(contribution, account),
        },
    )


@require_safe
def checks(request: HttpRequest, number: int) -> HttpResponse:
    """What the screens found in the current revision, with the rows in question."""
    contribution = seen(request, number)
    screening = screening_with_findings(contribution)
    found = list(screening.findings.all()) if screening else []
    may_see = rules.may_see_rows(request.user, contribution)
    return render(
        request,
        "pages/contribution_checks.html",
        {
            **frame(contribution, "checks", signed_in(request)),
            "screening": screening,
            "findings": talk.with_rows(contribution, found)
            if may_see
            else [(f, []) for f in found],
            "blocking": {f.screen for f in found if f.severity == "quarantine"},
            "finding_screens": {f.screen for f in found},
        },
    )


@require_safe
def evidence(request: HttpRequest, number: int) -> HttpResponse:
    """What the rows would do to the live model: its answers, and those of a preview."""
    contribution = seen(request, number)
    may_see = rules.may_see_rows(request.user, contribution)
    told = measuring.shown(contribution, rows_seen=may_see, examples=EXAMPLES)
    return render(
        request,
        "pages/contribution_evidence.html",
        {
            **frame(contribution, "evidence", signed_in(request)),
            "may_see": may_see,
            "told": told,
            "measuring": told.state in measuring.UNDER_WAY,
        },
    )


@require_safe
def effects(request: HttpRequest, number: int) -> HttpResponse:
    """What has been measured so far: the builds that hold the PR, and where they are served."""
    contribution = seen(request, number)
    return render(
        request,
        "pages/contribution_effects.html",
        {
            **frame(contribution, "effects", signed_in(request)),
            "effects": queries.effects_of(contribution),
        },
    )


@require_safe
def past(request: HttpRequest, number: int) -> HttpResponse:
    """The record of a PR: each line with its digest, which the next line builds on."""
    contribution = seen(request, number)
    return render(
        request,
        "pages/contribution_history.html",
        {
            **frame(contribution, "history", signed_in(request)),
            "page": slice_of(history.life_of(contribution), request.GET, EVENTS_A_PAGE),
        },
    )


@require_safe
def as_json(request: HttpRequest, number: int, part: str = "") -> HttpResponse:
    """The REST face says the same as data, to the same reader (by session or by token)."""
    named = {"": "contribution", "rows": "contribution-rows", "history": "life"}
    named |= {"checks": "contribution", "effects": "life", "evidence": "evidence"}
    if part not in named:
        raise Http404
    return redirect(reverse(f"api:{named[part]}", args=[seen(request, number).pk]))


@require_POST
@login_required
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Take a PR back."""
    contribution = seen(request, number)
    return do(
        request,
        contribution,
        lambda: actions.withdraw(
            contribution, by=account_of(request), because=request.POST.get("because", "")
        ),
        _("%s is withdrawn.") % contribution,
    )


@require_POST
@login_required
def revert(request: HttpRequest, number: int) -> HttpResponse:
    """Propose to take accepted rows out again, as a PR of its own."""
    contribution = seen(request, number)
    try:
        proposed = reverting.propose_revert(
            contribution, by=account_of(request), because=request.POST.get("because", "")
        )
    except ContributionRefused as refusal:
        messages.error(request, forms.sentence(refusal))
        return redirect(contribution)
    messages.success(request, _("A maintainer decides on it now."))
    return redirect(proposed)


def seen(request: HttpRequest, number: int) -> Contribution:
    """The PR, if this visitor may know of it; a draft is its author's alone."""
    contribution = get_object_or_404(queries.with_marks(Contribution.objects.all()), pk=number)
    if contribution.stage == Stage.DRAFT and not rules.is_author(request.user, contribution):
        raise Http404
    return contribution


def taken_out(contribution: Contribution) -> dict[str, Any] | None:
    """Number and stage of the PR that takes the rows out again, where there is one."""
    return getattr(contribution, "taken_out_by", None)


def frame(contribution: Contribution, tab: str, account: Account | None) -> dict[str, Any]:
    """What the head of each tab shows."""
    home = contribution.get_absolute_url()
    parts = [
        ("conversation", _("Conversation"), "", None),
        ("rows", _("Rows"), "/rows", (contribution.reverts or contribution).row_count),
        ("revisions", _("Revisions"), "/revisions", contribution.revision),
        ("checks", _("Checks"), "/checks", None),
        ("evidence", _("Evidence"), "/evidence", None),
        ("effects", _("Effects"), "/effects", None),
        ("history", _("History"), "/history", None),
    ]
    return {
        "contribution": contribution,
        "tab": tab,
        "tabs": [(word, f"{home}{path}", name == tab, count) for name, word, path, count in parts],
        "facts": _facts(contribution),
        "yours": account is not None and contribution.author_id == account.pk,
        "may_decide": bool(_verdicts(contribution, account)),
        "voices": voices_on(contribution) if contribution.stage == Stage.IN_REVIEW else None,
    }


def do(
    request: HttpRequest,
    contribution: Contribution,
    act: Callable[[], object],
    done: str,
    to: str = "",
) -> HttpResponse:
    """Run an action and go back, with what was done or why it was refused."""
    try:
        act()
    except (ContributionRefused, MoveRefused) as refusal:
        messages.error(request, forms.sentence(refusal))
    else:
        if done:
            messages.success(request, done)
    return redirect(to or contribution)


def _facts(contribution: Contribution) -> list[tuple[str, object]]:
    return [
        (_("Kind"), Kind(contribution.kind).label),
        (_("Skill"), contribution.skill.title if contribution.skill else _("not named")),
        (_("Rows"), contribution.row_count),
        (_("Revision"), contribution.revision),
        (_("Licence"), contribution.licence),
        (_("Consent"), contribution.get_consent_display()),
        (_("Came by"), contribution.source or "–"),
        (_("Digest"), looks.digest(contribution.digest[:12])),
    ]


def _verdicts(contribution: Contribution, account: Account | None) -> list[Verdict]:
    """What this visitor may decide now."""
    if account is None or contribution.author_id == account.pk:
        return []
    if not review_rules.may_review(account):
        return []
    half = not review_rules.may_decide(account)
    if half and (contribution.stage != Stage.IN_REVIEW or not is_low_risk(contribution)):
        return []
    if contribution.stage == Stage.IN_REVIEW:
        return [Verdict.ACCEPT, Verdict.CHANGES, Verdict.REJECT]
    releases = contribution.stage == Stage.QUARANTINED and account.role in review_rules.RELEASE
    return [Verdict.RELEASE, Verdict.REJECT] if releases else []


def takes_rows(contribution: Contribution) -> bool:
    """Whether its author can change the rows now."""
    return contribution.stage in MAY_CHANGE and not contribution.reverts_id


def _may_revert(account: Account, contribution: Contribution) -> bool:
    if contribution.stage != Stage.ACCEPTED or contribution.reverts_id:
        return False
    own = rules.is_author(account, contribution)
    return not taken_out(contribution) and (own or account.role in reverting.PROPOSE)


def _first(request: HttpRequest) -> int:
    """The place (from nought) of the first row to show."""
    start = request.GET.get("from", "1")
    return max(int(start) - 1, 0) if start.isascii() and start.isdigit() and len(start) < 8 else 0

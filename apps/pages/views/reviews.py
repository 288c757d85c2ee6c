"""The review desk: the queue, and one screen on which a person decides."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Account
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Contribution
from apps.contributions.rules import may_see_rows
from apps.contributions.stages import Stage
from apps.history.errors import MoveRefused
from apps.pages import desk as screens
from apps.pages import forms
from apps.pages.who import at_the_desk
from apps.reviews import actions, queries, rules
from apps.reviews.agreement.actions import next_special
from apps.reviews.desk import appealing, editing, knowing, pending, viewing
from apps.reviews.desk.models import Pending, Step
from apps.reviews.errors import ReviewRefused
from apps.reviews.models import Verdict
from apps.reviews.queue.skips import passed_on

IN_VIEW = 25

# What is in effect at once: a line may leave no time to undo.
DONE = {
    Step.ACCEPT: gettext_noop("%s is accepted."),
    Step.CHANGES: gettext_noop("%s is sent back with what should change."),
    Step.REJECT: gettext_noop("%s is rejected."),
    Step.ESCALATE: gettext_noop("%s waits for a maintainer."),
    Verdict.RELEASE: gettext_noop("%s is released from quarantine to the queue."),
}


@require_safe
@login_required
def desk(request: HttpRequest) -> HttpResponse:
    """What waits for this reviewer, oldest first, and what the screens set aside."""
    account = at_the_desk(request)
    decides = rules.may_decide(account)
    return render(
        request,
        "pages/desk.html",
        {
            "decides": decides,
            "waiting": list(queries.queue_for(account)[: IN_VIEW + 1]),
            "in_view": IN_VIEW,
            "quarantined": list(queries.quarantine()[: IN_VIEW + 1]) if decides else [],
            "appeals": list(appealing.waiting_for(account)[:IN_VIEW]) if decides else [],
            "passed_on": list(passed_on(account)[:IN_VIEW]),
            "may_release": account.role in rules.RELEASE,
            **screens.bar(list(pending.of(account))),
        },
    )


@require_POST
@login_required
def take_next(request: HttpRequest) -> HttpResponse:
    """Claim the next PR of the queue and open it."""
    return redirect(to_the_next(at_the_desk(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def review(request: HttpRequest, number: int) -> HttpResponse:
    """One PR with everything a decision needs; a POST decides and opens the next one.

    A script asks for the item alone (`HX-Request`), and is told as JSON what became of a verdict.
    """
    account = at_the_desk(request)
    contribution = found(number, account)
    form = forms.DeskForm(request.POST or None)
    first, refusal = _first(request), ""
    if request.method == "POST" and form.is_valid():
        try:
            return _decided(request, contribution, account, form.cleaned_data)
        except (ReviewRefused, ContributionRefused, MoveRefused) as refused:
            refusal = forms.sentence(refused)
            contribution = found(number, account)
    elif request.method == "POST":
        refusal = _("That form was not whole; decide again.")
    if refusal and wants_json(request):
        return JsonResponse({"refused": refusal}, status=409)
    step = request.POST.get("verdict", "")
    shown = screens.screen(contribution, account, first=first, refusal=refusal, step=step)
    part = bool(request.headers.get("HX-Request"))
    template = "components/desk_item.html" if part else "pages/review.html"
    return render(request, template, shown)


def found(number: int, account: Account) -> Contribution:
    """A PR that may be opened at the desk, with what is known of it; a draft is its author's alone.

    Trusted contributors open what everybody can read: the findings on the rest quote its rows.
    """
    every = Contribution.objects.exclude(stage=Stage.DRAFT).annotate(
        unfolded=knowing.looked_up(account)
    )
    beside = ("author", "skill", "line", "reverts", "escalation__by")
    contribution = get_object_or_404(every.select_related(*beside), pk=number)
    if not rules.may_decide(account) and not may_see_rows(account, contribution):
        raise PermissionDenied("Only reviewers read these rows; they decide on it.")
    return contribution


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks."""
    return request.headers.get("Accept", "").startswith("application/json")


def after(request: HttpRequest, account: Account, given: Pending, many: int = 1) -> HttpResponse:
    """The next item, and for a script what can be undone until when."""
    number, address = following(account)
    if wants_json(request):
        return JsonResponse(
            {
                "told": screens.told(given, many),
                "next": number,
                "address": address,
                "undo": given.due_at.isoformat() if given.open else None,
            }
        )
    if not given.open:
        messages.success(request, _(DONE[Step(given.step)]) % given.contribution)
    return redirect(address)


def _decided(
    request: HttpRequest, contribution: Contribution, account: Account, said: dict[str, Any]
) -> HttpResponse:
    step, because = said["verdict"], said["because"].strip()
    if step == Verdict.RELEASE:
        return _released(request, contribution, account, said["digest"], because)
    viewing.note_shown(contribution, account, first=_first(request))
    edits = [editing.Edit(*edit) for edit in screens.edits_in(request.POST)]
    given = pending.give(
        contribution,
        step,
        by=account,
        digest=said["digest"],
        because=because,
        reason=said["reason"],
        edits=editing.changed(contribution, edits) if edits else (),
    )
    return after(request, account, given)


def _released(
    request: HttpRequest, contribution: Contribution, account: Account, digest: str, because: str
) -> HttpResponse:
    """Two people release; what takes two is in effect when the second has spoken."""
    taken = actions.release(contribution, by=account, digest=digest, because=because)
    if not getattr(taken, "verdict", ""):
        messages.info(request, _("Proposed. It is released when a second person agrees."))
        return redirect("pages:review", number=contribution.pk)
    messages.success(request, _(DONE[Verdict.RELEASE]) % contribution)
    return redirect(to_the_next(account))


def to_the_next(account: Account) -> str:
    """The address of what comes next: an audit, an item, or the desk when nothing waits."""
    return following(account)[1]


def following(account: Account) -> tuple[int | None, str]:
    """The number of the next item, if it is one, and the address to go on at."""
    special = next_special(account)
    if special is not None and special.audit:
        return None, reverse("pages:audit")
    item = actions.next_for(account)
    if item is None:
        return None, reverse("pages:desk")
    return item.pk, reverse("pages:review", args=[item.pk])


def _first(request: HttpRequest) -> int:
    """The row (from nought) with which the screen begins."""
    asked = request.POST.get("from") or request.GET.get("from") or "1"
    return max(int(asked) - 1, 0) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0

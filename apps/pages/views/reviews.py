"""The review desk: the queue, and one screen on which a person decides."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Account
from apps.checks import queries as checks
from apps.contributions import queries as contributions
from apps.contributions import rules as contribution_rules
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.errors import MoveRefused
from apps.history.models import Proposal
from apps.history.queries import open_proposal
from apps.pages import forms
from apps.pages.reviewing import awaited_in_words
from apps.pages.who import account_of
from apps.reviews import actions, queries, rules
from apps.reviews.agreement.actions import next_special
from apps.reviews.agreement.voting import Awaited
from apps.reviews.errors import ReviewRefused
from apps.reviews.models import Decision, Verdict
from apps.reviews.sampling.queries import is_sampled

IN_VIEW, ROWS_IN_VIEW = 25, 20

DONE = {
    Verdict.ACCEPT: gettext_noop("%s is accepted."),
    Verdict.CHANGES: gettext_noop("%s is sent back with what should change."),
    Verdict.REJECT: gettext_noop("%s is rejected."),
    Verdict.RELEASE: gettext_noop("%s is released from quarantine to the queue."),
}


@require_safe
@login_required
def desk(request: HttpRequest) -> HttpResponse:
    """What waits for this reviewer, oldest first, and what the screens set aside."""
    account = _reviewer(request)
    return render(
        request,
        "pages/desk.html",
        {
            "waiting": list(queries.queue_for(account)[: IN_VIEW + 1]),
            "in_view": IN_VIEW,
            "quarantined": list(queries.quarantine()[: IN_VIEW + 1]),
            "may_release": account.role in rules.RELEASE,
        },
    )


@require_POST
@login_required
def take_next(request: HttpRequest) -> HttpResponse:
    """Claim the next PR of the queue and open it."""
    return _to_the_next(_reviewer(request))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def review(request: HttpRequest, number: int) -> HttpResponse:
    """One PR with everything a decision needs; a POST decides and opens the next one."""
    account = _reviewer(request)
    found = Contribution.objects.select_related("author", "skill")
    contribution = get_object_or_404(found.exclude(stage=Stage.DRAFT), pk=number)
    form = forms.DecisionForm(request.POST or None, initial={"digest": contribution.digest})
    if request.method == "POST" and form.is_valid():
        try:
            taken = _decide(contribution, account, form.cleaned_data)
        except (ReviewRefused, MoveRefused) as refusal:
            form.add_error("because", forms.sentence(refusal))
        else:
            if isinstance(taken, Proposal):
                messages.info(request, _("Proposed. It is released when a second person agrees."))
                return redirect("pages:review", number=contribution.pk)
            if isinstance(taken, Awaited):
                messages.info(request, awaited_in_words(contribution))
                return _to_the_next(account)
            done = DONE[Verdict(form.cleaned_data["verdict"])]
            messages.success(request, _(done) % contribution)
            return _to_the_next(account)
    return render(request, "pages/review.html", _everything(contribution, account, form))


def _decide(
    contribution: Contribution, account: Account, said: dict[str, Any]
) -> Decision | Proposal | Awaited:
    return actions.VERDICTS[said["verdict"]](
        contribution, by=account, digest=said["digest"], because=said["because"].strip()
    )


def _everything(
    contribution: Contribution, account: Account, form: forms.DecisionForm
) -> dict[str, Any]:
    """Rows, findings, the claim, and what may be decided; refusals come as sentences."""
    held, refusal = None, ""
    try:
        if contribution.stage == Stage.IN_REVIEW:
            held = actions.claim(contribution, by=account)
        elif contribution.stage == Stage.QUARANTINED:
            rules.ensure_may_release(account, contribution)
    except ReviewRefused as error:
        refusal = forms.sentence(error)
    may_see = contribution_rules.may_see_rows(account, contribution)
    verdicts = {
        Stage.IN_REVIEW: [Verdict.ACCEPT, Verdict.CHANGES, Verdict.REJECT],
        Stage.QUARANTINED: [Verdict.RELEASE, Verdict.REJECT],
    }.get(Stage(contribution.stage), [])
    return {
        "contribution": contribution,
        "held": held,
        "refusal": refusal,
        "may_see": may_see,
        "rows": list(contributions.rows_of(contribution)[:ROWS_IN_VIEW]) if may_see else [],
        "findings": list(checks.findings_of(contribution)),
        "decisions": list(queries.decisions_on(contribution)),
        "verdicts": [] if refusal else verdicts,
        "form": form,
        "sampled": is_sampled(contribution),
        "proposal": open_proposal(contribution, actions.RELEASE),
    }


def _to_the_next(account: Account) -> HttpResponse:
    special = next_special(account)
    if special is not None and special.audit:
        return redirect("pages:audit")
    following = actions.next_for(account)
    if following is None:
        return redirect("pages:desk")
    return redirect("pages:review", number=following.pk)


def _reviewer(request: HttpRequest) -> Account:
    """The visitor, if their role includes deciding."""
    account = account_of(request)
    if not rules.may_decide(account):
        raise PermissionDenied(
            "The review desk is for reviewers. A maintainer can propose you for the role."
        )
    return account

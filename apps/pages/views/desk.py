"""Around the screen: undoing, looking ahead, neighbours, the folded name, groups and appeals."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Account
from apps.contributions import queries as contributions
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.errors import MoveRefused
from apps.pages import desk, forms
from apps.pages.views.contributions import do, seen
from apps.pages.views.reviews import after, following, found, wants_json
from apps.pages.who import account_of, at_the_desk, reviewer
from apps.reviews import rules
from apps.reviews.desk import alike, appealing, knowing, pending, viewing
from apps.reviews.desk.models import Appeal, Pending, Reason, Step
from apps.reviews.errors import ReviewRefused, TooLate
from apps.reviews.queue import claims, skips

REFUSALS = (ReviewRefused, ContributionRefused, MoveRefused)
GROUP_STEPS = (Step.ACCEPT, Step.CHANGES, Step.REJECT)


@require_POST
@login_required
def undo(request: HttpRequest) -> HttpResponse:
    """Take back the latest verdict, and open what it was about."""
    account = at_the_desk(request)
    try:
        back = pending.undo(by=account)
    except TooLate as refusal:
        if wants_json(request):
            return JsonResponse({"refused": forms.sentence(refusal)}, status=409)
        messages.error(request, forms.sentence(refusal))
        return redirect("pages:desk")
    told = ngettext("The verdict on %(pr)s is undone.", "%(n)d verdicts are undone.", len(back))
    told %= {"pr": back[0], "n": len(back)}
    if wants_json(request):
        return JsonResponse({"told": told, "next": back[0].pk, "undo": None})
    messages.success(request, told)
    return redirect("pages:review", number=back[0].pk)


@require_POST
@login_required
def read(request: HttpRequest) -> HttpResponse:
    """The reviewer has read which verdicts could not take effect."""
    pending.read(at_the_desk(request))
    return redirect("pages:desk")


@require_POST
@login_required
def look_ahead(request: HttpRequest) -> HttpResponse:
    """Say which items are held ahead of this one, for a script that fetches them."""
    drawn = claims.draw(at_the_desk(request))
    numbers = [drawn.item.pk, *(one.number for one in drawn.ahead)] if drawn else []
    now = request.POST.get("now", "")
    return JsonResponse({"ahead": [one for one in numbers if str(one) != now]})


@require_POST
@login_required
def skip(request: HttpRequest, number: int) -> HttpResponse:
    """Pass the item on to somebody else, with a reason, and open the next one."""
    account = at_the_desk(request)
    contribution = found(number, account)
    try:
        why, because = request.POST.get("why", ""), request.POST.get("because", "")
        claims.skip(contribution, by=account, why=why, because=because.strip()[:2000])
    except ReviewRefused as refusal:
        if wants_json(request):
            return JsonResponse({"refused": forms.sentence(refusal)}, status=409)
        messages.error(request, forms.sentence(refusal))
        return redirect("pages:review", number=number)
    told = _("%s is left to somebody else.") % contribution
    item, address = following(account)
    if wants_json(request):
        return JsonResponse({"told": told, "next": item, "address": address, "undo": None})
    messages.success(request, told)
    return redirect(address)


@require_POST
@login_required
def take_back(request: HttpRequest, number: int) -> HttpResponse:
    """Open an item again that the reviewer has passed on."""
    account = at_the_desk(request)
    contribution = found(number, account)
    if skips.take_back(contribution, by=account):
        messages.success(request, _("%s is offered to you again.") % contribution)
    return redirect("pages:review", number=number)


@require_POST
@login_required
def more(request: HttpRequest, number: int) -> HttpResponse:
    """Note that these rows were on the screen, and show the next ones."""
    account = at_the_desk(request)
    contribution = found(number, account)
    shown = request.POST.get("from", "1")
    first = int(shown) - 1 if shown.isascii() and shown.isdigit() and len(shown) < 9 else 0
    viewing.note_shown(contribution, account, first=max(first, 0))
    end = max(first, 0) + viewing.ROWS_ON_A_SCREEN
    begins = end if end < contribution.row_count else 0
    return redirect(f"{reverse('pages:review', args=[number])}?from={begins + 1}")


@require_safe
@login_required
def beside(request: HttpRequest, number: int) -> HttpResponse:
    """Accepted rows that resemble this PR's; a fragment for scripts, else a page of its own."""
    contribution = found(number, at_the_desk(request))
    part = bool(request.headers.get("HX-Request"))
    return render(
        request,
        "components/desk_beside.html" if part else "pages/review_beside.html",
        {"contribution": contribution, "near": desk.similar_accepted(contribution)},
    )


@require_POST
@login_required
def who(request: HttpRequest, number: int) -> HttpResponse:
    """Show who wrote it before the decision; that somebody looked is kept."""
    account = at_the_desk(request)
    contribution = found(number, account)
    knowing.unfold(contribution, by=account)
    return redirect(f"{reverse('pages:review', args=[number])}#who")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def together(request: HttpRequest, number: int) -> HttpResponse:
    """What is nearly the same, in one list: one verdict for what is ticked."""
    account = reviewer(request)
    contribution = found(number, account)
    members = alike.group_of(contribution, account)
    refused: list[str] = []
    if request.method == "POST":
        given, refused = _each(request, account, contribution, members)
        if given:
            for sentence in refused:
                messages.warning(request, sentence)
            return after(request, account, given[-1], len(given))
    return render(
        request,
        "pages/review_together.html",
        {
            "contribution": contribution,
            "members": members,
            "alike": [one for one in members if not one.apart],
            "refused": refused,
            "steps": [] if contribution.stage != Stage.IN_REVIEW else GROUP_STEPS,
            "reasons": list(enumerate(Reason.choices, start=1)),
            **desk.bar(list(pending.of(account))),
        },
    )


def _each(
    request: HttpRequest,
    account: Account,
    contribution: Contribution,
    members: list[alike.Member],
) -> tuple[list[Pending], list[str]]:
    """One verdict for each ticked PR of the group, bound to what stood in the list."""
    try:
        rules.ensure_may_decide(account, contribution)
    except ReviewRefused as refusal:
        return [], [forms.sentence(refusal)]
    ticked = set(request.POST.getlist("ticked"))
    chosen = [one.contribution for one in members if str(one.contribution.pk) in ticked]
    apart = {one.contribution.pk: one.apart for one in members if one.apart}
    step = request.POST.get("verdict", "")
    given: list[Pending] = []
    refused = [] if chosen else [_("Tick at least one PR.")]
    for chosen_one in chosen:
        try:
            if chosen_one.pk in apart:
                said = _("%(pr)s is read alone: %(why)s")
                raise ReviewRefused(said % {"pr": chosen_one, "why": apart[chosen_one.pk]})
            if step not in GROUP_STEPS:
                raise ReviewRefused(_("pick one of the verdicts"))
            one = pending.give(
                chosen_one,
                step,
                by=account,
                digest=request.POST.get(f"digest-{chosen_one.pk}", ""),
                because=request.POST.get("because", ""),
                reason=request.POST.get("reason", ""),
                batch=given[0].batch if given else "",
            )
        except REFUSALS as refusal:
            refused.append(forms.sentence(refusal))
        else:
            given.append(one)
    return given, refused


@require_POST
@login_required
def appeal(request: HttpRequest, number: int) -> HttpResponse:
    """The author asks another person to look at the rejection."""
    contribution = seen(request, number)

    def act() -> None:
        try:
            appealing.appeal(
                contribution, by=account_of(request), words=request.POST.get("words", "")
            )
        except ReviewRefused as refusal:
            raise ContributionRefused(str(refusal)) from refusal

    return do(request, contribution, act, _("Another person will look at it."))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def hear(request: HttpRequest, number: int) -> HttpResponse:
    """An appeal: what was rejected, why, and what its author says; a POST hears it."""
    account = reviewer(request)
    waiting = appealing.waiting_for(account).select_related("contribution__line")
    made = get_object_or_404(waiting, contribution=number)
    refusal = ""
    if request.method == "POST":
        try:
            outcome, because = request.POST.get("outcome", ""), request.POST.get("because", "")
            appealing.hear(made, by=account, outcome=outcome, because=because)
        except REFUSALS as error:
            refusal = forms.sentence(error)
        else:
            messages.success(request, _("The appeal on %s is heard.") % made.contribution)
            return redirect("pages:desk")
    contribution = found(made.contribution_id, account)
    return render(request, "pages/appeal.html", _case(made, contribution, refusal))


def _case(made: Appeal, contribution: Contribution, refusal: str) -> dict[str, object]:
    return {
        "contribution": contribution,
        "appeal": made,
        "ground": contribution.grounds.filter(reviewer=made.decision.reviewer_id).last(),
        "rows": list(contributions.rows_of(contribution)[: viewing.ROWS_ON_A_SCREEN]),
        "title": desk.masked(contribution.title, contribution, False),
        "words": desk.masked(made.words, contribution, False),
        "refusal": refusal,
        "typed": "",
    }

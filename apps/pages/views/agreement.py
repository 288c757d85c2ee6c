"""How well reviewers agree, one's own hits, what to look at, second looks, and samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution, Row
from apps.contributions.revisions import of_revision
from apps.contributions.stages import Stage
from apps.history.errors import MoveRefused
from apps.pages import forms
from apps.pages.who import account_of, at_the_desk, reviewer
from apps.reviews.agreement import actions, queries
from apps.reviews.agreement.models import Audit
from apps.reviews.agreement.policy import AgreementPolicy
from apps.reviews.errors import ReviewRefused
from apps.reviews.models import Verdict
from apps.reviews.sampling import actions as sampling
from apps.reviews.sampling import queries as samples
from apps.reviews.sampling.models import Sample
from apps.reviews.sampling.plan import Plan
from apps.reviews.sampling.policy import SamplingPolicy
from apps.skills.models import ModelLine
from apps.skills.queries import the_line

IN_VIEW = 50
AUDIT_ROWS = 100
VERDICTS = (Verdict.ACCEPT, Verdict.CHANGES, Verdict.REJECT)


@require_safe
def agreement(request: HttpRequest) -> HttpResponse:
    """Alpha by week and skill, rounds, and the decisions that were looked at again; public."""
    try:
        line = the_line()
    except ModelLine.DoesNotExist:
        return render(request, "pages/unfounded.html")
    rate = queries.overturned(line)
    return render(
        request,
        "pages/agreement.html",
        {
            "policy": AgreementPolicy.of(line),
            "alphas": [_alpha(one) for one in queries.alphas(line)],
            "rounds": queries.rounds_told(line),
            "rate": rate,
            "percents": _percents(rate),
            "audits": list(queries.audits(line)[:IN_VIEW]),
            "in_view": IN_VIEW,
        },
    )


@require_safe
@login_required
def calibration(request: HttpRequest) -> HttpResponse:
    """One's own hits on items whose verdict was known. Nobody else's page shows them."""
    account = at_the_desk(request)
    mine = queries.calibration(account)
    return render(request, "pages/calibration.html", {"mine": mine, "names": dict(Verdict.choices)})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def signals(request: HttpRequest) -> HttpResponse:
    """Signals and gold items, for maintainers; a POST plants the rows of a rejected PR again."""
    account = account_of(request)
    if account.role != Role.MAINTAINER:
        raise PermissionDenied(_("Signals and gold items are for maintainers."))
    if request.method == "POST":
        _plant(request, account)
        return redirect("pages:signals")
    try:
        line = the_line()
    except ModelLine.DoesNotExist:
        return render(request, "pages/unfounded.html")
    return render(
        request,
        "pages/signals.html",
        {"signals": list(queries.signals(line)), "gold": list(queries.gold_items(line)[:IN_VIEW])},
    )


def _plant(request: HttpRequest, account: Account) -> None:
    number = request.POST.get("number", "").lstrip("#")
    readable = number.isdecimal() and len(number) <= 18
    source = Contribution.objects.filter(pk=number).first() if readable else None
    if source is None:
        messages.error(request, _("There is no PR of this number."))
        return
    try:
        actions.plant_again(source, by=account, because=request.POST.get("because", ""))
    except (ReviewRefused, MoveRefused) as refusal:
        messages.error(request, forms.sentence(refusal))
    else:
        messages.success(request, _("Planted. It comes to the desk when its checks are done."))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def audit(request: HttpRequest) -> HttpResponse:
    """One decision to be looked at again, without what was decided; a POST answers it."""
    account = reviewer(request)
    found = actions.take_audit(account)
    if found is None:
        return render(request, "pages/audit.html", {"audit": None})
    refusal, said = "", request.POST.get("because", "").strip()
    if request.method == "POST":
        try:
            actions.answer_audit(
                found, by=account, verdict=request.POST.get("verdict", ""), because=said
            )
        except ReviewRefused as error:
            refusal = forms.sentence(error)
        else:
            messages.success(request, _("Thank you. Your verdict stands beside the first one now."))
            return redirect("pages:desk")
    return render(request, "pages/audit.html", _audited(found) | {"refusal": refusal, "said": said})


def _audited(found: Audit) -> dict[str, Any]:
    contribution, revision = found.decision.contribution, found.decision.revision
    rows = of_revision(contribution, revision)
    return {
        "audit": found,
        "contribution": contribution,
        "revision": revision,
        "rows": list(rows[:AUDIT_ROWS]),
        "many": rows.count(),
        "verdicts": VERDICTS,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sample(request: HttpRequest, number: int) -> HttpResponse:
    """The sample of a PR of many rows, one row at a time; a POST begins it or judges a row."""
    account = reviewer(request)
    contribution = get_object_or_404(
        Contribution.objects.select_related("line", "author").exclude(stage=Stage.DRAFT), pk=number
    )
    if not samples.is_sampled(contribution):
        return redirect("pages:review", number=contribution.pk)
    refusal = ""
    if request.method == "POST":
        try:
            _judge(request, contribution, account)
        except (ReviewRefused, MoveRefused) as error:
            refusal = forms.sentence(error)
        else:
            return redirect("pages:sample", number=contribution.pk)
    return render(request, "pages/sample.html", _sampled(contribution, account, refusal))


def _judge(request: HttpRequest, contribution: Contribution, account: Account) -> None:
    place = request.POST.get("place", "")
    found = samples.sample_for(contribution)
    if found is None or not place.isdecimal() or len(place) > 9:
        sampling.begin(contribution, by=account)
        return
    bad = request.POST.get("row") == "bad"
    because = request.POST.get("because", "")
    sampling.judge(found, by=account, place=int(place), bad=bad, because=because)


def _sampled(contribution: Contribution, account: Account, refusal: str) -> dict[str, Any]:
    found = samples.sample_for(contribution)
    told: dict[str, Any] = {
        "contribution": contribution,
        "policy": SamplingPolicy.of(contribution.line),
        "sample": found,
        "refusal": refusal,
        "waiting": contribution.stage == Stage.IN_REVIEW,
    }
    if found is None:
        return told
    may = samples.may_judge(account, found)
    row: Row | None = samples.next_row(found) if may and told["waiting"] else None
    plan, now = Plan.from_json(found.plan), samples.standing_of(found)
    return told | {
        "plan": plan,
        "now": now,
        "row": row,
        "may": may,
        "bound": None if found.bound is None else 100 * found.bound,
        "limit": 100 * plan.limit,
        "confidence": 100 * (1 - plan.alpha),
        "passed": found.state == Sample.State.PASSED,
        "judged": [verdict for verdict in found.verdicts.all() if verdict.bad] if may else [],
    }


@dataclass(frozen=True)
class AlphaLine:
    """A line of the table of agreement, as it is shown."""

    week: Any
    skill: str
    alpha: str
    interval: str
    items: int
    voices: int


def _alpha(one: Any) -> AlphaLine:
    interval = "" if one.low is None else f"{one.low:.2f} – {one.high:.2f}".replace("-", "−")
    alpha = "" if one.alpha is None else f"{one.alpha:.2f}".replace("-", "−")
    skill = one.skill.title if one.skill else _("All skills")
    return AlphaLine(one.week, skill, alpha, interval, one.items, one.voices)


def _percents(rate: queries.Overturned) -> tuple[float, float, float] | None:
    if rate.rate is None or rate.interval is None:
        return None
    return 100 * rate.rate, 100 * rate.interval[0], 100 * rate.interval[1]

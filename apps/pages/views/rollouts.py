"""Rollouts: the list, and the page of each with its stages and gates."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST, require_safe

from apps.history import queries as history
from apps.history.errors import MoveRefused
from apps.pages import forms, stops
from apps.pages.paging import slice_of
from apps.pages.who import account_of, fresh, signed_in
from apps.rollouts import actions, queries, rules
from apps.rollouts.errors import RolloutRefused
from apps.rollouts.stages import Stage

ACT: dict[str, tuple[Callable[..., None], str]] = {
    "pause": (
        actions.pause,
        gettext_noop("The rollout is paused; everyone gets the live version."),
    ),
    "resume": (actions.resume, gettext_noop("The rollout is going on where it was paused.")),
    "roll-back": (actions.roll_back, gettext_noop("The rollout is rolled back.")),
}


WHY_HERE = gettext_noop("Why it stands where it stands")
WHY: dict[str, str] = {
    Stage.LIVE: gettext_noop("Why it answers everyone"),
    Stage.ROLLED_BACK: gettext_noop("Taken back"),
    Stage.PAUSED: gettext_noop("Paused"),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every rollout, newest first."""
    return render(request, "pages/rollouts.html", {"page": slice_of(queries.recent(), request.GET)})


@require_safe
def show(request: HttpRequest, number: int) -> HttpResponse:
    """One rollout: its stages, the evidence of its gates, and why it moved."""
    rollout = get_object_or_404(queries.recent(), pk=number)
    looks = list(rollout.looks.all())
    account = signed_in(request)
    under_way = rollout.stage in queries.UNDER_WAY
    may_start = account is not None and account.role in rules.START
    may_roll_back = account is not None and account.role in rules.ROLL_BACK
    return render(
        request,
        "pages/rollout.html",
        {
            "rollout": rollout,
            "stages": stops.of_rollout(rollout, looks),
            "looks": looks,
            "decided": [look for look in looks if look.decision != "hold"],
            "looked": _("after %d looks at the evidence") % len(looks) if looks else "",
            "why": _(WHY.get(rollout.stage, WHY_HERE)),
            "evidence": stops.evidence(looks),
            "gates": stops.latest_gates(rollout, looks),
            "criteria": stops.criteria(rollout),
            "events": list(history.life_of(rollout)[:100]),
            "moving": rollout.stage in (Stage.SHADOW, Stage.WIDENING),
            "may_pause": may_start and rollout.stage in (Stage.SHADOW, Stage.WIDENING),
            "may_resume": may_start and rollout.stage == Stage.PAUSED,
            "may_roll_back": may_roll_back and (under_way or rollout.stage == Stage.LIVE),
            "reason": forms.ReasonForm(),
        },
    )


@require_POST
@login_required
@fresh
def act(request: HttpRequest, number: int) -> HttpResponse:
    """Pause, resume or roll back, with a reason that goes on record."""
    rollout = get_object_or_404(queries.recent(), pk=number)
    chosen = ACT.get(request.POST.get("act", ""))
    because = request.POST.get("because", "").strip()
    if chosen is None or not because:
        messages.error(request, _("Say what should happen and why; it goes on record."))
        return redirect(rollout)
    action, done = chosen
    try:
        action(rollout, by=account_of(request), because=because)
    except (RolloutRefused, MoveRefused) as refusal:
        messages.error(request, forms.sentence(refusal))
    else:
        messages.success(request, _(done))
    return redirect(rollout)

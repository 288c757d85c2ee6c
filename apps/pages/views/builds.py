"""Builds: the list, and the page of each with its comparison."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.builds import actions, queries, rules
from apps.builds.errors import BuildRefused
from apps.builds.models import Build, Verdict
from apps.builds.stages import Stage
from apps.history import queries as history
from apps.history.errors import MoveRefused
from apps.pages import forms, looks, plots
from apps.pages.paging import slice_of
from apps.pages.queries import measured_skills, rollouts_of
from apps.pages.templatetags import ui
from apps.pages.who import account_of, fresh, signed_in
from apps.rollouts import actions as rollouts
from apps.rollouts.errors import RolloutRefused
from apps.rollouts.models import Channel
from apps.rollouts.rules import START
from apps.skills.queries import the_line

ENTRIES_SHOWN = 200
WORKING = (Stage.PLANNED, Stage.TRAINING, Stage.COMPARING)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every build, newest first."""
    account = signed_in(request)
    may_plan = account is not None and account.role in rules.PLAN
    return render(
        request,
        "pages/builds.html",
        {
            "page": slice_of(queries.recent(), request.GET),
            "may_plan": may_plan,
            "waiting": queries.waiting_for_a_build(the_line()).count() if may_plan else 0,
        },
    )


@require_POST
@login_required
@fresh
def plan(request: HttpRequest) -> HttpResponse:
    """Freeze what is accepted into a manifest and queue it for training."""
    try:
        build = actions.plan(the_line(), by=account_of(request))
    except BuildRefused as refusal:
        messages.error(request, forms.sentence(refusal))
        return redirect("pages:builds")
    messages.success(request, (_("%s is planned.") % build).capitalize())
    return redirect(build)


@require_safe
def show(request: HttpRequest, number: int) -> HttpResponse:
    """One build: its verdict, each skill before and after, the probes, and the PRs in it."""
    build = get_object_or_404(
        Build.objects.select_related("line", "asked_by", "verdict_overridden_by"), pk=number
    )
    account = signed_in(request)
    skills = measured_skills(build)
    rolled = rollouts_of([build.pk])
    standing = build.verdict == Verdict.REFUSED and build.verdict_overridden_by_id is None
    entries = build.entries.select_related("contribution", "contribution__author")[:ENTRIES_SHOWN]
    may_start = account is not None and account.role in START and not rolled
    return render(
        request,
        "pages/build.html",
        {
            "build": build,
            "plot": plots.comparison(skills) if skills else None,
            "overall": build.report.get("overall"),
            "probes": build.report.get("probes", []),
            "phases": build.report.get("phases", []),
            "refused_because": [why.replace(" -", " −") for why in build.verdict_reasons],
            "entries": list(entries),
            "counted": ui.counted(build.row_count, "row,rows") if build.row_count else "",
            "rollouts": rolled,
            "events": list(history.life_of(build)[:100]),
            "facts": _facts(build),
            "working": build.stage in WORKING,
            "may_override": standing and account is not None and account.role in rules.OVERRIDE,
            "may_start": may_start and build.stage == Stage.READY and not standing,
            "proposal": history.open_proposal(build, actions.OVERRIDE) if standing else None,
            "reason": forms.ReasonForm(),
        },
    )


@require_POST
@login_required
@fresh
def override(request: HttpRequest, number: int) -> HttpResponse:
    """Overrule a refusal of the comparison, on record."""
    build = get_object_or_404(Build, pk=number)
    try:
        proposal = actions.override_verdict(
            build, by=account_of(request), because=request.POST.get("because", "")
        )
    except BuildRefused as refusal:
        messages.error(request, forms.sentence(refusal))
    else:
        if proposal.agreed:
            messages.success(request, _("The refusal is overruled; who and why is on record."))
        else:
            messages.info(
                request, _("Proposed. It is overruled when a second person wants it too.")
            )
    return redirect(build)


@require_POST
@login_required
@fresh
def roll_out(request: HttpRequest, number: int) -> HttpResponse:
    """Begin the rollout of a build in shadow, on its line's first channel."""
    build = get_object_or_404(Build.objects.select_related("line"), pk=number)
    channel = Channel.objects.select_related("live", "line").filter(line=build.line).first()
    try:
        if channel is None:
            said = _("%(line)s has no channel yet; publish its base model first")
            raise RolloutRefused(said % {"line": build.line})
        rollout = rollouts.start(build, channel, by=account_of(request))
    except (RolloutRefused, MoveRefused) as refusal:
        messages.error(request, forms.sentence(refusal))
        return redirect(build)
    messages.success(request, _("%s answers in shadow now.") % rollout.candidate)
    return redirect(rollout)


def _facts(build: Build) -> list[tuple[str, object]]:
    report = build.report
    took = report.get("seconds")
    share = report.get("trainable_percent")
    return [
        (_("Adapter"), looks.digest(build.adapter) if build.adapter else _("not made yet")),
        (_("Digest"), looks.digest(build.digest) if build.digest else None),
        (
            _("Compared with"),
            looks.digest(build.live_digest[:12]) if build.live_digest else _("the base model"),
        ),
        (_("Rows"), build.row_count),
        (_("Replay rows"), report.get("replay_rows")),
        (_("Engine"), report.get("engine")),
        (_("Trained for"), _("%s s") % f"{took:.0f}" if took else None),
        (_("Trained weights"), f"{share:.2f} %" if share else None),
        (_("Asked for by"), build.asked_by or _("the schedule")),
    ]

"""The front door."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.builds import queries as builds
from apps.pages import queries, stops
from apps.pages.who import signed_in
from apps.rollouts import queries as rollouts
from apps.skills.models import ModelLine
from apps.skills.queries import the_line

WEAK, SHOWN = 90.0, 6


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What the model cannot do yet, what was fixed last, and what rolls out now."""
    try:
        line = the_line()
    except ModelLine.DoesNotExist:
        return render(request, "pages/unfounded.html")
    standings, measured = queries.standings(line)
    live = builds.live_build(line)
    moving = rollouts.recent().filter(stage__in=rollouts.UNDER_WAY, channel__line=line).first()
    account = signed_in(request)
    return render(
        request,
        "pages/home.html",
        {
            "line": line,
            "weak": [s for s in standings if s.score is None or s.score < WEAK][:SHOWN],
            "strong": [s for s in standings if s.score is not None and s.score >= WEAK],
            "measured": measured,
            "live": live,
            "fixed": stops.fixed(live, {s.skill.name: s.skill.title for s in standings}),
            "entries": list(live.entries.select_related("contribution")[:SHOWN]) if live else [],
            "moving": moving,
            "stages": stops.of_rollout(moving, []) if moving else [],
            "wrong": queries.wrong_answers_for(account) if account else [],
        },
    )

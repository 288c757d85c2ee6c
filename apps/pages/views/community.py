"""The leaderboard."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.community import queries
from apps.pages import plots
from apps.skills.models import ModelLine
from apps.skills.queries import the_line

COUNTS = ("submitted", "accepted", "shipped")


@require_safe
def leaderboard(request: HttpRequest) -> HttpResponse:
    """PRs a week, who contributed what, and how fast a PR is served."""
    try:
        board = queries.leaderboard(the_line())
    except ModelLine.DoesNotExist:
        return render(request, "pages/unfounded.html")
    plot = plots.weeks(_weeks(board)) if board.weeks else None
    return render(request, "pages/leaderboard.html", {"board": board, "plot": plot})


def _weeks(board: queries.Leaderboard) -> list[plots.Week]:
    """Every week from `WEEKS` ago until now, the empty ones too."""
    counted = {week["week"].date(): week for week in board.weeks}
    today = timezone.now().date()
    this = today - timedelta(days=today.weekday())
    mondays = (this - timedelta(weeks=ago) for ago in reversed(range(queries.WEEKS)))
    return [
        plots.Week(monday, *(counted.get(monday, {}).get(name, 0) for name in COUNTS))
        for monday in mondays
    ]

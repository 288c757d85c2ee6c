"""The revisions of a PR, and what changed between any two of them."""

import json

from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.contributions import rules
from apps.contributions.discussion.models import Suggestion
from apps.contributions.models import Contribution
from apps.contributions.revisions import Change, as_lines, between, of_revision
from apps.pages import talk
from apps.pages.views.contributions import frame, seen
from apps.pages.who import signed_in

CHANGES_A_PAGE = 50


@require_safe
def index(request: HttpRequest, number: int) -> HttpResponse:
    """Every revision, and what changed from one to another (by default, by the latest)."""
    contribution = seen(request, number)
    suggestions = Suggestion.objects.select_related("comment__author")
    sent = list(contribution.revisions.prefetch_related(Prefetch("suggestions", suggestions)))
    old, new = _chosen(request, contribution)
    may_see = rules.may_see_rows(request.user, contribution)
    changes = _changes(contribution, old, new) if may_see else []
    look = talk.Look.of(request.GET)
    return render(
        request,
        "pages/contribution_revisions.html",
        {
            **frame(contribution, "revisions", signed_in(request)),
            "may_see": may_see,
            "revisions": [*reversed(sent)],
            "old": old,
            "new": new,
            "changes": changes[:CHANGES_A_PAGE],
            "left_out": max(len(changes) - CHANGES_A_PAGE, 0),
            "counts": {
                k: sum(c.kind == k for c in changes) for k in ("added", "changed", "removed")
            },
            "look": look,
            "looks": look.choices(request.GET),
        },
    )


@require_safe
def lines(
    request: HttpRequest, number: int, old: int | None = None, new: int | None = None
) -> StreamingHttpResponse | HttpResponse:
    """The PR as a patch for data: one JSON object a line, from nothing or from a revision on."""
    contribution = seen(request, number)
    if not rules.may_see_rows(request.user, contribution):
        raise Http404
    first, last = old or 0, new or contribution.revision
    if not 0 <= first <= last <= contribution.revision:
        raise Http404
    changes = _changes(contribution, first, last)
    patch = (json.dumps(line, ensure_ascii=False) + "\n" for line in as_lines(changes))
    return StreamingHttpResponse(patch, content_type="application/x-ndjson; charset=utf-8")


@require_safe
def row(request: HttpRequest, number: int, revision: int, place: int) -> HttpResponse:
    """The lasting address of a row: this revision, this place."""
    contribution = seen(request, number)
    start = (place - 1) // 25 * 25 + 1
    tail = f"?from={start}#row-{place}" if start > 1 else f"#row-{place}"
    return redirect(f"{contribution.get_absolute_url()}/revisions/{revision}/rows{tail}")


def _changes(contribution: Contribution, old: int, new: int) -> list[Change]:
    """What changed; revision 0 is what was there before anything was sent."""
    before, after = (list(of_revision(contribution, n)) if n else [] for n in (old, new))
    return between(before, after)


def _chosen(request: HttpRequest, contribution: Contribution) -> tuple[int, int]:
    """The two revisions that the address asks for, the older one first."""
    latest = contribution.revision
    asked = [request.GET.get(name, "") for name in ("old", "new")]
    default = [max(latest - 1, 0), latest]
    chosen = [
        int(text) if text.isascii() and text.isdigit() and len(text) < 6 else other
        for text, other in zip(asked, default, strict=True)
    ]
    low, high = sorted(min(number, latest) for number in chosen)
    return low, high

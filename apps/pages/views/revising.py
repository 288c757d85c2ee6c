"""New rows for a PR: pasted or as a file, with what is wrong in each told before it is sent."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.contributions import actions, rules
from apps.contributions import queries as contributions
from apps.contributions.errors import ContributionRefused, RefusedRow
from apps.contributions.models import Contribution
from apps.contributions.rows import as_raw
from apps.history.errors import MoveRefused
from apps.pages import forms
from apps.pages.views.contributions import seen, takes_rows
from apps.pages.who import account_of
from apps.reviews import queries as reviews
from apps.reviews.models import Verdict
from openflywheel.reading.columns import Numbered

FAULTS_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def revise(request: HttpRequest, number: int) -> HttpResponse:
    """Send new rows for a PR that is not decided yet; those with a fault only by a second click."""
    contribution = seen(request, number)
    if not rules.is_author(request.user, contribution):
        raise PermissionDenied(_("A PR gets its new rows from its author."))
    if not takes_rows(contribution):
        messages.error(request, _("%s does not wait for new rows.") % contribution)
        return redirect(contribution)
    if request.method != "POST":
        form = forms.ReviseForm(initial={"pasted": _rows_now(contribution)})
        return _page(request, contribution, form)
    form = forms.ReviseForm(request.POST, request.FILES)
    complete = form.is_valid()
    for note in form.notes:
        messages.info(request, note)
    refused: list[RefusedRow] = []
    try:
        if form.numbered:
            refused = actions.examine_revision(contribution, form.rows())
        if complete and (not refused or request.POST.get("do") == "keep-good"):
            return _send(request, contribution, form)
    except (ContributionRefused, MoveRefused) as refusal:
        form.add_error(form.source, forms.sentence(refusal))
    return _page(request, contribution, form, refused)


def _send(request: HttpRequest, contribution: Contribution, form: forms.ReviseForm) -> HttpResponse:
    offered = actions.revise(
        contribution,
        by=account_of(request),
        rows=form.rows(),
        note=form.cleaned_data["note"],
    )
    messages.success(request, _("Revision %d is being checked.") % contribution.revision)
    if offered.refused:
        counts = {"kept": contribution.row_count, "refused": len(offered.refused)}
        head = _("%(kept)d rows are kept, %(refused)d are not.") % counts
        told = [
            _("line %(line)d: %(detail)s; %(mend)s") % fault
            for fault in _faults(form.numbered, offered.refused[:5])
        ]
        messages.warning(request, f"{head} {'. '.join(told)}{' …' if offered.refused[5:] else '.'}")
    return redirect(contribution)


def _page(
    request: HttpRequest,
    contribution: Contribution,
    form: forms.ReviseForm,
    refused: Sequence[RefusedRow] = (),
) -> HttpResponse:
    asked = reviews.decisions_on(contribution).filter(verdict=Verdict.CHANGES)
    faults = _faults(form.numbered, refused[:FAULTS_SHOWN])
    form.write_out()
    return render(
        request,
        "pages/revise.html",
        {
            "contribution": contribution,
            "form": form,
            "decision": asked.last(),
            "faults": faults,
            "name": form.file_name(),
            "bad": len(refused),
            "good": len(form.numbered) - len(refused),
        },
    )


def _rows_now(contribution: Contribution) -> str:
    """The rows that stand, one JSON object a line."""
    rows = contributions.rows_of(contribution)
    return "\n".join(json.dumps(as_raw(row), ensure_ascii=False) for row in rows)


def _faults(numbered: Sequence[Numbered], refused: Sequence[RefusedRow]) -> list[dict[str, Any]]:
    """What is wrong with each of these rows, by the line on which it stands."""
    return [
        {
            "line": line,
            "detail": f"{at}: {bad.detail}" if (at := getattr(raw, "at", "")) else bad.detail,
            "mend": bad.mend,
        }
        for bad in refused
        for line, raw in [numbered[bad.row]]
    ]

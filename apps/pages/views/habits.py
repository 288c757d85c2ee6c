"""A reviewer's habits: what they know, how much they take on, when they rest, where they belong."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.errors import AccountRefused
from apps.accounts.models import Account
from apps.history.affiliations import affiliate, organisation_of
from apps.pages import forms
from apps.pages.who import account_of
from apps.reviews import rules
from apps.reviews.errors import HabitRefused
from apps.reviews.queue.habits import decided_today, habits_of, resting, set_habits


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def habits(request: HttpRequest) -> HttpResponse:
    """What the queue offers this reviewer, and when; they may open anything at any time."""
    account = account_of(request)
    if not rules.may_review(account):
        raise PermissionDenied(_("Habits are for reviewers. A maintainer can propose you."))
    form = forms.HabitsForm(request.POST or None, initial=_initial(account))
    if request.method == "POST" and form.is_valid():
        told = dict(form.cleaned_data)
        organisation = told.pop("organisation")
        try:
            with transaction.atomic():
                set_habits(account, **told)
                affiliate(account, organisation, by=account)
        except (HabitRefused, AccountRefused) as refusal:
            form.add_error(None, forms.sentence(refusal))
        else:
            messages.success(request, _("Your habits are kept."))
            return redirect("pages:habits")
    known = habits_of(account)
    shown = {
        "form": form,
        "resting": resting(account),
        "habits": known,
        "today": decided_today(known, timezone.now()) if known else None,
    }
    return render(request, "pages/habits.html", shown)


def _initial(account: Account) -> dict[str, Any]:
    initial: dict[str, Any] = {"organisation": organisation_of(account)}
    if known := habits_of(account):
        initial |= {
            "skills": list(known.skills.all()),
            "cap": known.cap,
            "quiet_from": known.quiet_from,
            "quiet_until": known.quiet_until,
            "time_zone": known.time_zone,
        }
    return initial

"""Who is looking at a page, and what they may know of."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from apps.accounts.freshness import is_fresh
from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.contributions.rules import is_author
from apps.contributions.stages import Stage
from apps.reviews import rules


def signed_in(request: HttpRequest) -> Account | None:
    """The visitor's account; None for a visitor without one."""
    return request.user if isinstance(request.user, Account) else None


def account_of(request: HttpRequest) -> Account:
    """The visitor's account, on a page that only those who signed in can open."""
    account = signed_in(request)
    if account is None:
        raise PermissionError("this page needs an account")
    return account


def reviewer(request: HttpRequest) -> Account:
    """The visitor, if their role includes deciding."""
    return _with_a_voice(request, rules.may_decide)


def at_the_desk(request: HttpRequest) -> Account:
    """The visitor, if their role includes a voice on PRs, a whole one or half a one."""
    return _with_a_voice(request, rules.may_review)


def _with_a_voice(request: HttpRequest, may: Callable[[Account], bool]) -> Account:
    account = account_of(request)
    if not may(account):
        raise PermissionDenied(
            _("The review desk is for reviewers. A maintainer can propose you for the role.")
        )
    return account


def fresh(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Asks whoever has a passkey or makes codes to show it again before the view does its work."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not is_fresh(request):
            # allauth keeps the form, asks, and sends it again.
            raise ReauthenticationRequired()
        return view(request, *args, **kwargs)

    return guarded


def seen(request: HttpRequest, number: int) -> Contribution:
    """The PR, if this visitor may know of it; a draft is its author's alone."""
    found = Contribution.objects.select_related("author", "skill")
    contribution = get_object_or_404(found, pk=number)
    if contribution.stage == Stage.DRAFT and not is_author(request.user, contribution):
        raise Http404
    return contribution

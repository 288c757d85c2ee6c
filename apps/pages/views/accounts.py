"""What acts for an account: its tokens, its service accounts, its sessions."""

from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import check_for_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from apps.accounts import actions, queries
from apps.accounts.errors import AccountRefused
from apps.accounts.freshness import is_fresh
from apps.accounts.models import Account
from apps.accounts.rules import SERVICES_OF_ONE, STRONG
from apps.pages import forms
from apps.pages.who import account_of


@require_POST
def speak(request: HttpRequest) -> HttpResponse:
    """Speak another language from now on; mail follows whoever is signed in."""
    picked = request.POST.get("language", "")
    if request.user.is_authenticated and check_for_language(picked):
        actions.speak(account_of(request), picked)
    return set_language(request)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The account's tokens; a new one is shown this once."""
    account = account_of(request)
    form = forms.TokenForm(request.POST or None, account=account)
    shown: dict[str, Any] = {"form": form, "tokens": queries.tokens_of(account)}
    if request.method == "POST" and form.is_valid():
        if not STRONG.isdisjoint(form.cleaned_data["scopes"]) and not is_fresh(request):
            raise ReauthenticationRequired()
        try:
            token, text = actions.make_token(account, **form.cleaned_data)
        except AccountRefused as refusal:
            form.add_error(None, forms.sentence(refusal))
        else:
            # The text must reach the page once and nothing else: not the database, not a cookie.
            shown |= {"form": forms.TokenForm(account=account), "made": token, "text": text}
    return render(request, "pages/tokens.html", shown)


@require_POST
@login_required
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    """End a token of the account's own, or of one of its service accounts."""
    account = account_of(request)
    token = get_object_or_404(queries.tokens_in_hand(account), pk=number)
    actions.revoke(token)
    messages.success(request, _("The token “%s” is revoked.") % token.name)
    return redirect("pages:tokens" if token.account_id == account.pk else "pages:services")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def services(request: HttpRequest) -> HttpResponse:
    """The account's service accounts, with their tokens; a POST makes one."""
    account = account_of(request)
    form = forms.ServiceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            service = actions.make_service(account, form.cleaned_data["name"])
        except AccountRefused as refusal:
            form.add_error("name", forms.sentence(refusal))
        else:
            messages.success(request, _("%s is made. It needs a token to act.") % service)
            return redirect("pages:services")
    return _services(request, account, form=form)


@never_cache
@require_POST
@login_required
def service_token(request: HttpRequest, name: str) -> HttpResponse:
    """Make a token for one of the account's service accounts, and show it this once."""
    account = account_of(request)
    service = get_object_or_404(queries.services_of(account), username=name)
    form = forms.TokenForm(request.POST, account=service)
    if not form.is_valid():
        messages.error(request, _("Tick at least one thing that the token may do."))
        return redirect("pages:services")
    try:
        token, text = actions.make_token(service, **form.cleaned_data)
    except AccountRefused as refusal:
        messages.error(request, forms.sentence(refusal))
        return redirect("pages:services")
    return _services(request, account, form=forms.ServiceForm(), made=token, text=text)


@require_POST
@login_required
def close_service(request: HttpRequest, name: str) -> HttpResponse:
    """End a service account and its tokens."""
    account = account_of(request)
    service = get_object_or_404(queries.services_of(account), username=name)
    actions.close_service(service, by=account)
    messages.success(request, _("%s is closed, and its tokens with it.") % service)
    return redirect("pages:services")


@require_POST
@login_required
def end_session(request: HttpRequest, number: int) -> HttpResponse:
    """Sign out one of the account's other browsers."""
    session = get_object_or_404(UserSession, user=account_of(request), pk=number)
    session.end()
    messages.success(request, _("That session has ended."))
    return redirect("usersessions_list")


def _services(request: HttpRequest, account: Account, **more: Any) -> HttpResponse:
    mine = queries.services_of(account)
    held = [
        (
            service,
            queries.tokens_of(service),
            forms.TokenForm(account=service, prefix=None, auto_id=f"id_{service.pk}_%s"),
        )
        for service in mine
    ]
    return render(
        request, "pages/services.html", {"services": held, "most": SERVICES_OF_ONE, **more}
    )

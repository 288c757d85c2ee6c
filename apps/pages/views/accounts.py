"""Signing up, in and out, and the tokens that act for an account."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts import actions, guessing, queries
from apps.accounts.callers import address_of
from apps.accounts.errors import AccountRefused, NameReserved, NameTaken
from apps.pages import forms
from apps.pages.who import account_of, signed_in


class SignIn(auth.LoginView):
    """Name and password; after too many failures the page says when to try again (429)."""

    template_name = "pages/sign_in.html"
    authentication_form = forms.SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: Any) -> HttpResponse:
        page = super().form_invalid(form)
        if refusal := form.too_many:
            page.status_code = 429
            page["Retry-After"] = str(refusal.seconds)
        return page


sign_in = SignIn.as_view()
sign_out = auth.LogoutView.as_view()


@never_cache
@sensitive_post_parameters("password")
def sign_up(request: HttpRequest) -> HttpResponse:
    """Make an account and sign it in."""
    if signed_in(request):
        return redirect(_next(request))
    form = forms.SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            guessing.ensure_may_sign_up(address=address_of(request))
            account = actions.sign_up(
                form.cleaned_data["username"], password=form.cleaned_data["password"]
            )
        except (NameTaken, NameReserved) as refusal:
            form.add_error("username", forms.sentence(refusal))
        except AccountRefused as refusal:
            form.add_error(None, forms.sentence(refusal))
        else:
            login(request, account)
            messages.success(request, f"Welcome, {account}.")
            return redirect(_next(request))
    return render(request, "pages/sign_up.html", {"form": form, "next": _asked(request)})


@never_cache
@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """The account's tokens; a new one is shown this once."""
    account = account_of(request)
    form = forms.TokenForm(request.POST or None, account=account)
    if request.method == "POST" and form.is_valid():
        try:
            token, text = actions.make_token(account, **form.cleaned_data)
        except AccountRefused as refusal:
            form.add_error(None, forms.sentence(refusal))
        else:
            # The text must reach the page once and nothing else: not the database, not a cookie.
            return render(
                request,
                "pages/tokens.html",
                {
                    "form": forms.TokenForm(account=account),
                    "made": token,
                    "text": text,
                    "tokens": queries.tokens_of(account),
                },
            )
    return render(
        request, "pages/tokens.html", {"form": form, "tokens": queries.tokens_of(account)}
    )


@require_POST
@login_required
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    """End one of the account's own tokens."""
    token = get_object_or_404(queries.tokens_of(account_of(request)), pk=number)
    actions.revoke(token)
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("pages:tokens")


def _asked(request: HttpRequest) -> str:
    return request.POST.get("next") or request.GET.get("next", "")


def _next(request: HttpRequest) -> str:
    """Where the visitor was going, if that is a page of this site."""
    asked = _asked(request)
    safe = url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return asked if asked and safe else resolve_url("pages:home")

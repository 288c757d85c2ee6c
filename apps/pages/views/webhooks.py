"""Webhooks of one's own: opening, trying, and seeing what became of each message."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.community import actions, queries
from apps.community.errors import BadEndpoint
from apps.community.models import Dispatch, Endpoint
from apps.pages import forms
from apps.pages.paging import slice_of
from apps.pages.who import account_of


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """One's webhooks; a new one's key is shown this once."""
    account = account_of(request)
    form = forms.WebhookForm(request.POST or None)
    shown = {"endpoints": queries.endpoints_of(account)}
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, key = actions.open_endpoint(by=account, **form.wish())
        except BadEndpoint as refusal:
            form.add_error("url", forms.sentence(refusal))
        else:
            # The key reaches this page and nothing else: no message, no cookie, no address.
            made = {"form": forms.WebhookForm(), "made": endpoint, "key": key}
            return render(request, "pages/webhooks.html", shown | made)
    return render(request, "pages/webhooks.html", shown | {"form": form})


@never_cache
@login_required
@require_safe
def webhook(request: HttpRequest, number: int) -> HttpResponse:
    """One webhook with the log of its deliveries."""
    endpoint = _owned(request, number)
    page = slice_of(Dispatch.objects.filter(endpoint=endpoint), request.GET)
    return render(request, "pages/webhook.html", {"endpoint": endpoint, "page": page})


@never_cache
@login_required
@require_POST
def change(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    """Try it, switch it on, change its key, or delete it."""
    endpoint = _owned(request, number)
    if verb == "key":
        key = actions.change_key(endpoint)
        page = slice_of(Dispatch.objects.filter(endpoint=endpoint), request.GET)
        shown = {"endpoint": endpoint, "page": page, "key": key}
        return render(request, "pages/webhook.html", shown)
    if verb == "delete":
        actions.close_endpoint(endpoint)
        messages.success(request, _("The webhook is deleted."))
        return redirect("pages:webhooks")
    done = {"ping": actions.ping, "on": actions.switch_on}
    if verb not in done:
        raise Http404
    done[verb](endpoint)
    said = {"ping": _("A message is on its way."), "on": _("The webhook is on again.")}
    messages.success(request, said[verb])
    return redirect("pages:webhook", endpoint.pk)


@login_required
@require_POST
def replay(request: HttpRequest, number: int, delivery: int) -> HttpResponse:
    """Send one message once more."""
    sent = Dispatch.objects.filter(endpoint=_owned(request, number))
    actions.replay(get_object_or_404(sent, pk=delivery))
    messages.success(request, _("The message is on its way again."))
    return redirect("pages:webhook", number)


def _owned(request: HttpRequest, number: int) -> Endpoint:
    return get_object_or_404(queries.endpoints_of(account_of(request)), pk=number)

"""What somebody keeps for writing: saved replies, and whether single letters are shortcuts."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.actions import set_single_keys
from apps.contributions.discussion import actions
from apps.contributions.errors import ContributionRefused
from apps.pages import forms, keys
from apps.pages.who import account_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def writing(request: HttpRequest) -> HttpResponse:
    """Shortcuts on or off, and the replies that somebody keeps."""
    account = account_of(request)
    if request.method == "POST":
        _change(request)
        return redirect("pages:writing")
    return render(
        request,
        "pages/writing.html",
        {"replies": list(account.replies.all()), "groups": keys.groups()},
    )


@require_safe
@login_required
def replies(request: HttpRequest) -> JsonResponse:
    """The kept replies, for the menu of an editor."""
    kept = account_of(request).replies.values("title", "text")
    return JsonResponse({"replies": list(kept)})


@require_safe
def shortcuts(request: HttpRequest) -> HttpResponse:
    """Every shortcut, for those without a script to show them."""
    return render(request, "pages/shortcuts.html", {"groups": keys.groups()})


def _change(request: HttpRequest) -> None:
    account, sent = account_of(request), request.POST
    if sent.get("what") == "keys":
        set_single_keys(account, on="single_keys" in sent)
        messages.success(request, _("Kept."))
    elif title := sent.get("forget", ""):
        account.replies.filter(title=title).delete()
    else:
        try:
            actions.save_reply(account, title=sent.get("title", ""), text=sent.get("text", ""))
        except ContributionRefused as refusal:
            messages.error(request, forms.sentence(refusal))

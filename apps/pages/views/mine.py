"""What is one's own: one's PRs and what they did, one's inbox, and mail."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.community import actions, mail, queries
from apps.contributions.models import Contribution
from apps.pages import mine
from apps.pages.paging import slice_of
from apps.pages.who import account_of, seen

BOXES = {"inbox": _l("Inbox"), "unread": _l("Unread"), "saved": _l("Saved"), "done": _l("Done")}
MARKS = ("read", "unread", "done", "undone", "saved", "unsaved")


@never_cache
@login_required
@require_safe
def work(request: HttpRequest) -> HttpResponse:
    """Every PR of one's own: where it stands, what it waits for, what it did."""
    account = account_of(request)
    own = Contribution.objects.filter(author=account).select_related("skill", "author")
    page = slice_of(own, request.GET)
    return render(
        request,
        "pages/my_work.html",
        {"page": page, "works": mine.works_of(page.items), "sums": mine.sums_of(account)},
    )


@never_cache
@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What one was told, by box."""
    account = account_of(request)
    box = request.GET.get("box", "inbox")
    if box not in BOXES:
        raise Http404
    page = slice_of(queries.inbox(account, box=box), request.GET)
    lines = [(notice, queries.sentence_of(notice)) for notice in page.items]
    return render(
        request,
        "pages/inbox.html",
        {
            "box": box,
            "tabs": [(label, f"?box={name}", name == box, None) for name, label in BOXES.items()],
            "page": page,
            "lines": lines,
            "mail": queries.wants_mail(account),
        },
    )


@login_required
@require_POST
def mark(request: HttpRequest) -> HttpResponse:
    """Mark the ticked lines, or the one whose button was pressed."""
    as_ = request.POST.get("as", "")
    numbers = [int(n) for n in request.POST.getlist("notice") if n.isdecimal() and len(n) < 19]
    if as_ not in MARKS:
        raise Http404
    changed = actions.mark(numbers, by=account_of(request), as_=as_)
    said = ngettext("%(count)d line is marked.", "%(count)d lines are marked.", changed)
    messages.success(request, said % {"count": changed})
    return redirect(f"{request.path.removesuffix('/mark')}?box={_box(request)}")


@login_required
@require_POST
def wish_mail(request: HttpRequest) -> HttpResponse:
    """Let mail come, or end it."""
    wanted = request.POST.get("wanted") == "1"
    actions.wish_mail(account_of(request), wanted=wanted)
    messages.success(request, _("Mail will come.") if wanted else _("No more mail will come."))
    return redirect("pages:inbox")


@login_required
@require_POST
def follow(request: HttpRequest, number: int) -> HttpResponse:
    """Follow a PR, or mute it."""
    contribution = seen(request, number)
    muted = request.POST.get("muted") == "1"
    (actions.mute if muted else actions.follow)(contribution, by=account_of(request))
    said = _("You will hear no more of it.") if muted else _("You will be told what happens to it.")
    messages.success(request, said)
    return redirect(contribution)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """End all mail: mail programs POST here with one click (RFC 8058), people confirm first."""
    account = mail.account_behind(token)
    if account is None:
        raise Http404
    if request.method == "POST":
        actions.wish_mail(account, wanted=False)
    return render(
        request, "pages/unsubscribe.html", {"ended": request.method == "POST", "account": account}
    )


def _box(request: HttpRequest) -> str:
    box = request.POST.get("box", "inbox")
    return box if box in BOXES else "inbox"

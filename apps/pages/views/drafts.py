"""Drafts: saved while one types, listed, and taken up again where two tabs went apart."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.contributions import drafts
from apps.contributions.errors import ContributionRefused, DraftMissing, DraftMoved
from apps.contributions.models import Draft, Kind
from apps.pages import allowances, drafting, forms
from apps.pages.edits import number
from apps.pages.visitors import owner_of
from apps.skills.models import ModelLine
from apps.skills.queries import the_line

SHOWN = 50


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What this person has begun and not sent."""
    found = drafts.open_drafts(owner_of(request))[:SHOWN]
    return render(request, "pages/drafts.html", {"drafts": found, "kept": drafts.KEPT_FOR.days})


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep what stands in a form, while it is being written; says the version, or why not."""
    names, owner = drafting.names_in(request.POST), owner_of(request, keep=True)
    kind = request.GET.get("kind", "")
    try:
        allowances.spend(request, owner, names.key)
        draft = drafts.save(
            names.key,
            drafting.typed_in(request, kind if kind in Kind.values else str(Kind.CORRECTION)),
            owner=owner,
            line=the_line(),
            kind=kind if kind in Kind.values else str(Kind.CORRECTION),
            start=names.start,
            version=names.version,
            tab=names.tab,
        )
    except DraftMoved as moved:
        told = {"told": forms.sentence(moved), "both": f"/drafts/{names.key}"}
        return JsonResponse(told, status=409)
    except (ContributionRefused, ModelLine.DoesNotExist) as refusal:
        return JsonResponse({"told": forms.sentence(refusal)}, status=422)
    at = timezone.localtime(draft.touched_at)
    return JsonResponse(
        {
            "version": draft.version,
            "told": _("Draft saved at %(time)s") % {"time": f"{at:%H:%M:%S}"},
        }
    )


@never_cache
@require_safe
def show(request: HttpRequest, key: str) -> HttpResponse:
    """A draft beside what other tabs had typed."""
    draft = _own(request, key)
    return render(request, "pages/draft.html", {"draft": draft, "asides": draft.asides.all()})


@require_POST
def take(request: HttpRequest, key: str) -> HttpResponse:
    """Go on with what was kept aside."""
    draft = _own(request, key)
    try:
        drafts.take_aside(draft, number(request.POST.get("aside", "")))
    except DraftMissing as missing:
        messages.warning(request, forms.sentence(missing))
    return redirect(draft)


@require_POST
def discard(request: HttpRequest, key: str) -> HttpResponse:
    """Throw a draft away."""
    draft = _own(request, key)
    drafts.discard(draft)
    messages.success(request, _("The draft is thrown away."))
    return redirect("pages:drafts")


def _own(request: HttpRequest, key: str) -> Draft:
    try:
        return drafts.draft_named(key, owner_of(request))
    except DraftMissing as missing:
        raise Http404(str(missing)) from missing

"""How our desk and Argilla's stand to each other, for those who keep them in step."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.models import Role
from apps.pages.paging import slice_of
from apps.pages.who import account_of
from apps.reviews.argilla import queries

KEEP_IN_STEP = (Role.MAINTAINER, Role.ADMIN)
IN_VIEW = 25


@never_cache
@login_required
@require_safe
def argilla(request: HttpRequest) -> HttpResponse:
    """What waits, what came back and was not counted, and whom nobody knows."""
    if account_of(request).role not in KEEP_IN_STEP:
        raise PermissionDenied(_("How Argilla stands is for maintainers and administrators."))
    return render(
        request,
        "pages/argilla.html",
        {
            "url": settings.ARGILLA_API_URL,
            "boards": list(queries.boards()),
            "page": slice_of(queries.refused_answers(), request.GET),
            "rows": list(queries.refused_rows()[:IN_VIEW]),
            "people": list(queries.unknown_people()[:IN_VIEW]),
            "brought": list(queries.brought_undecided()[:IN_VIEW]),
        },
    )

"""The living style page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.pages import stylebook


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    return render(request, "pages/style.html", stylebook.specimens())

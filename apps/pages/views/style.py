"""The living style page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.pages import stylebook


def style(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    return render(request, "pages/style.html", stylebook.specimens())

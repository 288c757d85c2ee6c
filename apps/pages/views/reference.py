"""The REST API for readers: by trying it (Swagger UI) and by reading it (Redoc)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def swagger(request: HttpRequest) -> HttpResponse:
    """Every call with a form that sends it."""
    return render(request, "pages/api_swagger.html")


def redoc(request: HttpRequest) -> HttpResponse:
    """Every call on one long page."""
    return render(request, "pages/api_redoc.html")

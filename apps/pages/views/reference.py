"""The REST API for readers: by trying it (Swagger UI) and by reading it (Redoc)."""

from __future__ import annotations

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def swagger(request: HttpRequest) -> HttpResponse:
    """Every call with a form that sends it."""
    return render(request, "pages/api_swagger.html")


# Two style elements that Redoc makes before it is told our nonce, one of them empty.
REDOC_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
)


@csp_update({"style-src": REDOC_STYLES})
@require_safe
def redoc(request: HttpRequest) -> HttpResponse:
    """Every call on one long page."""
    return render(request, "pages/api_redoc.html")

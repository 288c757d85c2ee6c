"""Refusals that come without a page get one, so that nobody looks at a blank screen."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

PAGES = (400, 403, 405, 413, 429)


class ErrorPages:
    """Fills an empty refusal with the page of its status, for browsers only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, with a page in it where it was a refusal without a body."""
        response = self.get_response(request)
        wanted = response.status_code in PAGES and request.accepts("text/html")
        if wanted and not response.streaming and not response.content:
            context = {"seconds": response.get("Retry-After", "")}
            response.content = render_to_string(f"{response.status_code}.html", context)
            response["Content-Type"] = "text/html; charset=utf-8"
        return response

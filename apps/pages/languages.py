"""Which language a reader gets: the one they picked here, else what their browser asks for.

Programs always get English: what they compare must not depend on a header of a browser.
"""

from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers

FOR_PROGRAMS = ("/api/", "/v1/", "/healthz", "/readyz")
FILES_FOR_PROGRAMS = (".json", ".jsonl")


class Languages(LocaleMiddleware):
    """Speaks the reader's language on pages and English to programs."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose the language in which this request is answered."""
        if for_programs(request):
            translation.activate("en")
            request.LANGUAGE_CODE = "en"
        else:
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:  # type: ignore[override]
        """Say which language it is, and that it hangs on what the browser asked for."""
        if for_programs(request):
            return response
        response.headers.setdefault("Content-Language", translation.get_language())
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


def for_programs(request: HttpRequest) -> bool:
    """Whether this address is read by programs."""
    path = request.path_info
    return path.startswith(FOR_PROGRAMS) or path.endswith(FILES_FOR_PROGRAMS)

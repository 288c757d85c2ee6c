"""What went wrong outside every view is told in the shape of the face that was called.

Django's own handlers answer with pages; a program that reads JSON could make nothing of them.
"""

import sys

from django.http import HttpRequest, HttpResponseBase
from django.views import defaults

from apps.api.views.site import Unreached
from apps.gateway.errors import error_response

API, GATEWAY = "/api/", "/v1/"


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400: the request itself is malformed, such as by a Host that is no name of this site."""
    if request.path_info.startswith(API):
        return Unreached.as_view(error=exception)(request)
    if request.path_info.startswith(GATEWAY):
        return error_response("the request is malformed", status=400, code="bad_request")
    return defaults.bad_request(request, exception)


def nowhere(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404: no address is known by this name. (The API has an address for every name.)"""
    if request.path_info.startswith(GATEWAY):
        told = "there is no such address; GET /v1/models and POST /v1/chat/completions are there"
        return error_response(told, status=404, code="not_found")
    return defaults.page_not_found(request, exception)


def broken(request: HttpRequest) -> HttpResponseBase:
    """500: an error that nobody foresaw; Django has logged it by now."""
    if request.path_info.startswith(API):
        return Unreached.as_view(error=sys.exception())(request)
    if request.path_info.startswith(GATEWAY):
        told = "an error that nobody foresaw; it is logged under the request id, please report it"
        return error_response(told, status=500, code="server_error")
    return defaults.server_error(request)

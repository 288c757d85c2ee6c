"""Refusals in the shape that OpenAI's clients read: `{"error": {message, type, param, code}}`."""

from __future__ import annotations

from django.http import JsonResponse


class BadRequest(Exception):
    """A request that cannot be answered: what is wrong, the parameter, a code and the status."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str = "invalid_value",
        status: int = 400,
    ) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status


TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def error_response(
    message: str, *, status: int, code: str, param: str | None = None
) -> JsonResponse:
    """The refusal as a response."""
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return JsonResponse(body, status=status)

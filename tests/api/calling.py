"""Somebody with a token (or nobody), calling the API as a program would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client

from apps.accounts.actions import make_token
from apps.accounts.models import Account
from apps.accounts.rules import scopes_of

OFFER: dict[str, Any] = {
    "title": "Sums",
    "skill": "sums",
    "licence": "CC0-1.0",
    "consent": "train",
    "signed_off": True,
}
GOOD = {"prompt": "2+2", "completion": "4"}


@dataclass
class Caller:
    """Calls `/api/v1/…`; bodies go out as JSON, lines as NDJSON."""

    account: Account | None = None
    token: str = ""

    def get(self, path: str, **parameters: Any) -> HttpResponse:
        return Client().get(f"/api/v1/{path}", parameters, headers=self._headers())

    def post(self, path: str, body: Any, **headers: str) -> HttpResponse:
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.send("post", path, text, "application/json", **headers)

    def put(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.send("put", path, json.dumps(body), "application/json", **headers)

    def patch(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.send("patch", path, json.dumps(body), "application/json", **headers)

    def delete(self, path: str) -> HttpResponse:
        return self.send("delete", path, "", "application/json")

    def lines(self, path: str, *rows: Any, **headers: str) -> HttpResponse:
        """POST each row (an object, or a text that goes out as it is) on a line."""
        text = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        return self.send("post", path, "\n".join(text), "application/x-ndjson", **headers)

    def send(
        self, method: str, path: str, body: str | bytes, content_type: str, **headers: str
    ) -> HttpResponse:
        return Client(raise_request_exception=False).generic(
            method.upper(),
            f"/api/v1/{path}",
            body,
            content_type=content_type,
            headers=self._headers() | headers,
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def calling(account: Account) -> Caller:
    """The account with a token that carries everything its role allows."""
    _, text = make_token(account, name="test", scopes=scopes_of(account))
    return Caller(account, text)

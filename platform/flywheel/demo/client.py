"""One person at the site: an account, a token, and calls over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx


class DemoFailed(Exception):
    """The demonstration did not end as it should; the text says at which step and why."""


@dataclass
class Person:
    """Somebody with a token. A refusal by the site is an `httpx.HTTPStatusError` with its text."""

    url: str
    name: str
    token: str
    password: str = ""
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=120
        )

    def get(self, path: str, **params: Any) -> Any:
        """What the API answers to a GET."""
        return self._read(self.http.get(f"/api/v1/{path}", params=params))

    def every(self, path: str, **params: Any) -> list[Any]:
        """Every item of a paged list."""
        items: list[Any] = []
        page = self.get(path, limit=200, **params)
        while True:
            items += page["items"]
            if not page.get("next"):
                return items
            page = self._read(self.http.get(page["next"]))

    def post(self, path: str, body: Any) -> Any:
        """What the API answers to a POST of JSON."""
        return self._read(self.http.post(f"/api/v1/{path}", json=body))

    def put(self, path: str, body: Any) -> Any:
        """What the API answers to a PUT of JSON."""
        return self._read(self.http.put(f"/api/v1/{path}", json=body))

    def post_lines(self, path: str, rows: Iterable[Mapping[str, Any]]) -> Any:
        """What the API answers to rows sent as NDJSON."""
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        headers = {"Content-Type": "application/x-ndjson"}
        return self._read(self.http.post(f"/api/v1/{path}", content=lines, headers=headers))

    def refused(self, path: str, body: Any) -> str | None:
        """The sentence with which a POST is refused; None when it is not."""
        response = self.http.post(f"/api/v1/{path}", json=body)
        return response.json()["detail"] if response.is_client_error else None

    def ask(self, prompt: str, *, skill: str, user: str = "") -> dict[str, Any]:
        """Ask the served model; returns the trace's id, the version and the answer."""
        body = {
            "model": "stable",
            "messages": [{"role": "user", "content": prompt}],
            "user": user,
            "metadata": {"skill": skill},
        }
        said = self._read(self.http.post("/v1/chat/completions", json=body))
        answer = said["choices"][0]["message"]["content"]
        return {"trace": said["id"], "version": said["model"], "answer": answer.strip()}

    def _read(self, response: httpx.Response) -> Any:
        if response.is_error:
            raise DemoFailed(
                f"{self.name}: {response.request.method} {response.request.url.path} answered "
                f"{response.status_code}: {response.text[:600]}"
            )
        return response.json() if response.content else None


@dataclass
class Visitor:
    """Somebody in front of a browser without JavaScript: pages, forms and cookies."""

    url: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.url, timeout=120, follow_redirects=True)

    def fill_in(self, path: str, **fields: Any) -> httpx.Response:
        """Open the page, fill in its form and send it; a form that comes back is a failure."""
        page = self.http.get(path)
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if found is None:
            raise DemoFailed(f"the page {path} has no form")
        fields["csrfmiddlewaretoken"] = found.group(1)
        response = self.http.post(path, data=fields, headers={"Referer": self.url + path})
        if response.is_error or not response.history:
            raise DemoFailed(f"the form of {path} came back: {response.status_code}")
        return response

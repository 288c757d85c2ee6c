"""People who review in Argilla, and what the clock would do meanwhile on our side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import argilla
import httpx

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.history.models import Letter
from apps.reviews.argilla import actions
from apps.reviews.argilla.models import Slip
from apps.reviews.argilla.tasks import keep_in_step
from flywheel.celery import app
from tests.people import somebody


@dataclass
class Reviewer:
    """Somebody with a user in Argilla and (where it is mapped) an account here."""

    account: Account
    name: str
    http: httpx.Client

    def answers(self, contribution: Contribution, **values: Any) -> None:
        """Submit the same response to every record of a PR's current revision."""
        for slip in open_slips(contribution):
            self.answer(slip, **values)

    def answer(self, slip: Slip, *, status: str = "submitted", **values: Any) -> dict[str, Any]:
        """Submit a response to one record; with an earlier one, replace it."""
        said = {name: {"value": value} for name, value in values.items()}
        item = {"record_id": str(slip.record), "status": status, "values": said}
        answer = self.http.post("/api/v1/me/responses/bulk", json={"items": [item]})
        assert answer.status_code == 200, answer.text
        (told,) = answer.json()["items"]
        assert told["error"] is None, told
        return told["item"]

    def pending(self, slip: Slip) -> int:
        """How many records the dataset of this slip still asks them for."""
        waits = {"type": "terms", "scope": {"entity": "record", "property": "status"}}
        answer = self.http.post(
            f"/api/v1/me/datasets/{slip.board.dataset}/records/search",
            json={"filters": {"type": "and", "and": [waits | {"values": ["pending"]}]}},
        )
        return answer.json()["total"]


def reviewer(
    owner: argilla.Argilla, workspace: str, *, role: str = Role.REVIEWER, mapped: bool = True
) -> Reviewer:
    """A new annotator of the workspace with an account of this role."""
    name = f"ann-{uuid4().hex[:8]}"
    found = owner.workspaces(workspace) or argilla.Workspace(workspace, client=owner).create()
    user = argilla.User(
        username=name, first_name="Ann", role="annotator", password=uuid4().hex, client=owner
    ).create()
    user.add_to_workspace(found)
    key = owner.api.http_client.get(f"/api/v1/users/{user.id}").json()["api_key"]
    http = httpx.Client(
        base_url=owner.api_url, headers={"X-Argilla-Api-Key": key}, timeout=60, trust_env=False
    )
    who = Reviewer(somebody(role), name, http)
    if mapped:
        actions.map_person(name, who.account)
    return who


def open_slips(contribution: Contribution) -> list[Slip]:
    """The PR's rows that stand in Argilla, in their order."""
    slips = Slip.objects.filter(contribution=contribution, state=Slip.State.OPEN)
    return list(slips.select_related("board").order_by("row__position"))


def ring() -> None:
    """What the clock and the outbox do in a while: every letter is delivered to its task."""
    keep_in_step()
    deliver()


def deliver() -> None:
    """Hand every open letter to its task, until none is left."""
    while letters := list(Letter.objects.filter(done_at=None).order_by("pk")):
        for letter in letters:
            app.tasks[letter.task].apply(
                args=letter.arguments, headers={"letter": letter.pk}, throw=True
            )
            Letter.objects.filter(pk=letter.pk).update(done_at=letter.written_at)

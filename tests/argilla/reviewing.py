"""People who review in Argilla, and what the clock would do meanwhile on our side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import argilla
import httpx

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.history.models import Letter
from apps.reviews.argilla.models import Person, Slip
from apps.reviews.argilla.tasks import keep_in_step
from flywheel.celery import app
from tests.people import somebody


@dataclass(frozen=True)
class Annotator:
    """A user of Argilla: their id, their name, and a client that carries their key."""

    user: UUID
    name: str
    http: httpx.Client


@dataclass(frozen=True)
class Team:
    """The workspace that the tests share, and its annotators that this test has not taken yet."""

    workspace: str
    free: list[Annotator]


@dataclass(frozen=True)
class Reviewer:
    """An annotator, and the account that is theirs here (where it is mapped)."""

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


def annotator(owner: argilla.Argilla, workspace: argilla.Workspace) -> Annotator:
    """A new annotator of the workspace."""
    name = f"ann-{uuid4().hex[:8]}"
    user = argilla.User(
        username=name, first_name="Ann", role="annotator", password=uuid4().hex, client=owner
    ).create()
    user.add_to_workspace(workspace)
    key = owner.api.http_client.get(f"/api/v1/users/{user.id}").json()["api_key"]
    http = httpx.Client(
        base_url=owner.api_url, headers={"X-Argilla-Api-Key": key}, timeout=60, trust_env=False
    )
    return Annotator(UUID(str(user.id)), name, http)


def reviewer(team: Team, *, role: str = Role.REVIEWER, mapped: bool = True) -> Reviewer:
    """The next annotator of the team, with an account of this role."""
    who, account = team.free.pop(), somebody(role)
    if mapped:
        Person.objects.create(user=who.user, name=who.name, account=account)
    return Reviewer(account, who.name, who.http)


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

"""Webhooks, the inbox and following, by REST."""

from __future__ import annotations

import json

import pytest

from apps.community import tasks
from apps.community.models import Dispatch
from apps.contributions.discussion.actions import say
from tests.api.calling import Caller, calling
from tests.people import a_contribution, somebody

URL = "http://127.0.0.1:9/hook"


@pytest.fixture(autouse=True)
def inside(settings) -> None:
    settings.WEBHOOKS_MAY_CALL_INSIDE = True


def test_a_webhook_is_opened_changed_and_ended(ada: Caller) -> None:
    opened = ada.post("webhooks", {"url": URL, "wants": ["pr.*"]})
    number = opened.json()["number"]

    assert opened.status_code == 201
    assert opened.json()["key"].startswith("whsec_")
    assert "key" not in ada.get(f"webhooks/{number}").json()
    wish = json.dumps({"wants": ["rollout.live"], "own_only": True})
    changed = ada.send("patch", f"webhooks/{number}", wish, "application/json").json()
    assert (changed["wants"], changed["own_only"], changed["url"]) == (["rollout.live"], True, URL)
    assert ada.post(f"webhooks/{number}/key", {}).json()["key"] != opened.json()["key"]
    assert ada.delete(f"webhooks/{number}").status_code == 204
    assert ada.get("webhooks").json()["items"] == []


def test_what_was_sent_is_listed_and_sent_again(ada: Caller) -> None:
    number = ada.post("webhooks", {"url": URL}).json()["number"]
    sent = ada.post(f"webhooks/{number}/ping", {})

    (logged,) = ada.get(f"webhooks/{number}/deliveries").json()["items"]

    assert sent.status_code == 202
    assert (logged["type"], logged["tries"], logged["delivered_at"]) == ("ping", 0, None)
    again = ada.post(f"webhooks/{number}/deliveries/{logged['number']}/replay", {})
    assert again.json()["message"] == logged["message"]
    assert Dispatch.objects.count() == 2
    assert ada.post(f"webhooks/{number}/on", {}).status_code == 200


def test_a_webhook_is_its_owners_alone(ada: Caller) -> None:
    number = ada.post("webhooks", {"url": URL}).json()["number"]
    other = calling(somebody())

    assert other.get(f"webhooks/{number}").status_code == 404
    assert other.post(f"webhooks/{number}/key", {}).status_code == 404
    assert other.get(f"webhooks/{number}/deliveries").status_code == 404


def test_an_address_that_may_not_be_called_is_a_problem(ada: Caller, settings) -> None:
    settings.WEBHOOKS_MAY_CALL_INSIDE = False

    refused = ada.post("webhooks", {"url": "https://169.254.169.254/"})

    assert refused.status_code == 422
    assert refused.json()["code"] == "bad_webhook"
    assert "an inner address; give a public name" in refused.json()["detail"]


def test_the_inbox_is_read_and_marked(ada: Caller) -> None:
    contribution = a_contribution(by=ada.account)
    say(contribution, by=somebody(), text="Where from?")
    tasks.tell()

    (line,) = ada.get("inbox").json()["items"]

    assert (line["type"], line["contribution"], line["reason"]) == (
        "pr.commented",
        contribution.pk,
        "author",
    )
    marked = ada.post("inbox", {"notices": [line["number"]], "as": "done"})
    assert marked.json() == {"changed": 1}
    assert ada.get("inbox").json()["items"] == []
    assert ada.get("inbox", box="done").json()["items"]
    assert ada.get("inbox", box="attic").status_code == 400
    assert ada.post("inbox", {"notices": [1], "as": "lost"}).status_code == 422


def test_a_pr_is_followed_and_muted(ada: Caller) -> None:
    contribution = a_contribution()
    tasks.tell()
    ada.put(f"contributions/{contribution.pk}/follow", {})
    say(contribution, by=somebody(), text="One.")
    tasks.tell()
    ada.put(f"contributions/{contribution.pk}/follow", {"muted": True})
    say(contribution, by=somebody(), text="Two.")
    tasks.tell()

    assert len(ada.get("inbox").json()["items"]) == 1

"""Every example of the OpenAPI document is sent, and answered as the document says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.accounts.actions import make_service, sign_up
from apps.accounts.models import Role
from apps.api.parsing import NDJSON
from apps.api.schema import document
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.actions import reject
from apps.reviews.desk.appealing import appeal
from apps.reviews.models import Tie
from apps.rollouts.actions import pause
from apps.rollouts.models import Rollout
from apps.traces.models import Arm, Trace
from tests.api.calling import Caller
from tests.api.hostile import World, a_webhook, a_world
from tests.people import a_contribution, somebody


@dataclass
class Sending:
    """Who sends an example, about which number, and with which of its words put right."""

    caller: Caller
    number: int | str = ""
    body: Any = None


# What others sign cannot be an example: real ones come in in tests/reviews/argilla.
SIGNED = ("/api/v1/argilla/events",)


def examples() -> Iterator[Any]:
    for path, methods in document()["paths"].items():
        if path in SIGNED:
            continue
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            for media, described in content.items():
                name = f"{operation['operationId']} {media}"
                yield pytest.param(path, method, media, described, operation, id=name)


@pytest.mark.parametrize(("path", "method", "media", "described", "operation"), examples())
def test_an_example_is_answered_as_documented(
    path: str,
    method: str,
    media: str,
    described: dict[str, Any],
    operation: dict[str, Any],
    runtime: None,
    db: None,
) -> None:
    assert "example" in described, "give the call an example (or example_lines)"
    sending = prepared(a_world(), operation, described["example"])
    number = str(sending.number)

    answer = sent(
        sending, path.replace("{number}", number).replace("{name}", number), method, media
    )

    assert answer.status_code == int(next(iter(operation["responses"]))), answer.content.decode()


def sent(sending: Sending, path: str, method: str, media: str) -> HttpResponse:
    body = sending.body if media == NDJSON else json.dumps(sending.body)
    token = sending.caller.token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"If-Match": "*"} if method == "patch" else {}
    return Client().generic(method.upper(), path, body, content_type=media, headers=headers)


def prepared(world: World, operation: dict[str, Any], example: Any) -> Sending:
    """The state of the site that the example speaks of."""
    name = operation["operationId"]
    scopes = operation.get("security", [{}])[-1].get("token", [])
    caller = world.able.get(scopes[0] if scopes else "", world.spare)
    author = caller.account
    if name == "post_tokens":
        sign_up("ada", password="a long enough phrase", email="")
    if name == "patch_webhook":
        return Sending(caller, a_webhook(caller).pk, example)
    if name == "post_service_tokens":
        assert author is not None
        return Sending(caller, make_service(author, "nightly-import").username, example)
    if name in ("post_revisions", "post_withdraw", "post_comments", "patch_contribution"):
        stage = {"post_revisions": Stage.CHANGES_REQUESTED}.get(name, Stage.IN_REVIEW)
        line = Contribution.objects.all()[0].line
        return Sending(caller, a_contribution(line, by=author, stage=stage).pk, example)
    if name == "post_decision":
        waiting = Contribution.objects.filter(stage=Stage.IN_REVIEW).exclude(author=author)[0]
        return Sending(caller, waiting.pk, {**example, "digest": waiting.digest})
    if name == "post_skip":
        waiting = Contribution.objects.filter(stage=Stage.IN_REVIEW).exclude(author=author)[0]
        return Sending(caller, waiting.pk, example)
    if name in ("post_appeals", "post_hearing"):
        assert author is not None
        line, wronged = Contribution.objects.all()[0].line, world.spare.account
        writer = author if name == "post_appeals" else wronged
        rejected = a_contribution(line, by=writer, stage=Stage.IN_REVIEW)
        judge = somebody(Role.REVIEWER)
        reject(rejected, by=judge, digest=rejected.digest, because="No source.")
        if name == "post_hearing":
            appeal(rejected, by=rejected.author, words="The guide says so.")
        return Sending(caller, rejected.pk, example)
    if name == "post_dismissal":
        tie = Tie.objects.create(one=somebody(), other=somebody(), kind="rows")
        return Sending(caller, tie.pk, example)
    if name == "put_organisation":
        assert author is not None
        return Sending(caller, author.username, example)
    if name in ("post_hold", "put_follow"):
        return Sending(caller, Contribution.objects.filter(stage=Stage.ACCEPTED)[0].pk, example)
    if name == "post_override":
        return Sending(caller, world.numbers["override"][1], example)
    if name == "put_role":
        assert world.spare.account is not None
        return Sending(caller, world.spare.account.username, example)
    if name in ("post_pause", "post_resume", "post_roll_back"):
        rollout = Rollout.objects.get()
        if name == "post_resume":
            assert author is not None
            pause(rollout, by=author, because="a drill")
        return Sending(caller, rollout.pk, example)
    if name == "post_rollouts":
        Rollout.objects.all().delete()
        return Sending(caller, "", {**example, "build": world.numbers["override"][0]})
    if name == "post_chat_completions":
        # (A mirror of the answer would be written by another thread, after this test.)
        Rollout.objects.all().delete()
    if name == "post_feedback":
        caller = world.callers[1]
    if name == "post_comparisons":
        caller = world.able["review"]
    live, shadow = Trace.objects.filter(arm=Arm.LIVE)[0], Trace.objects.filter(arm=Arm.SHADOW)[0]
    named = {"tr_1": live.public_id, "tr_2": shadow.public_id}
    text = re.sub(r"\btr_[12]\b", lambda found: named[found[0]], json.dumps(example))
    return Sending(caller, "", json.loads(text))

"""R1: a request that is sent twice under one key acts once, and is answered alike twice."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as of_the_site
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.actions import make_token
from apps.accounts.models import Account, Role, Token
from apps.api import idempotency, tasks
from apps.api.models import StoredAnswer
from apps.community.models import Endpoint
from apps.contributions.models import Comment, Contribution
from apps.contributions.stages import Stage
from apps.skills.models import ModelLine
from tests.api.calling import GOOD, OFFER, Caller, calling
from tests.people import a_contribution, a_line, somebody

KEY = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6fe4f3a1f5a1"'}
BULK = "contributions/bulk?licence=CC0-1.0&consent=train&signed_off=1"


def kept(answer: HttpResponse) -> tuple[int, bytes, dict[str, str]]:
    """What must be the same each time."""
    names = ("Content-Type", "Location", "Link", "ETag")
    return (
        answer.status_code,
        answer.content,
        {name: answer[name] for name in names if answer.has_header(name)},
    )


def test_the_same_request_again_is_answered_alike_and_acts_once(ada: Caller) -> None:
    body = {**OFFER, "rows": [GOOD]}

    first, second = (ada.post("contributions", body, **KEY) for _ in range(2))

    assert first.status_code == 201
    assert kept(second) == kept(first)
    assert second["Idempotent-Replayed"] == "true"
    assert not first.has_header("Idempotent-Replayed")
    assert second["X-Request-Id"] != first["X-Request-Id"]
    assert Contribution.objects.count() == 1


def test_the_key_may_stand_with_or_without_quotation_marks(ada: Caller, line: ModelLine) -> None:
    path = f"contributions/{a_contribution(line).pk}/comments"

    ada.post(path, {"text": "Hello"}, **{"Idempotency-Key": '"one-key"'})
    again = ada.post(path, {"text": "Hello"}, **{"Idempotency-Key": "one-key"})

    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("method", "path", "role", "body"),
    [
        ("post", "contributions/{n}/comments", Role.CONTRIBUTOR, {"text": "Where is it from?"}),
        ("post", "contributions/{n}/decision", Role.REVIEWER, {"verdict": "accept"}),
        ("put", "accounts/{name}/role", Role.ADMIN, {"role": "trusted"}),
    ],
)
def test_every_change_takes_a_key(
    line: ModelLine, method: str, path: str, role: str, body: dict[str, str]
) -> None:
    caller, other = calling(somebody(role)), somebody()
    contribution = a_contribution(line, stage=Stage.IN_REVIEW)
    if "verdict" in body:
        body = {**body, "digest": contribution.digest}
    path = path.format(n=contribution.pk, name=other.username)

    first, second = (getattr(caller, method)(path, body, **KEY) for _ in range(2))

    assert first.status_code in (200, 201)
    assert kept(second) == kept(first)
    assert second["Idempotent-Replayed"] == "true"


def test_a_keyed_edit_is_repeated_although_its_etag_is_old_by_then(
    line: ModelLine, ada: Caller
) -> None:
    path = f"contributions/{a_contribution(line, by=ada.account).pk}"
    headers = {**KEY, "If-Match": ada.get(path)["ETag"]}

    first, second = (ada.patch(path, {"title": "Better"}, **headers) for _ in range(2))

    assert first.status_code == 200
    assert kept(second) == kept(first)


def test_another_body_under_the_same_key_is_422(ada: Caller, line: ModelLine) -> None:
    path = f"contributions/{a_contribution(line).pk}/comments"
    ada.post(path, {"text": "Hello"}, **KEY)

    answer = ada.post(path, {"text": "Goodbye"}, **KEY)

    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert [said.text for said in Comment.objects.all()] == ["Hello"]


def test_other_parameters_under_the_same_key_are_another_request(ada: Caller) -> None:
    body = {**OFFER, "rows": [GOOD]}
    ada.post("contributions?dry_run=1", body, **KEY)

    answer = ada.post("contributions", body, **KEY)

    assert answer.json()["code"] == "key_reused"


def test_a_refusal_is_kept_like_an_answer(ada: Caller) -> None:
    body = {**OFFER, "rows": [{"prompt": "2+2"}]}

    first, second = (ada.post("contributions", body, **KEY) for _ in range(2))

    assert (first.status_code, second["Idempotent-Replayed"]) == (422, "true")
    assert kept(second) == kept(first)


def test_a_key_belongs_to_one_token_and_one_address(ada: Caller, line: ModelLine) -> None:
    first, second = (f"contributions/{a_contribution(line).pk}/comments" for _ in range(2))
    assert ada.account is not None
    other_token = Caller(ada.account, make_token(ada.account, name="b", scopes=["contribute"])[1])

    for caller, path in ((ada, first), (ada, second), (other_token, first)):
        answer = caller.post(path, {"text": "Hello"}, **KEY)
        assert (answer.status_code, answer.has_header("Idempotent-Replayed")) == (201, False)


@pytest.mark.parametrize("key", ["", '""', "x" * 201, "ключ", "a\tb", "a\xa0"])
def test_a_key_that_cannot_be_one_is_refused(ada: Caller, line: ModelLine, key: str) -> None:
    path = f"contributions/{a_contribution(line).pk}/comments"

    answer = ada.post(path, {"text": "Hello"}, **{"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert not Comment.objects.exists()


def test_rows_in_a_stream_need_a_key_or_a_name(ada: Caller) -> None:
    refused = ada.lines(BULK, GOOD)
    with_key = ada.lines(BULK, GOOD, **KEY)
    with_name = ada.lines(BULK, {**GOOD, "batch": "monday"})

    assert (refused.status_code, refused.json()["code"]) == (400, "key_missing")
    assert with_key.status_code == with_name.status_code == 201
    assert Contribution.objects.count() == 2


def test_a_stream_under_a_key_is_answered_alike_too(ada: Caller) -> None:
    rows = [{**GOOD, "batch": "a"}, {**GOOD, "prompt": "3+3"}]

    first, second = (ada.lines(BULK, *rows, **KEY) for _ in range(2))
    other = ada.lines(BULK, rows[0], **KEY)

    assert first.status_code == 201
    assert kept(second) == kept(first)
    assert second["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_an_error_of_ours_is_not_kept_and_what_it_did_is_undone(
    ada: Caller, line: ModelLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"contributions/{a_contribution(line).pk}/comments"
    written = Comment.save

    def write_and_break(comment: Comment, **how: Any) -> None:
        written(comment, **how)
        raise RuntimeError("no power")

    with monkeypatch.context() as patch:
        patch.setattr(Comment, "save", write_and_break)
        broken = ada.post(path, {"text": "Hello"}, **KEY)
    mended = ada.post(path, {"text": "Hello"}, **KEY)

    assert (broken.status_code, mended.status_code) == (500, 201)
    assert not mended.has_header("Idempotent-Replayed")
    assert Comment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_one_acts_and_the_others_wait_or_hear_its_answer() -> None:
    ada, number = calling(somebody()), a_contribution(a_line()).pk
    start, answers = threading.Barrier(8), []

    def send() -> None:
        try:
            start.wait()
            path = f"contributions/{number}/comments"
            answers.append(ada.post(path, {"text": "Hello"}, **KEY))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    said = Counter(
        (answer.status_code, answer.get("Idempotent-Replayed", "")) for answer in answers
    )
    assert Comment.objects.count() == 1
    assert said[(201, "")] == 1
    assert said.total() == 8
    assert set(said) <= {(201, ""), (201, "true"), (409, "")}


@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_under_way_the_second_hears_409() -> None:
    ada, number = calling(somebody()), a_contribution(a_line()).pk
    inside, free = threading.Event(), threading.Event()
    written = Comment.save

    def write_slowly(comment: Comment, **how: Any) -> None:
        inside.set()
        assert free.wait(10)
        written(comment, **how)

    def send() -> HttpResponse:
        return ada.post(f"contributions/{number}/comments", {"text": "Hello"}, **KEY)

    def send_slowly() -> None:
        try:
            send()
        finally:
            connection.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Comment, "save", write_slowly)
        first = threading.Thread(target=send_slowly)
        first.start()
        assert inside.wait(10)
        second = send()
        free.set()
        first.join()
    third = send()

    assert (second.status_code, second.json()["code"]) == (409, "request_under_way")
    assert second["Retry-After"] == "1"
    assert (third.status_code, third["Idempotent-Replayed"]) == (201, "true")


@pytest.mark.django_db(transaction=True)
def test_a_request_that_dies_in_the_middle_has_neither_acted_nor_answered() -> None:
    ada, number = calling(somebody()), a_contribution(a_line()).pk
    path, written = f"contributions/{number}/comments", Comment.save

    def write_and_die(comment: Comment, **how: Any) -> None:
        written(comment, **how)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Comment, "save", write_and_die)
        died = ada.post(path, {"text": "Hello"}, **KEY)
    left = (Comment.objects.count(), StoredAnswer.objects.count())
    again = ada.post(path, {"text": "Hello"}, **KEY)

    assert died.status_code == 503
    assert left == (0, 0)
    assert (again.status_code, Comment.objects.count()) == (201, 1)


def test_what_is_shown_once_is_never_stored(stranger: Caller) -> None:
    password = "a long enough phrase"
    wish = {"name": "ada", "password": password, "token": {"scopes": ["contribute"]}}

    first, second = (stranger.post("accounts", wish, **KEY) for _ in range(2))

    text = first.json()["token"]["token"]
    stored = StoredAnswer.objects.get()
    assert Caller(token=text).get("me").status_code == 200
    assert second.status_code == 201
    assert second.json()["token"] == {**first.json()["token"], "token": "ofw_pat_(shown once)"}
    assert text not in bytes(stored.body).decode()
    assert password not in f"{stored.fingerprint} {stored.headers}"
    assert (Account.objects.count(), Token.objects.count()) == (1, 1)


@pytest.mark.parametrize(("algorithm", "begins"), [("v1", "whsec_"), ("v1a", "whpk_")])
def test_the_key_of_a_webhook_is_shown_once_and_never_stored(
    ada: Caller, settings: Settings, algorithm: str, begins: str
) -> None:
    settings.WEBHOOKS_MAY_CALL_INSIDE = True
    wish = {"url": "http://127.0.0.1:9/hook", "algorithm": algorithm}

    opened = [ada.post("webhooks", wish, **KEY) for _ in range(2)]
    number = opened[0].json()["id"]
    changed = [ada.post(f"webhooks/{number}/key", {}, **KEY) for _ in range(2)]

    for first, second in (opened, changed):
        key = first.json()["key"]
        assert key.startswith(begins)
        assert second.json() == {**first.json(), "key": f"{begins}(shown once)"}
        assert second["Idempotent-Replayed"] == "true"
        assert not any(key in bytes(kept.body).decode() for kept in StoredAnswer.objects.all())
    assert opened[0].json()["key"] != changed[0].json()["key"]
    assert Endpoint.objects.count() == 1


def test_a_wrong_password_is_not_remembered_under_its_key(stranger: Caller) -> None:
    wish = {"username": "ada", "password": "something else", "scopes": ["chat"]}

    stranger.post("tokens", wish, **KEY)

    assert not StoredAnswer.objects.exists()


def test_answers_are_kept_for_a_day_and_then_forgotten_by_the_clock(
    ada: Caller, line: ModelLine
) -> None:
    path = f"contributions/{a_contribution(line).pk}/comments"
    for key in ("young", "old"):
        ada.post(path, {"text": key}, **{"Idempotency-Key": key})
    day = timedelta(hours=24)
    newest = StoredAnswer.objects.order_by("-created_at").values("place")[:1]
    StoredAnswer.objects.exclude(place__in=newest).update(created_at=timezone.now() - day)

    kept_a_day = tasks.forget_old_answers()
    StoredAnswer.objects.exclude(place__in=newest).update(created_at=timezone.now() - 2 * day)
    forgotten = [tasks.forget_old_answers() for _ in range(2)]

    assert (kept_a_day, forgotten) == (0, [1, 0])
    assert day <= idempotency.KEPT_FOR
    beats = {entry["task"] for entry in of_the_site.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.forget_old_answers.name in beats

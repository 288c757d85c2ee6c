"""Answers from Argilla: read with nothing taken on trust, kept once, counted by our own rules."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from apps.accounts.models import Role
from apps.checks import actions as checks
from apps.community.queries import inbox, sentence_of
from apps.community.tasks import tell
from apps.contributions.models import Comment, Contribution, Row
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.history.affiliations import affiliate
from apps.history.models import Letter
from apps.reviews import actions as deciding
from apps.reviews.argilla import form
from apps.reviews.argilla.actions import close_decided, lay_out
from apps.reviews.argilla.counting import count_voice, take_in
from apps.reviews.argilla.models import Answer, Person, Slip
from apps.reviews.argilla.responses import Given, Voice, together, voice_of
from apps.reviews.desk import pending
from apps.reviews.errors import ReviewRefused
from apps.reviews.models import Decision, Gold, Pending, Verdict
from tests.people import a_contribution, a_line, somebody

SECRET = "c2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZw=="
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def shown(**more: Any) -> Contribution:
    """A PR whose rows stand in Argilla."""
    pr = a_contribution(stage=Stage.IN_REVIEW, **more)
    lay_out()
    for slip in Slip.objects.filter(contribution=pr):
        Slip.objects.filter(pk=slip.pk).update(state=Slip.State.OPEN, record=uuid4())
    return pr


def a_person(role: str = Role.REVIEWER, **more: Any) -> Person:
    account = more.pop("account", None) or somebody(role)
    return Person.objects.create(user=uuid4(), name=f"{account} there", account=account)


def said(pr: Contribution, who: Person, *, minutes: int = 0, **values: Any) -> list[Given]:
    """A submitted response of this person to each row of the PR."""
    return [
        Given(
            response=UUID(int=slip.pk * 1_000 + who.pk),
            record=slip.record,
            user=who.user,
            user_name=who.name,
            status=values.get("status", "submitted"),
            at=NOON + timedelta(minutes=minutes),
            values={name: {"value": value} for name, value in values.items() if name != "status"},
        )
        for slip in Slip.objects.filter(contribution=pr)
    ]


def fresh(pr: Contribution) -> Contribution:
    return Contribution.objects.get(pk=pr.pk)


def ring() -> None:
    """What the clock does with verdicts that are due."""
    for one in pending.due():
        pending.carry_out(one)


def stage_of(pr: Contribution) -> str:
    return Contribution.objects.values_list("stage", flat=True).get(pk=pr.pk)


# -- what a response says -------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from((form.VERDICT, form.RATING, form.CORRECTED, form.ISSUES, form.COMMENT))


@given(st.dictionaries(NAMES, st.fixed_dictionaries({"value": ANYTHING}) | ANYTHING))
def test_whatever_comes_is_read_as_a_voice_of_ours_or_as_none(values):
    voice = voice_of(values, Row(completion="4"))

    assert voice is None or (
        voice.verdict in form.VERDICTS
        and voice.rating in (None, *form.RATINGS)
        and set(voice.issues) <= set(form.ISSUE_NAMES)
        and "\x00" not in voice.corrected + voice.comment
    )


@given(st.lists(st.tuples(st.sampled_from(sorted(form.VERDICTS)), st.booleans()), min_size=1))
def test_rows_that_differ_ask_for_changes(voices):
    rows = [
        (Row(position=n), Voice(verdict, corrected="better" if corrected else ""))
        for n, (verdict, corrected) in enumerate(voices)
    ]

    alike = {one for one, _ in voices}
    assert {together(rows)} == (alike if len(alike) == 1 else {Verdict.CHANGES})


def test_a_corrected_text_that_changes_nothing_is_no_correction():
    voice = voice_of(
        {"verdict": {"value": "accept"}, "corrected_text": {"value": " 4 "}}, Row(completion="4")
    )

    assert voice == Voice("accept")


def test_what_reviewers_see_needs_no_server_and_names_no_author(db):
    pr = a_contribution()
    slip = Slip(contribution=pr, row=Row.objects.get(), revision=1)
    words = [form.fields_of(slip.row, pr), form.metadata_of(slip, [], state=form.OPEN)]

    assert pr.author.username not in json.dumps(words)


# -- each once ------------------------------------------------------------------------------------


def test_the_same_version_counts_once_however_often_it_comes(db):
    pr, who = shown(), a_person()
    once = said(pr, who, verdict="accept")

    assert [
        take_in(once, by="webhook"),
        take_in(once, by="webhook"),
        take_in(once, by="sweep"),
    ] == [1, 0, 0]
    assert Letter.objects.filter(task__contains="count_voice").count() == 1
    count_voice(pr, who)
    count_voice(pr, who)

    assert (stage_of(pr), Decision.objects.count()) == (Stage.ACCEPTED, 1)


def test_versions_that_overtake_one_another_end_with_the_latest(db):
    pr, who = shown(), a_person()

    take_in(said(pr, who, minutes=2, verdict="reject", comment="no sum"), by="webhook")
    take_in(said(pr, who, minutes=1, verdict="accept"), by="webhook")
    count_voice(pr, who)

    assert stage_of(pr) == Stage.REJECTED


@pytest.mark.parametrize("deleted_first", [False, True])
def test_what_was_taken_back_does_not_count(db, deleted_first):
    pr, who = shown(), a_person()
    events = [said(pr, who, verdict="accept"), said(pr, who, status="deleted")]

    for event in reversed(events) if deleted_first else events:
        take_in(event, by="webhook")
    count_voice(pr, who)

    assert stage_of(pr) == Stage.IN_REVIEW


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_with_one_answer_one_counts_it():
    pr, who = shown(), a_person()
    take_in(said(pr, who, verdict="accept"), by="webhook")
    start = Barrier(8)

    def work() -> None:
        start.wait()
        count_voice(Contribution.objects.get(pk=pr.pk), who)
        connection.close()

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Decision.objects.count() == 1
    assert Answer.objects.get().state == Answer.State.COUNTED


def test_a_response_to_a_record_that_is_none_of_ours_is_left_alone(db):
    pr, who = shown(), a_person()
    Slip.objects.update(record=None)

    (stranger,) = [
        Given(
            uuid4(),
            uuid4(),
            who.user,
            who.name,
            "submitted",
            NOON,
            {"verdict": {"value": "accept"}},
        )
    ]
    assert take_in([stranger], by="sweep") == 0
    assert stage_of(pr) == Stage.IN_REVIEW


# -- the same rules -------------------------------------------------------------------------------


def test_own_work_is_refused_and_said(db):
    grace = somebody(Role.REVIEWER)
    pr = shown(by=grace)
    who = a_person(account=grace)
    take_in(said(pr, who, verdict="accept"), by="sweep")

    count_voice(pr, who)

    answer, why = Answer.objects.get(), f"{grace} wrote {pr}; somebody else decides on it"
    assert (answer.state, answer.because) == (Answer.State.REFUSED, why)
    assert [(one.step, one.lapsed) for one in pending.of(grace)] == [("accept", why)]


def test_a_reviewer_whose_answer_was_refused_finds_it_in_their_inbox(db):
    grace, pr = somebody(Role.REVIEWER), shown()
    affiliate(grace, "Example", by=grace)
    affiliate(pr.author, "Example", by=pr.author)
    who = a_person(account=grace)
    take_in(said(pr, who, verdict="accept"), by="sweep")

    count_voice(pr, who)
    tell()

    assert [sentence_of(notice) for notice in inbox(grace)] == [
        f"{pr} has an answer from Argilla that was not counted; the desk says why"
    ]
    assert not inbox(pr.author).exists()


def test_a_draft_of_a_refused_answer_leaves_it_on_record_until_it_is_mended(db):
    pr, who = shown(), a_person()
    take_in(said(pr, who, verdict="reject"), by="sweep")
    count_voice(pr, who)

    take_in(said(pr, who, minutes=1, status="draft", verdict="reject"), by="webhook")
    handed_back = list(Answer.objects.order_by("pk").values_list("state", flat=True))
    count_voice(pr, who)
    take_in(said(pr, who, minutes=2, verdict="reject", comment="no sum"), by="sweep")
    count_voice(pr, who)

    assert handed_back == [Answer.State.RETURNED, Answer.State.PASSED]
    states = list(Answer.objects.order_by("pk").values_list("state", flat=True))
    assert states == [Answer.State.REPLACED, Answer.State.PASSED, Answer.State.COUNTED]
    assert stage_of(pr) == Stage.REJECTED


def test_a_later_wish_against_a_taken_decision_is_refused_and_said(db):
    pr, who = shown(rows=[{"prompt": f"{n}?", "completion": "yes"} for n in range(2)]), a_person()
    take_in(said(pr, who, verdict="accept"), by="sweep")
    count_voice(pr, who)

    take_in(said(pr, who, minutes=5, verdict="reject", comment="no")[:1], by="sweep")
    count_voice(Contribution.objects.get(pk=pr.pk), who)

    assert stage_of(pr) == Stage.ACCEPTED
    assert "is accepted and cannot become" in Answer.objects.get(state="refused").because


def test_who_read_another_revision_decides_on_nothing(db):
    from apps.contributions.actions import revise

    pr, who = shown(), a_person()
    take_in(said(pr, who, verdict="accept"), by="sweep")
    revise(pr, by=pr.author, rows=[{"prompt": "2 + 2?", "completion": "4"}], note="")
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)

    count_voice(Contribution.objects.get(pk=pr.pk), who)

    assert stage_of(pr) == Stage.IN_REVIEW
    assert "has changed since you read it" in Answer.objects.get().because


# -- corrected texts ------------------------------------------------------------------------------


def test_a_text_corrected_in_argilla_is_accepted_as_its_reviewer_wrote_it(db):
    pr, who = shown(rows=[{"prompt": f"{n} + 2?", "completion": "5"} for n in (2, 3)]), a_person()
    first, second = said(pr, who, verdict="accept", comment="a slip")
    take_in([first], by="sweep")
    mended = second.values | {"corrected_text": {"value": "four"}}
    take_in([replace(second, values=mended)], by="sweep")

    count_voice(pr, who)
    ring()
    checks.check(fresh(pr))
    between = lay_out()
    ring()

    decision = Decision.objects.get()
    assert [row.completion for row in rows_of(fresh(pr))] == ["5", "four"]
    assert (fresh(pr).stage, decision.digest) == (Stage.ACCEPTED, fresh(pr).digest)
    assert (decision.reviewer, decision.because) == (who.account, "Row 1: a slip\nRow 2: a slip")
    assert between == 0


@pytest.mark.parametrize("kind", ["rating", "gold"])
def test_where_no_edit_can_stand_the_text_is_suggested_and_changes_are_asked_for(db, kind):
    rated = {"label": True} if kind == "rating" else {}
    rows = [{"prompt": "2 + 2?", "completion": "5", **rated}]
    pr, who = shown(rows=rows, kind="rating" if rated else "dataset"), a_person()
    if kind == "gold":
        maintainer = somebody(Role.MAINTAINER)
        Gold.objects.create(contribution=pr, verdict="accept", reason="so", planted_by=maintainer)
    take_in(said(pr, who, verdict="accept", corrected_text="4"), by="sweep")

    count_voice(pr, who)

    assert not Pending.objects.exists()
    assert [(one.text, one.suggestion.text) for one in Comment.every.all()] == [
        ("Corrected in Argilla", "4")
    ]
    assert stage_of(pr) == (Stage.IN_REVIEW if kind == "gold" else Stage.CHANGES_REQUESTED)


def test_who_has_it_open_here_does_not_hold_up_an_edit_from_there(db):
    pr, who, grace = shown(), a_person(), somebody(Role.REVIEWER)
    deciding.claim(pr, by=grace)
    take_in(said(pr, who, verdict="accept", corrected_text="Less."), by="sweep")

    count_voice(pr, who)

    assert Pending.objects.get().edits == [[0, "completion", "Less."]]
    with pytest.raises(ReviewRefused, match=r"a verdict on .* waits to take effect"):
        pending.give(pr, "accept", by=grace, digest=pr.digest)


# -- what goes out --------------------------------------------------------------------------------


def test_the_queue_is_laid_out_once_and_closed_when_it_is_left(db):
    pr = a_contribution(
        stage=Stage.IN_REVIEW, rows=[{"prompt": f"{n}?", "completion": "y"} for n in range(3)]
    )
    assert (lay_out(), lay_out(), Slip.objects.count()) == (1, 0, 3)
    Slip.objects.filter(row__position=0).update(state=Slip.State.OPEN, record=uuid4())

    deciding.accept(pr, by=somebody(Role.REVIEWER), digest=pr.digest)

    assert close_decided() == 3
    states = dict(Slip.objects.values_list("row__position", "state"))
    assert states == {0: Slip.State.CLOSING, 1: Slip.State.CLOSED, 2: Slip.State.CLOSED}


def test_a_line_may_keep_its_queue_at_home_and_large_prs_stay_here(db):
    private = a_line()
    private.policy = {"review": {"argilla": {"shown": 0}}}
    private.save()
    small = a_line()
    small.policy = {"review": {"argilla": {"most_rows": 1}}}
    small.save()
    rows = [{"prompt": f"{n}?", "completion": "y"} for n in range(2)]
    a_contribution(private, stage=Stage.IN_REVIEW)
    a_contribution(small, stage=Stage.IN_REVIEW, rows=rows)

    assert lay_out() == 0


# -- the door -------------------------------------------------------------------------------------


@pytest.fixture
def on(settings):
    settings.ARGILLA_API_URL, settings.ARGILLA_API_KEY = "http://127.0.0.1:9", "key"
    settings.ARGILLA_WEBHOOK_SECRET = SECRET


def posted(message: dict[str, Any], *, secret: str = SECRET, at: datetime | None = None) -> Any:
    body, at = json.dumps(message), at or datetime.now(UTC)
    name = f"msg_{uuid4().hex}"
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, at, body),
    }
    return Client().post(
        "/api/v1/argilla/events", body, content_type="application/json", headers=headers
    )


def an_event(pr: Contribution, who: Person, kind: str = "response.created") -> dict[str, Any]:
    (one,) = said(pr, who, verdict="accept")
    data = {
        "id": str(one.response),
        "record": {"id": str(one.record)},
        "user": {"id": str(one.user), "username": who.name},
        "status": "submitted",
        "values": one.values,
        "updated_at": "2026-11-20T12:00:00.000000",
    }
    return {"type": kind, "version": 1, "timestamp": "2026-11-20T12:00:01Z", "data": data}


def test_a_signed_event_is_kept_and_its_retries_under_new_ids_change_nothing(db, on):
    pr, who = shown(), a_person()

    answers = [posted(an_event(pr, who)).status_code for _ in range(3)]

    assert answers == [204, 204, 204]
    assert Answer.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("record.completed", 0), ("dataset.created", 0), ("ping", 0), ("response.updated", 1)],
)
def test_only_responses_are_read(db, on, kind, kept):
    pr, who = shown(), a_person()

    assert posted(an_event(pr, who, kind)).status_code == 204
    assert Answer.objects.count() == kept


def test_another_secret_an_old_message_and_no_signature_are_refused(db, on):
    pr, who = shown(), a_person()
    event = an_event(pr, who)
    unsigned = Client().post("/api/v1/argilla/events", event, content_type="application/json")
    refused = [
        posted(event, secret="YW5vdGhlciBzZWNyZXQ="),
        posted(event, at=datetime.now(UTC) - timedelta(minutes=6)),
        unsigned,
    ]

    assert [answer.json()["code"] for answer in refused] == ["bad_signature"] * 3
    assert not Answer.objects.exists()


def test_without_a_secret_nobody_comes_in(db, on, settings):
    settings.ARGILLA_WEBHOOK_SECRET = ""

    assert posted({"type": "ping"}).json()["code"] == "bad_signature"


def test_without_argilla_the_door_is_not_there(db):
    assert posted({"type": "ping"}).json()["code"] == "argilla_off"

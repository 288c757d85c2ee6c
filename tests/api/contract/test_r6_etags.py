"""R6: strong ETags, 304 for what is known already, and no edit on what has changed since."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from apps.contributions.discussion.actions import say
from apps.contributions.models import Contribution, Row
from apps.contributions.stages import Stage
from apps.history.models import Event
from apps.skills.models import ModelLine
from tests.api.calling import Caller, calling
from tests.people import a_contribution, a_line, somebody

CLOSED = (Stage.ACCEPTED, Stage.REJECTED, Stage.WITHDRAWN)


def read(caller: Caller, path: str, **headers: str):
    return caller.send("get", path, "", "application/json", **headers)


def test_an_author_edits_the_words_and_the_record_says_what_they_were(
    line: ModelLine, ada: Caller
) -> None:
    contribution = a_contribution(line, by=ada.account, skill=line.skills.get(name="sums"))
    path = f"contributions/{contribution.pk}"

    answer = ada.patch(
        path,
        {"title": "Better sums", "description": "From my notes", "skill": "manners"},
        **{"If-Match": ada.get(path)["ETag"]},
    )

    said = answer.json()
    event = Event.objects.get(verb="edited")
    assert answer.status_code == 200
    assert (said["title"], said["description"], said["skill"]) == (
        "Better sums", "From my notes", "manners",
    )  # fmt: skip
    assert event.details == {
        "title": ["Some rows", "Better sums"],
        "description": ["", "From my notes"],
        "skill": ["sums", "manners"],
    }
    assert [row.skill.name for row in Row.objects.all() if row.skill] == ["manners"]
    assert answer["ETag"] == ada.get(path)["ETag"]


def test_an_edit_without_if_match_is_428(line: ModelLine, ada: Caller) -> None:
    number = a_contribution(line, by=ada.account).pk

    answer = ada.patch(f"contributions/{number}", {"title": "Better"})

    assert (answer.status_code, answer.json()["code"]) == (428, "if_match_missing")
    assert Contribution.objects.get().title == "Some rows"


def test_an_edit_on_an_old_reading_is_412(line: ModelLine, ada: Caller) -> None:
    path = f"contributions/{a_contribution(line, by=ada.account).pk}"
    old = {"If-Match": ada.get(path)["ETag"]}
    ada.patch(path, {"title": "Better"}, **old)

    answer = ada.patch(path, {"title": "Worse"}, **old)

    assert (answer.status_code, answer.json()["code"]) == (412, "changed_since")
    assert Contribution.objects.get().title == "Better"


@pytest.mark.parametrize("tag", ['"nonsense"', "W/{}", ""])
def test_a_tag_that_is_none_of_ours_or_weak_never_matches(
    line: ModelLine, ada: Caller, tag: str
) -> None:
    path = f"contributions/{a_contribution(line, by=ada.account).pk}"

    answer = ada.patch(path, {"title": "x"}, **{"If-Match": tag.format(ada.get(path)["ETag"])})

    assert answer.status_code == 412


@pytest.mark.parametrize("query", ["", "?fields=title", "?expand=author"])
def test_the_tag_of_any_reading_will_do_and_a_comment_spoils_no_edit(
    line: ModelLine, ada: Caller, query: str
) -> None:
    contribution = a_contribution(line, by=ada.account)
    path = f"contributions/{contribution.pk}"
    tag = read(ada, f"{path}{query}")["ETag"]
    say(contribution, by=somebody(), text="Nice.")

    answer = ada.patch(path, {"title": "Better"}, **{"If-Match": f'"other", {tag}'})

    assert answer.status_code == 200


def test_only_the_author_edits(line: ModelLine, ada: Caller, grace: Caller) -> None:
    path = f"contributions/{a_contribution(line, by=ada.account).pk}"

    answer = grace.patch(path, {"title": "Mine"}, **{"If-Match": grace.get(path)["ETag"]})

    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")


@pytest.mark.parametrize("stage", Stage.values)
def test_what_has_been_decided_on_is_edited_no_more(
    line: ModelLine, ada: Caller, stage: str
) -> None:
    path = f"contributions/{a_contribution(line, by=ada.account, stage=stage).pk}"

    answer = ada.patch(path, {"title": "Better"}, **{"If-Match": "*"})

    assert answer.status_code == (409 if stage in CLOSED else 200)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"stage": "accepted"}, "/stage"),
        ({"licence": "MIT"}, "/licence"),
        ({"title": ""}, "/title"),
        ({"skill": "cooking"}, "/skill"),
    ],
)
def test_an_edit_that_cannot_be_is_pointed_at(
    line: ModelLine, ada: Caller, body: dict[str, str], pointer: str
) -> None:
    path = f"contributions/{a_contribution(line, by=ada.account).pk}"

    answer = ada.patch(path, body, **{"If-Match": "*"})

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_an_edit_that_changes_nothing_writes_no_event(line: ModelLine, ada: Caller) -> None:
    path = f"contributions/{a_contribution(line, by=ada.account).pk}"

    answer = ada.patch(path, {"title": "Some rows"}, **{"If-Match": "*"})

    assert answer.status_code == 200
    assert not Event.objects.filter(verb="edited").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_edits_at_once_one_is_lost_by_nobody() -> None:
    ada, line = calling(somebody()), a_line()
    path = f"contributions/{a_contribution(line, by=ada.account).pk}"
    tag, start, statuses = ada.get(path)["ETag"], threading.Barrier(4), []

    def edit(title: str) -> None:
        try:
            start.wait()
            statuses.append(ada.patch(path, {"title": title}, **{"If-Match": tag}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=(f"title {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 412, 412, 412]
    assert Event.objects.filter(verb="edited").count() == 1


@pytest.mark.parametrize("path", ["contributions/{n}", "skills", "contributions", "versions"])
def test_what_a_client_has_already_is_not_sent_again(
    line: ModelLine, stranger: Caller, path: str
) -> None:
    path = path.format(n=a_contribution(line).pk)
    first = stranger.get(path)

    known = read(stranger, path, **{"If-None-Match": f'"x", W/{first["ETag"]}'})
    other = read(stranger, path, **{"If-None-Match": '"x"'})

    assert first["ETag"].startswith('"')
    assert (known.status_code, known.content, known["ETag"]) == (304, b"", first["ETag"])
    assert known["X-Request-Id"]
    assert (other.status_code, other.content) == (200, first.content)


def test_a_new_comment_changes_the_tag(line: ModelLine, stranger: Caller) -> None:
    contribution = a_contribution(line)
    path = f"contributions/{contribution.pk}"
    before = stranger.get(path)["ETag"]

    say(contribution, by=somebody(), text="Nice.")

    assert read(stranger, path, **{"If-None-Match": before}).status_code == 200


def test_two_forms_of_one_answer_have_two_strong_tags(line: ModelLine, stranger: Caller) -> None:
    path = f"contributions/{a_contribution(line).pk}"

    wide, close = stranger.get(path), read(stranger, path, Accept="application/json")

    assert wide.content != close.content
    assert wide["ETag"] != close["ETag"]
    assert "Accept" in close["Vary"]

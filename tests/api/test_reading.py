"""Lists, pages, life: what everybody may read, and what only some may."""

from __future__ import annotations

import pytest

from apps.accounts.models import Account, Role
from apps.api.answers.contributions import COMMENTS_SHOWN
from apps.checks.models import Finding, Screening, Severity
from apps.contributions.discussion.actions import say as comment
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.skills.models import ModelLine
from tests.api.calling import Caller, calling
from tests.people import a_contribution, somebody

SECRET = "call me under 030 1234567"


def owner(caller: Caller) -> Account:
    assert caller.account is not None
    return caller.account


def quarantined(line: ModelLine, by: Account) -> Contribution:
    """A quarantined contribution whose row and finding quote something private."""
    rows = [{"prompt": SECRET, "completion": "yes"}]
    contribution = a_contribution(line, by=by, stage=Stage.QUARANTINED, rows=rows)
    screening = Screening.objects.create(
        contribution=contribution, revision=1, digest=contribution.digest, seconds=0.1
    )
    Finding.objects.create(
        screening=screening,
        screen="personal_data",
        severity=Severity.QUARANTINE,
        rows=[0],
        message=f"a telephone number: {SECRET}",
        evidence={"text": SECRET},
    )
    return contribution


def test_nobody_reads_the_draft_of_another_and_its_author_does(
    line: ModelLine, ada: Caller, grace: Caller, stranger: Caller
) -> None:
    draft = a_contribution(line, by=owner(ada), stage=Stage.DRAFT)

    addresses = [f"contributions/{draft.pk}{end}" for end in ("", "/rows", "/life", "/comments")]
    for address in addresses:
        assert ada.get(address).status_code == 200
        assert grace.get(address).status_code == stranger.get(address).status_code == 404
    assert stranger.get("contributions").json()["items"] == []
    assert [pr["number"] for pr in ada.get("contributions").json()["items"]] == [draft.pk]


def test_a_draft_that_is_hidden_looks_like_one_that_is_not_there(
    line: ModelLine, ada: Caller, grace: Caller
) -> None:
    draft = a_contribution(line, by=owner(ada), stage=Stage.DRAFT)

    hidden = grace.get(f"contributions/{draft.pk}").json()
    absent = grace.get(f"contributions/{draft.pk + 1}").json()

    for answer in (hidden, absent):
        del answer["request_id"], answer["instance"]
        answer["detail"] = answer["detail"].replace(str(draft.pk + 1), "N")
        answer["detail"] = answer["detail"].replace(str(draft.pk), "N")
    assert hidden == absent


def test_quarantined_rows_are_for_the_author_and_those_who_decide(
    line: ModelLine, ada: Caller, grace: Caller, stranger: Caller
) -> None:
    contribution = quarantined(line, owner(ada))
    other = calling(somebody())

    for reader in (stranger, other):
        page = reader.get(f"contributions/{contribution.pk}")
        assert page.status_code == 200
        assert SECRET not in page.content.decode()
        assert page.json()["rows_url"] is None
        assert page.json()["findings"][0]["screen"] == "personal_data"
        assert reader.get(f"contributions/{contribution.pk}/rows").status_code == 404
    for reader in (ada, grace):
        rows = reader.get(f"contributions/{contribution.pk}/rows").json()["items"]
        assert rows[0]["prompt"] == SECRET


def test_the_evidence_of_a_finding_is_for_those_who_decide(
    line: ModelLine, ada: Caller, grace: Caller
) -> None:
    contribution = quarantined(line, owner(ada))

    seen_by_author = ada.get(f"contributions/{contribution.pk}").json()["findings"][0]
    seen_by_reviewer = grace.get(f"contributions/{contribution.pk}").json()["findings"][0]

    assert "evidence" not in seen_by_author
    assert seen_by_reviewer["evidence"] == {"text": SECRET}


def test_the_page_says_who_must_act_next(line: ModelLine, stranger: Caller) -> None:
    turns = {
        stage: stranger.get(f"contributions/{a_contribution(line, stage=stage).pk}").json()[
            "acts_next"
        ]["who"]
        for stage in Stage.values
        if stage != Stage.DRAFT
    }

    assert turns == {
        "submitted": "checks",
        "in_review": "reviewer",
        "quarantined": "maintainer",
        "changes_requested": "author",
        "accepted": "builds",
        "rejected": "author",
        "withdrawn": "nobody",
    }


def test_lists_are_narrowed_by_stage_kind_skill_and_author(
    line: ModelLine, ada: Caller, stranger: Caller
) -> None:
    rows = [{"prompt": "hi", "completion": "hello", "skill": "manners"}]
    mine = a_contribution(line, by=owner(ada), stage=Stage.ACCEPTED, rows=rows)
    a_contribution(line)

    for narrowed in (
        {"stage": "accepted"},
        {"skill": "manners"},
        {"author": owner(ada).username},
        {"stage": "accepted", "kind": "dataset"},
    ):
        items = stranger.get("contributions", **narrowed).json()["items"]
        assert [pr["number"] for pr in items] == [mine.pk]


@pytest.mark.parametrize(
    "asked",
    [
        "author__password__startswith=a",
        "ordering=password",
        "stage=gone",
        "kind=essay",
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=²",
        "cursor=nonsense",
        "cursor=cD1hYmM%3D",
        "expand=password",
    ],
)
def test_a_parameter_that_is_not_understood_is_said_and_never_reaches_the_database(
    stranger: Caller, asked: str
) -> None:
    answer = stranger.get(f"contributions?{asked}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def test_pages_follow_one_another_while_new_ones_are_added(
    line: ModelLine, stranger: Caller
) -> None:
    numbers = [a_contribution(line).pk for _ in range(5)]

    first = stranger.get("contributions", limit=2)
    a_contribution(line)
    seen = [pr["number"] for pr in first.json()["items"]]
    after = first.json()["next"]
    while after:
        page = stranger.get(after.split("/api/v1/")[1]).json()
        seen += [pr["number"] for pr in page["items"]]
        after = page["next"]

    assert seen == numbers[::-1]
    assert first["Link"] == f'<{first.json()["next"]}>; rel="next"'


def test_a_list_asks_the_database_as_often_for_many_as_for_one(
    line: ModelLine, stranger: Caller, django_assert_num_queries: object
) -> None:
    for expected in (1, 9):
        while Contribution.objects.count() < expected:
            a_contribution(line, rows=[{"prompt": "p", "completion": "c", "skill": "sums"}])
        with django_assert_num_queries(1):  # type: ignore[operator]
            stranger.get("contributions")


def test_a_comment_is_read_by_everybody_under_its_author_s_name(
    line: ModelLine, ada: Caller, stranger: Caller
) -> None:
    number = a_contribution(line).pk

    said = ada.post(f"contributions/{number}/comments", {"text": "Where is row 3 from?"})
    comment(Contribution.objects.get(pk=number), by=somebody(), text="From my own notes.")

    heard = stranger.get(f"contributions/{number}/comments").json()["items"]
    assert said.status_code == 201
    assert heard[-1] == said.json()
    assert stranger.post(f"contributions/{number}/comments", {"text": "x"}).status_code == 401


def test_a_pr_holds_its_latest_comments_and_tells_where_those_before_them_are(
    line: ModelLine, stranger: Caller
) -> None:
    pr, ada = a_contribution(line), somebody()
    for number in range(COMMENTS_SHOWN):
        comment(pr, by=ada, text=f"No. {number}")
    assert stranger.get(f"contributions/{pr.pk}").json()["comments_next"] is None

    for number in range(COMMENTS_SHOWN, COMMENTS_SHOWN + 60):
        comment(pr, by=ada, text=f"No. {number}")
    page = stranger.get(f"contributions/{pr.pk}", expand="author").json()
    texts, after = [said["text"] for said in page["comments"]], page["comments_next"]
    assert texts == [f"No. {number}" for number in range(60, 110)]
    while after:
        before = stranger.get(after.split("/api/v1/")[1]).json()
        texts, after = [said["text"] for said in before["items"]][::-1] + texts, before["next"]

    assert texts == [f"No. {number}" for number in range(110)]


def test_only_its_author_withdraws_or_revises_a_contribution(
    line: ModelLine, ada: Caller, grace: Caller
) -> None:
    contribution = a_contribution(line, by=owner(ada), stage=Stage.CHANGES_REQUESTED)
    rows = {"rows": [{"prompt": "3+3", "completion": "6"}, {"prompt": "3+4"}], "note": "better"}

    refused = grace.post(f"contributions/{contribution.pk}/revisions", rows)
    revised = ada.post(f"contributions/{contribution.pk}/revisions", rows)
    stolen = grace.post(f"contributions/{contribution.pk}/withdraw", {})
    withdrawn = ada.post(f"contributions/{contribution.pk}/withdraw", {})
    again = ada.post(f"contributions/{contribution.pk}/withdraw", {})

    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    assert (revised.json()["revision"], revised.json()["counts"]["refused"]) == (2, 1)
    assert stolen.status_code == 403
    assert withdrawn.json()["stage"] == "withdrawn"
    assert (again.status_code, again.json()["code"]) == (409, "move_refused")


def test_the_record_can_be_recomputed_from_what_is_public(
    line: ModelLine, stranger: Caller
) -> None:
    import hashlib
    import json

    a_contribution(line)
    a_contribution(line)

    events = stranger.get("events").json()["items"]
    for event in events:
        said = {
            "subject": [event["subject"]["kind"], event["subject"]["id"]],
            "verb": event["verb"],
            "move": [event["left"], event["entered"]],
            "actor": [event["actor"], event["account"]],
            "because": event["because"],
            "details": event["details"],
            "at": event["at"],
        }
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(f"{event['previous']}\n{text}".encode()).hexdigest()
        assert digest == event["digest"]
    assert [event["previous"] for event in events[1:]] == [event["digest"] for event in events[:-1]]


def test_the_life_of_a_contribution_begins_with_its_submission(
    line: ModelLine, stranger: Caller
) -> None:
    number = a_contribution(line).pk

    hops = stranger.get(f"contributions/{number}/life").json()["hops"]

    assert [(hop["kind"], hop["id"]) for hop in hops] == [("contribution", str(number))]
    assert hops[0]["at"]


def test_skills_and_leaderboard_are_public(line: ModelLine, stranger: Caller) -> None:
    a_contribution(line)

    skills = stranger.get("skills").json()
    board = stranger.get("leaderboard").json()

    assert [skill["name"] for skill in skills["items"]] == ["sums", "manners"]
    assert (board["submitted"], board["accepted"]) == (1, 0)


def test_a_maintainer_reads_the_quarantine_and_a_contributor_no_queue(
    line: ModelLine, ada: Caller
) -> None:
    contribution = quarantined(line, owner(ada))
    maintainer = calling(somebody(Role.MAINTAINER))

    aside = maintainer.get("reviews/queue", quarantined=1).json()["items"]

    assert [pr["number"] for pr in aside] == [contribution.pk]
    assert ada.get("reviews/queue").status_code == 403

"""Deciding over REST."""

from __future__ import annotations

from apps.accounts.models import Account, Role
from apps.contributions.stages import Stage
from apps.skills.models import ModelLine
from tests.api.calling import Caller, calling
from tests.people import a_contribution, somebody


def owner(caller: Caller) -> Account:
    assert caller.account is not None
    return caller.account


def test_a_reviewer_accepts_what_they_read_and_it_can_be_read_by_all(
    line: ModelLine, grace: Caller, stranger: Caller
) -> None:
    waiting = a_contribution(line, stage=Stage.IN_REVIEW)

    queue = grace.get("reviews/queue").json()["items"]
    verdict = {"verdict": "accept", "digest": queue[0]["digest"], "because": "sources given"}
    answer = grace.post(f"contributions/{waiting.pk}/decision", verdict)

    decided = stranger.get(f"contributions/{waiting.pk}").json()
    assert answer.status_code == 201
    assert decided["stage"] == "accepted"
    assert [taken["because"] for taken in decided["decisions"]] == ["sources given"]
    assert grace.get("reviews/queue").json()["items"] == []


def test_nobody_decides_on_their_own_work(line: ModelLine, grace: Caller) -> None:
    own = a_contribution(line, by=owner(grace), stage=Stage.IN_REVIEW)

    verdict = {"verdict": "accept", "digest": own.digest}
    answer = grace.post(f"contributions/{own.pk}/decision", verdict)

    assert (answer.status_code, answer.json()["code"]) == (403, "own_work")


def test_a_decision_on_an_older_revision_is_a_conflict(line: ModelLine, grace: Caller) -> None:
    waiting = a_contribution(line, stage=Stage.IN_REVIEW)

    answer = grace.post(
        f"contributions/{waiting.pk}/decision", {"verdict": "accept", "digest": "0" * 64}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert answer.json()["errors"][0]["pointer"] == "/digest"


def test_the_second_decision_finds_that_the_first_was_quicker(
    line: ModelLine, grace: Caller
) -> None:
    waiting = a_contribution(line, stage=Stage.IN_REVIEW)
    verdict = {"verdict": "reject", "digest": waiting.digest, "because": "a copy"}

    answers = [grace.post(f"contributions/{waiting.pk}/decision", verdict) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 409]
    assert answers[1].json()["code"] == "move_refused"


def test_a_rejection_without_a_reason_is_refused(line: ModelLine, grace: Caller) -> None:
    waiting = a_contribution(line, stage=Stage.IN_REVIEW)

    answer = grace.post(
        f"contributions/{waiting.pk}/decision", {"verdict": "reject", "digest": waiting.digest}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "reason_missing")


def test_two_maintainers_release_from_quarantine(line: ModelLine, grace: Caller) -> None:
    aside = a_contribution(line, stage=Stage.QUARANTINED)
    maintainer, other = (calling(somebody(Role.MAINTAINER)) for _ in range(2))
    verdict = {"verdict": "release", "digest": aside.digest, "because": "a false alarm"}

    refused = grace.post(f"contributions/{aside.pk}/decision", verdict)
    proposed = maintainer.post(f"contributions/{aside.pk}/decision", verdict)
    released = other.post(f"contributions/{aside.pk}/decision", verdict)

    assert (refused.status_code, refused.json()["code"]) == (403, "not_a_reviewer")
    assert (proposed.status_code, proposed.json()["stage"]) == (202, "quarantined")
    assert proposed.json()["proposal"]["terms"] == {"digest": aside.digest}
    assert (released.status_code, released.json()["stage"]) == (201, "in_review")


def test_a_contributor_s_token_does_not_decide(line: ModelLine, ada: Caller) -> None:
    waiting = a_contribution(line, stage=Stage.IN_REVIEW)

    answer = ada.post(
        f"contributions/{waiting.pk}/decision", {"verdict": "accept", "digest": waiting.digest}
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_rights_end_with_the_role_even_for_a_token_made_before(
    line: ModelLine, grace: Caller
) -> None:
    waiting = a_contribution(line, stage=Stage.IN_REVIEW)
    Account.objects.filter(pk=owner(grace).pk).update(role=Role.CONTRIBUTOR)

    answer = grace.post(
        f"contributions/{waiting.pk}/decision", {"verdict": "accept", "digest": waiting.digest}
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "not_a_reviewer")

"""The queue over REST: next, claims, skips, habits, who is kept apart, and what losers are told."""

from __future__ import annotations

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.models import Tie
from apps.skills.models import ModelLine
from tests.api.calling import GOOD, OFFER, Caller, calling
from tests.people import a_contribution, somebody


def waiting(line: ModelLine, **more: object) -> Contribution:
    return a_contribution(line, stage=Stage.IN_REVIEW, skill=line.skills.get(name="sums"), **more)


def owner(caller: Caller) -> Account:
    assert caller.account is not None
    return caller.account


def test_next_gives_the_item_with_its_rows_its_score_and_what_comes_after(
    line: ModelLine, grace: Caller
) -> None:
    numbers = {waiting(line).pk for _ in range(3)}

    told = grace.post("reviews/next", {}).json()

    assert {told["item"]["number"], *(one["number"] for one in told["ahead"])} == numbers
    assert [row["position"] for row in told["rows"]] == [0]
    assert told["claim"]["by"] == owner(grace).username
    says = "100 % new beside what is accepted; 1 minute to read; it has just come"
    assert told["score"]["says"] == told["says"] == says


def test_next_gives_again_what_was_opened_by_its_address(line: ModelLine, grace: Caller) -> None:
    waiting(line), (opened := waiting(line))
    grace.put(f"contributions/{opened.pk}/claim", {})

    told = grace.post("reviews/next", {}).json()

    assert told["item"]["number"] == opened.pk


def test_a_decision_brings_the_next_item_along(line: ModelLine, grace: Caller) -> None:
    for _ in range(2):
        waiting(line)
    item = grace.post("reviews/next", {}).json()["item"]

    verdict = {"verdict": "accept", "digest": item["digest"], "next": True}
    told = grace.post(f"contributions/{item['number']}/decision", verdict).json()

    assert told["decision"]["verdict"] == "accept"
    assert told["next"]["item"] == grace.post("reviews/next", {}).json()["item"]


def test_without_an_item_next_says_why(line: ModelLine, grace: Caller, ada: Caller) -> None:
    told = grace.post("reviews/next", {}).json()

    assert (told["item"], told["says"]) == (None, "Nothing waits that you may decide on.")
    assert ada.post("reviews/next", {}).status_code == 403


def test_an_item_is_held_renewed_and_given_back(line: ModelLine, grace: Caller) -> None:
    item, alan = waiting(line), calling(somebody(Role.REVIEWER))
    first = grace.put(f"contributions/{item.pk}/claim", {}).json()
    again = grace.put(f"contributions/{item.pk}/claim", {}).json()
    refused = alan.put(f"contributions/{item.pk}/claim", {})
    given_back = grace.delete(f"contributions/{item.pk}/claim")

    assert again["until"] > first["until"]
    assert (refused.status_code, refused.json()["code"]) == (409, "claimed_by_another")
    assert given_back.status_code == 204
    assert alan.put(f"contributions/{item.pk}/claim", {}).status_code == 200


def test_an_item_is_skipped_with_a_reason(line: ModelLine, grace: Caller) -> None:
    item = waiting(line)

    skipped = grace.post(f"contributions/{item.pk}/skip", {"why": "unclear"})
    wrong = grace.post(f"contributions/{item.pk}/skip", {"why": "bored"})

    assert (skipped.status_code, skipped.json()["why"]) == (201, "unclear")
    assert wrong.json()["errors"][0]["pointer"] == "/why"
    assert grace.post("reviews/next", {}).json()["item"] is None


def test_habits_are_told_and_kept(line: ModelLine, grace: Caller) -> None:
    nothing = grace.get("reviews/habits").json()
    told = {
        "skills": ["manners"],
        "cap": 40,
        "quiet_from": "18:00",
        "quiet_until": "08:00",
        "time_zone": "Europe/Paris",
    }

    kept = grace.put("reviews/habits", told)
    wrong = grace.put("reviews/habits", told | {"time_zone": "Mars/Olympus"})

    assert (nothing["skills"], nothing["cap"]) == ([], None)
    assert kept.json() == grace.get("reviews/habits").json() == told
    assert (wrong.status_code, wrong.json()["code"]) == (422, "habit_refused")


def test_a_decision_on_a_colleagues_work_is_refused(
    line: ModelLine, grace: Caller, ada: Caller
) -> None:
    item = waiting(line, by=owner(ada))
    for one in (grace, ada):
        path = f"accounts/{owner(one).username}/organisation"
        assert one.put(path, {"organisation": "Acme"}).json()["organisation"] == "acme"

    verdict = {"verdict": "accept", "digest": item.digest}
    answer = grace.post(f"contributions/{item.pk}/decision", verdict)
    others = ada.put(f"accounts/{owner(grace).username}/organisation", {"organisation": ""})

    assert (answer.status_code, answer.json()["code"]) == (403, "affiliated")
    assert (others.status_code, others.json()["code"]) == (403, "not_allowed")


def test_a_maintainer_reads_the_evidence_and_dismisses_it(line: ModelLine, grace: Caller) -> None:
    mary, other = calling(somebody(Role.MAINTAINER)), somebody()
    tie = Tie.objects.create(one=owner(grace), other=other, kind="rows", evidence={"rows": 3})

    assert grace.get("reviews/ties").status_code == 403
    told = mary.get("reviews/ties").json()["items"][0]
    done = mary.post(f"reviews/ties/{tie.pk}/dismissal", {"because": "one data set"})

    assert told["says"] == f"{owner(grace)} and {other} sent the same rows"
    assert done.json()["dismissed_by"] == owner(mary).username


def test_who_loses_a_race_is_told_how_it_stands_now(
    line: ModelLine, grace: Caller, ada: Caller
) -> None:
    item = waiting(line, by=owner(ada))
    verdict = {"verdict": "accept", "digest": item.digest}
    rows = [{"prompt": "Another?", "completion": "Yes."}]

    won = grace.post(f"contributions/{item.pk}/decision", verdict)
    lost = [
        grace.post(f"contributions/{item.pk}/decision", verdict),
        ada.post(f"contributions/{item.pk}/withdraw", {}),
        ada.post(f"contributions/{item.pk}/revisions", {"rows": rows}),
    ]

    assert won.status_code == 201
    assert [answer.status_code for answer in lost] == [409, 409, 409]
    assert {answer.json()["now"]["stage"] for answer in lost} == {"accepted"}


def test_an_offer_is_answered_with_what_to_expect(line: ModelLine, ada: Caller) -> None:
    told = ada.post("contributions", OFFER | {"rows": [GOOD]}).json()
    page = ada.get(f"contributions/{told['number']}").json()

    assert (told["answer"]["measured"], told["answer"]["full"]) == (False, False)
    assert told["answer"]["seconds"] == 3 * 86400 + 5 * 60
    assert page["answer"]["says"] == (
        "We promise an answer within 5 minutes; too few were measured yet."
    )

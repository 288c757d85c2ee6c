"""Several voices on one PR: hidden, opened together, a third person where they differ."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.checks.models import Finding, Screening
from apps.contributions import actions as contributions
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.affiliations import affiliate
from apps.history.models import Event
from apps.history.queries import life_of
from apps.reviews import actions
from apps.reviews.agreement.asking import asked_for, eligible
from apps.reviews.agreement.models import Round, Voice
from apps.reviews.agreement.policy import AgreementPolicy
from apps.reviews.agreement.queries import voices_on
from apps.reviews.agreement.voting import Awaited, commitment
from apps.reviews.desk.models import Appeal, Escalation
from apps.reviews.errors import VoiceIsIn
from apps.reviews.models import Decision, Verdict
from apps.reviews.queries import queue_for
from tests.api.calling import calling
from tests.people import NO_CHANCE, a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db


def a_line_with(**agreement: Any) -> Any:
    line = a_line()
    line.policy = {"review": {"agreement": NO_CHANCE | agreement}}
    line.save()
    return line


def drawn(**more: Any) -> Contribution:
    """A PR that several reviewers are asked about, of whom there are enough."""
    line = a_line_with(overlap=1, **more)
    for _ in range(4):
        somebody(Role.REVIEWER)
    return a_contribution(line, stage=Stage.IN_REVIEW)


def say(verdict: str, pr: Contribution, by: Account, because: str = "so it is") -> Any:
    mine = Contribution.objects.get(pk=pr.pk)
    return actions.VERDICTS[verdict](mine, by=by, digest=mine.digest, because=because)


def reviewers(count: int) -> list[Account]:
    return [somebody(Role.REVIEWER) for _ in range(count)]


def test_a_verdict_on_a_drawn_pr_waits_for_the_second_one():
    pr, (grace, alan) = drawn(), reviewers(2)

    first = say("accept", pr, grace)
    pr.refresh_from_db()
    stage_between = pr.stage
    second = say("accept", pr, alan)

    pr.refresh_from_db()
    assert isinstance(first, Awaited)
    assert (first.given, first.of, first.because) == (1, 2, ("overlap",))
    assert (stage_between, pr.stage) == (Stage.IN_REVIEW, Stage.ACCEPTED)
    assert (second.reviewer, Decision.objects.count()) == (alan, 1)


def test_where_two_differ_a_third_person_decides_and_saw_neither():
    pr, (grace, alan, mary) = drawn(), reviewers(3)

    say("accept", pr, grace)
    differing = say("reject", pr, alan)
    decided = say("changes", pr, mary, because="row 1 is unclear")

    pr.refresh_from_db()
    assert differing.adjudication
    assert (pr.stage, decided.reviewer) == (Stage.CHANGES_REQUESTED, mary)
    assert Voice.objects.get(reviewer=mary).adjudicates


def test_two_of_three_voices_are_enough_where_the_policy_says_so():
    pr, (grace, alan, mary) = drawn(voices=3, agreeing=2), reviewers(3)

    say("accept", pr, grace)
    say("reject", pr, alan)
    decided = say("accept", pr, mary)

    pr.refresh_from_db()
    assert (pr.stage, decided.verdict) == (Stage.ACCEPTED, Verdict.ACCEPT)


def test_a_verdict_that_the_last_voice_did_not_share_stands_in_another_s_name():
    pr, (grace, alan, mary) = drawn(voices=3, agreeing=2), reviewers(3)

    say("reject", pr, grace, because="a copy")
    say("reject", pr, alan, because="sent before")
    decided = say("accept", pr, mary)

    assert (decided.reviewer, decided.because) == (alan, "sent before")


def test_nobody_reads_a_voice_by_page_or_api_before_all_are_in(client: Any):
    pr, (grace, alan) = drawn(), reviewers(2)
    secret = "the-reason-nobody-may-read-yet"
    say("reject", pr, grace, because=secret)

    readers = [None, alan, grace, pr.author, somebody(Role.MAINTAINER), somebody(Role.ADMIN)]
    said = []
    for reader in readers:
        caller = calling(reader) if reader else calling(somebody())
        for path in (f"contributions/{pr.pk}", f"contributions/{pr.pk}/life", "reviews/queue"):
            said.append(caller.get(path).content.decode())
        said.append(
            caller.get(f"events?kind=contributions.contribution&id={pr.pk}").content.decode()
        )
        client.logout()
        if reader:
            client.force_login(reader)
        for part in ("", "/history", "/checks"):
            said.append(client.get(f"/prs/{pr.pk}{part}").content.decode())
        said.append(client.get(f"/review/{pr.pk}").content.decode())

    assert not [text for text in said if secret in text or '"verdict":"reject"' in text]
    told = calling(alan).get(f"contributions/{pr.pk}").json()["awaits"]
    assert (told["given"], told["of"], told["because"]) == (1, 2, ["overlap"])


def test_the_record_is_committed_to_a_voice_before_it_is_opened():
    pr, (grace, alan) = drawn(), reviewers(2)
    say("accept", pr, grace)
    committed = life_of(pr).get(verb="reviewed").details["commitment"]

    say("accept", pr, alan)

    voice = Voice.objects.get(reviewer=grace)
    opened = life_of(pr).get(entered=Stage.ACCEPTED).details["voices"]
    assert committed == commitment(voice)
    assert opened[0]["nonce"] == voice.nonce


def test_a_voice_cannot_be_changed_and_saying_it_again_is_no_second_one():
    pr, (grace,) = drawn(), reviewers(1)
    say("accept", pr, grace, because="fine")

    again = say("accept", pr, grace, because="fine")

    assert (again.given, Voice.objects.count()) == (1, 1)
    with pytest.raises(VoiceIsIn):
        say("reject", pr, grace)


def test_what_one_has_voted_on_is_offered_to_others_alone():
    pr, (grace, alan) = drawn(), reviewers(2)

    say("accept", pr, grace)

    assert (list(queue_for(grace)), list(queue_for(alan))) == ([], [pr])


def test_a_new_revision_begins_a_new_round():
    pr, (grace, alan) = drawn(), reviewers(2)
    say("accept", pr, grace)
    rows = [{"prompt": "Another?", "completion": "Yes."}]
    pr.refresh_from_db()
    contributions.revise(pr, by=pr.author, rows=rows, note="better")
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)

    standing = say("accept", pr, alan)

    assert (standing.given, Round.objects.count()) == (1, 2)


def test_the_draw_asks_nobody_where_too_few_could_answer_or_adjudicate():
    line, (grace, alan) = a_line_with(overlap=1), reviewers(2)
    pr = a_contribution(line, stage=Stage.IN_REVIEW)

    assert asked_for(pr).voices == 1
    assert say("accept", pr, grace).reviewer == grace
    assert alan.is_active


def test_the_share_that_is_drawn_is_the_policy_s():
    from apps.reviews.agreement.policy import drawn_in_public, drawn_in_secret

    for draw in (drawn_in_secret, drawn_in_public):
        hits = sum(draw("overlap", f"digest {number}", 0.05) for number in range(4000))
        assert 150 < hits < 250


# -- Risks ----------------------------------------------------------------------------------------


def flagged(pr: Contribution, severity: str) -> None:
    screening = Screening.objects.create(
        contribution=pr, revision=pr.revision, digest=pr.digest, seconds=0
    )
    Finding.objects.create(screening=screening, screen="noise", severity=severity, message="!")


def many_rows(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"prompt": f"What is {n} plus 1?", "completion": f"{n + 1}", **more} for n in range(count)
    ]


def test_each_risk_asks_for_a_second_voice_and_says_why():
    line = a_line_with()
    plain, looked_at, overruled = (a_contribution(line, stage=Stage.IN_REVIEW) for _ in range(3))
    flagged(looked_at, "flag")
    flagged(overruled, "quarantine")
    large = a_contribution(line, stage=Stage.IN_REVIEW, rows=many_rows(20))
    known = somebody()
    for _ in range(3):
        a_contribution(line, by=known, stage=Stage.ACCEPTED)
    protected = a_contribution(
        line, by=known, stage=Stage.IN_REVIEW, rows=many_rows(20, skill="sums")
    )

    found = [asked_for(pr).because for pr in (plain, looked_at, overruled, large, protected)]

    assert found == [(), ("flagged",), ("override",), ("newcomer",), ("protected",)]


def test_a_risk_waits_for_a_second_voice_however_few_reviewers_there_are():
    pr, (grace,) = a_contribution(a_line_with(), stage=Stage.IN_REVIEW), reviewers(1)
    flagged(pr, "flag")

    standing = say("accept", pr, grace)

    assert (standing.given, standing.of) == (1, 2)
    assert standing.reasons == ["a screen flagged it"]


def test_a_policy_that_makes_no_sense_is_refused():
    for numbers in ({"voices": 2, "agreeing": 3}, {"voices": 4, "agreeing": 2}, {"gold": 1.5}):
        with pytest.raises(ValueError, match=r"voices|share|majority"):
            AgreementPolicy(**numbers)


# -- Time -----------------------------------------------------------------------------------------


def age(days: float) -> None:
    Round.objects.update(opened_at=timezone.now() - timedelta(days=days))


def test_a_drawn_round_that_nobody_completes_closes_with_the_voice_it_has():
    pr, (grace,) = drawn(), reviewers(1)
    say("accept", pr, grace)
    age(2.9)
    early = actions.decide_overdue()
    age(3.1)

    late = actions.decide_overdue()

    pr.refresh_from_db()
    assert (early, late, pr.stage) == (0, 1, Stage.ACCEPTED)
    assert actions.decide_overdue() == 0


def test_a_risky_round_is_never_closed_by_the_clock_with_one_voice():
    pr, (grace,) = a_contribution(a_line_with(), stage=Stage.IN_REVIEW), reviewers(1)
    flagged(pr, "flag")
    say("accept", pr, grace)
    age(30)

    assert actions.decide_overdue() == 0
    assert voices_on(pr).given == 1


def test_where_two_differ_and_no_third_exists_the_careful_verdict_stands_in_the_end():
    pr, (grace, alan) = a_contribution(a_line_with(), stage=Stage.IN_REVIEW), reviewers(2)
    flagged(pr, "flag")
    say("accept", pr, grace)
    say("changes", pr, alan)
    age(3.1)

    actions.decide_overdue()

    pr.refresh_from_db()
    assert pr.stage == Stage.CHANGES_REQUESTED


@pytest.mark.parametrize("why", ["colleague", "overturned", "handed on"])
def test_who_may_not_decide_on_a_pr_is_no_third_person_for_it(why: str):
    pr, (grace, alan, mary) = a_contribution(a_line_with(), stage=Stage.IN_REVIEW), reviewers(3)
    flagged(pr, "flag")
    say("accept", pr, grace)
    say("changes", pr, alan)
    assert mary in eligible(pr)

    if why == "colleague":
        affiliate(mary, "Example", by=mary)
        affiliate(pr.author, "Example", by=pr.author)
    elif why == "overturned":
        first = Decision.objects.create(
            contribution=pr, reviewer=mary, verdict="reject", revision=1, digest=pr.digest
        )
        Appeal.objects.create(contribution=pr, decision=first, words="no", outcome="overturned")
    else:
        Escalation.objects.create(contribution=pr, by=mary, because="not sure")
    age(3.1)

    assert mary not in eligible(pr)
    assert (actions.decide_overdue(), Round.objects.get().outcome) == (1, Verdict.CHANGES)


# -- Faces ----------------------------------------------------------------------------------------


def test_over_rest_a_stored_verdict_says_what_it_waits_for():
    pr, (grace, alan) = drawn(), reviewers(2)
    verdict = {"verdict": "accept", "digest": pr.digest}

    first = calling(grace).post(f"contributions/{pr.pk}/decision", verdict)
    second = calling(alan).post(f"contributions/{pr.pk}/decision", verdict)

    assert (first.status_code, second.status_code) == (202, 201)
    assert first.json()["awaits"] == {
        "given": 1,
        "of": 2,
        "because": ["overlap"],
        "adjudication": False,
        "halves": 0,
        "needs": "1 more reviewer, each on their own",
    }
    assert first.json()["stage"] == "in_review"
    assert calling(alan).get(f"contributions/{pr.pk}").json()["awaits"] is None


@pytest.mark.django_db(transaction=True)
def test_of_eight_voices_at_once_two_are_heard_and_the_rest_find_it_decided():
    pr, people = drawn(), reviewers(8)
    start, outcomes = threading.Barrier(8), []

    def decide(reviewer: Account) -> None:
        start.wait()
        try:
            outcomes.append(type(say("accept", pr, reviewer)).__name__)
        except Exception as refusal:
            outcomes.append(type(refusal).__name__)
        connection.close()

    threads = [threading.Thread(target=decide, args=(reviewer,)) for reviewer in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["Awaited", "Decision", *["MoveRefused"] * 6]
    assert (Voice.objects.count(), Decision.objects.count()) == (2, 1)
    moves = Event.objects.filter(subject_id=pr.pk, entered=Stage.ACCEPTED)
    assert len(moves.get().details["voices"]) == 2

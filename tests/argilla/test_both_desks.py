"""A PR goes out to Argilla, is answered there, and is closed at both desks, whoever decides."""

from __future__ import annotations

import argilla as sdk
import pytest

from apps.checks.actions import check
from apps.checks.models import Finding, Screening
from apps.contributions.models import Contribution, Kind
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.reviews import actions as deciding
from apps.reviews.argilla.models import Answer, Board, Slip
from apps.reviews.argilla.sweeping import sweep
from apps.reviews.models import Decision
from apps.reviews.tasks import carry_out_verdicts
from tests.argilla.reviewing import deliver, open_slips, reviewer, ring
from tests.people import a_contribution, a_line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("connected")]


def rows(count: int) -> list[dict[str, str]]:
    return [
        {"prompt": f"What is {n} plus 1?", "completion": f"It is {n + 1}."} for n in range(count)
    ]


def the_board() -> Board:
    return Board.objects.select_related("line", "skill").get()


def records(owner: sdk.Argilla) -> list[sdk.Record]:
    dataset = owner.datasets(id=the_board().dataset)
    dataset.get()
    return list(dataset.records(with_suggestions=True))


def stage_of(contribution: Contribution) -> str:
    return Contribution.objects.values_list("stage", flat=True).get(pk=contribution.pk)


def test_a_record_shows_the_conversation_the_findings_and_what_to_filter_by(owner):
    line = a_line("sums")
    pr = a_contribution(
        line,
        stage=Stage.IN_REVIEW,
        kind=Kind.CORRECTION,
        skill=line.skills.get(),
        rows=[
            {
                "prompt": [
                    {"role": "user", "content": "Hello"},
                    {"role": "assistant", "content": "Hello!"},
                    {"role": "user", "content": "2 + 2?"},
                ],
                "original": "5",
                "completion": "4",
            }
        ],
    )
    screening = Screening.objects.create(contribution=pr, revision=1, digest=pr.digest, seconds=0.1)
    Finding.objects.create(
        screening=screening, screen="duplicates", severity="flag", rows=[0], message="seen before"
    )

    ring()

    (record,) = records(owner)
    assert owner.datasets(id=the_board().dataset).name == f"{line.name}-sums"
    assert [(turn.role, turn.content) for turn in record.fields["conversation"]] == [
        ("user", "Hello"),
        ("assistant", "Hello!"),
        ("user", "2 + 2?"),
        ("assistant", "4"),
    ]
    assert record.fields["before"] == "5"
    assert dict(record.metadata) == {
        "pr": pr.pk,
        "revision": 1,
        "row": 1,
        "rows": 1,
        "turns": 4,
        "characters": 7,
        "kind": "correction",
        "skill": "sums",
        "checks": "flag",
        "state": "open",
    }
    assert {(one.question_name, str(one.value)): one.score for one in record.suggestions} == {
        ("issues", "['duplicates']"): [0.7],
        ("verdict", "changes"): 0.7,
    }
    assert pr.author.username not in str(record.to_dict())


def test_an_accepting_response_accepts_the_pr_and_completes_the_record(owner, connected):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()

    ann.answers(pr, verdict="accept", rating=5)
    assert sweep(the_board()) == 1
    ring()

    decision = Decision.objects.get()
    assert (decision.contribution, decision.reviewer, decision.verdict) == (
        pr,
        ann.account,
        "accept",
    )
    assert (decision.digest, decision.because) == (pr.digest, "Rated 5 of 5 in Argilla")
    assert stage_of(pr) == Stage.ACCEPTED
    ring()
    (record,) = records(owner)
    assert (record.status, record.metadata["state"]) == ("completed", "accepted")
    assert Slip.objects.get().state == Slip.State.CLOSED


def test_a_decision_at_our_desk_takes_the_record_out_of_argilla(owner, connected):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()
    assert ann.pending(Slip.objects.get()) == 1

    deciding.accept(pr, by=ann.account, digest=pr.digest)
    ring()

    assert ann.pending(Slip.objects.get()) == 0
    assert records(owner) == []


def test_a_new_revision_takes_the_place_of_the_old_one(owner, connected):
    from apps.contributions.actions import revise
    from apps.history.actions import move

    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()
    revise(pr, by=pr.author, rows=rows(2), note="mended")
    move(pr, Stage.IN_REVIEW, by="checks")

    ring()

    found = sorted((one.metadata["revision"], one.metadata["row"]) for one in records(owner))
    assert found == [
        (2, 1),
        (2, 2),
    ]


def test_a_pr_of_several_rows_is_decided_when_all_are_answered(owner, connected):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW, rows=rows(3))
    ring()
    first, second, third = open_slips(pr)

    ann.answer(first, verdict="accept")
    ann.answer(second, verdict="reject", comment="wrong", issues=["wrong"])
    sweep(the_board())
    ring()
    assert stage_of(pr) == Stage.IN_REVIEW

    ann.answer(third, verdict="accept")
    sweep(the_board())
    ring()

    assert stage_of(pr) == Stage.CHANGES_REQUESTED
    assert Decision.objects.get().because == "Row 2: wrong; issues: wrong"


def test_a_corrected_text_is_accepted_once_the_checks_have_read_it(owner, connected):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW, rows=[{"prompt": "2 + 2?", "completion": "5"}])
    ring()

    ann.answers(pr, verdict="accept", corrected_text="4", comment="a slip")
    sweep(the_board())
    ring()
    carry_out_verdicts()
    deliver()
    check(Contribution.objects.get(pk=pr.pk))
    carry_out_verdicts()
    ring()

    accepted = Contribution.objects.get(pk=pr.pk)
    assert (accepted.stage, rows_of(accepted).get().completion) == (Stage.ACCEPTED, "4")
    assert Decision.objects.get().reviewer == ann.account
    assert [(one.status, one.metadata["state"]) for one in records(owner)] == [
        ("completed", "revised")
    ]


def test_a_corrected_text_with_another_verdict_is_suggested_to_the_author(owner, connected):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW, rows=[{"prompt": "2 + 2?", "completion": "5"}])
    ring()

    ann.answers(pr, verdict="changes", corrected_text="4", comment="a slip")
    sweep(the_board())
    ring()

    assert stage_of(pr) == Stage.CHANGES_REQUESTED
    (said,) = pr.comments.all()
    assert (said.author, said.text, said.suggestion.text) == (ann.account, "a slip", "4")


def test_what_the_rules_refuse_is_kept_with_their_sentence(owner, connected):
    author = reviewer(connected)
    nobody = reviewer(connected, role="contributor")
    wordless = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW, by=author.account)
    ring()

    author.answers(pr, verdict="accept")
    nobody.answers(pr, verdict="accept")
    wordless.answers(pr, verdict="reject")
    sweep(the_board())
    ring()

    assert stage_of(pr) == Stage.IN_REVIEW
    refused = dict(Answer.objects.values_list("person__name", "because"))
    assert refused == {
        author.name: f"{author.account} wrote {pr}; somebody else decides on it",
        nobody.name: f"{nobody.account} is not a reviewer; a maintainer can propose the role",
        wordless.name: "say why, so that the contributor knows what to do next",
    }


def test_a_refused_answer_comes_back_as_a_draft_and_the_record_is_asked_of_others(owner, connected):
    author, ann = reviewer(connected), reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW, by=author.account)
    ring()
    (slip,) = open_slips(pr)

    said = author.answer(slip, verdict="accept", comment="mine is good")
    completed = ann.pending(slip)
    sweep(the_board())
    ring()
    ring()

    record = owner.api.http_client.get(f"/api/v1/records/{slip.record}").json()
    (kept,) = record["responses"]
    assert (completed, ann.pending(slip)) == (0, 1)
    assert (kept["id"], kept["status"]) == (said["id"], "draft")
    assert kept["values"]["comment"] == {"value": "mine is good"}
    ann.answers(pr, verdict="accept")
    sweep(the_board())
    ring()
    assert (stage_of(pr), Decision.objects.get().reviewer) == (Stage.ACCEPTED, ann.account)


def test_a_refused_answer_is_mended_by_a_better_one(owner, connected):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()
    ann.answers(pr, verdict="reject")
    sweep(the_board())
    ring()

    ann.answers(pr, verdict="reject", comment="not a sum at all")
    sweep(the_board())
    ring()

    assert stage_of(pr) == Stage.REJECTED
    states = list(Answer.objects.order_by("pk").values_list("state", flat=True))
    assert states == [Answer.State.REPLACED, Answer.State.COUNTED]


def test_an_answer_by_nobody_we_know_counts_once_they_are_mapped(owner, connected):
    from apps.reviews.argilla.actions import map_person

    ann = reviewer(connected, mapped=False)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()
    ann.answers(pr, verdict="accept")
    sweep(the_board())
    ring()
    assert Answer.objects.get().state == Answer.State.UNKNOWN

    map_person(ann.name, ann.account)
    ring()

    assert stage_of(pr) == Stage.ACCEPTED


def test_a_discarded_record_is_no_verdict(owner, connected):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()

    ann.answer(open_slips(pr)[0], status="discarded")
    sweep(the_board())
    ring()

    assert Answer.objects.get().state == Answer.State.PASSED
    assert stage_of(pr) == Stage.IN_REVIEW


def test_rows_that_not_everybody_may_read_stay_here(owner, connected):
    from apps.contributions.actions import Terms

    terms = Terms(licence="CC0-1.0", consent="review", signed_off=True)
    a_contribution(stage=Stage.IN_REVIEW, terms=terms)

    ring()

    assert not Slip.objects.exists()

"""An Argilla dataset that a team has worked on comes in as PRs with the reviews it had there."""

from __future__ import annotations

from uuid import UUID

import argilla as sdk
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.contributions.models import Contribution, Row
from apps.contributions.stages import Stage
from apps.history.actions import move
from apps.history.models import Event
from apps.reviews.argilla.models import Brought, Person
from apps.reviews.argilla.tasks import keep_in_step
from apps.reviews.models import Decision
from tests.people import a_line, somebody

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("connected")]

# prompt, answer, then (verdict, corrected text) by the first annotator and by the second.
WORK = [
    ("2 + 2?", "4", [("approve", "")]),
    ("2 + 3?", "6", [("approve", "5")]),
    ("2 + 4?", "lots", [("reject", "")]),
    ("2 + 5?", "7", [("approve", ""), ("reject", "")]),
    ("2 + 6?", "8", []),
]


@pytest.fixture
def curated(owner, connected) -> sdk.Dataset:
    """Five records of a team that knows nothing of this site."""
    settings = sdk.Settings(
        fields=[sdk.TextField("question"), sdk.TextField("reply")],
        questions=[
            sdk.LabelQuestion("quality", labels=["approve", "reject"]),
            sdk.TextQuestion("corrected", required=False),
        ],
    )
    dataset = sdk.Dataset(
        "curated", workspace=connected.workspace, settings=settings, client=owner
    ).create()
    people = [one.user for one in connected.free]
    dataset.records.log(
        [
            sdk.Record(
                id=f"row-{n}",
                fields={"question": asked, "reply": answer},
                responses=[
                    part
                    for user, (verdict, text) in zip(people, said, strict=False)
                    for part in responses(verdict, text, user)
                ],
            )
            for n, (asked, answer, said) in enumerate(WORK)
        ]
    )
    yield dataset
    dataset.delete()


def responses(verdict: str, text: str, user: UUID) -> list[sdk.Response]:
    said = [sdk.Response("quality", verdict, user_id=user, status="submitted")]
    return (
        [*said, sdk.Response("corrected", text, user_id=user, status="submitted")] if text else said
    )


def bring(by: str, *more: str) -> None:
    call_command(
        *("argilla", "import", "curated", "--by", by, "--licence", "CC0-1.0", "--sign-off"), *more
    )


def test_records_come_in_as_prs_and_their_reviews_take_effect(connected, curated, capsys):
    a_line("sums")
    importer, grace = somebody("trusted"), somebody("reviewer")
    who = connected.free[0]
    Person.objects.create(user=who.user, name=who.name, account=grace)

    bring(importer.username, "--skill", "sums")

    assert "4 PRs; 0 records were here already, 1 have no response" in capsys.readouterr().out
    kinds = sorted(Contribution.objects.values_list("kind", "row_count", "author__username"))
    assert kinds == [
        ("correction", 1, importer.username),
        *[("dataset", 1, importer.username)] * 3,
    ]
    corrected = Row.objects.get(revision__contribution__kind="correction")
    assert (corrected.prompt, corrected.original, corrected.completion) == ("2 + 3?", "6", "5")
    origin = Event.objects.filter(verb="brought from argilla").values_list("details", flat=True)
    assert {one["dataset"] for one in origin} == {str(curated.id)}

    for pr in Contribution.objects.all():
        move(pr, Stage.IN_REVIEW, by="checks")
    keep_in_step()

    stages = dict(Row.objects.values_list("prompt", "revision__contribution__stage"))
    assert stages == {
        "2 + 2?": "accepted",
        "2 + 3?": "accepted",
        "2 + 4?": "rejected",
        "2 + 5?": "in_review",
    }
    assert {decision.reviewer for decision in Decision.objects.all()} == {grace}
    assert "nobody with an account here" in Brought.objects.exclude(refused="").get().refused


def test_a_second_import_brings_what_is_new(connected, curated, capsys):
    a_line("sums")
    importer = somebody("trusted")
    bring(importer.username)
    curated.records.log([sdk.Record(id="row-9", fields={"question": "9 + 9?", "reply": "18"})])
    capsys.readouterr()

    bring(importer.username, "--unanswered")

    assert "1 PRs; 4 records were here already" in capsys.readouterr().out
    assert Row.objects.count() == 6


def test_nobody_reviews_what_they_bring_in_themselves(connected, curated):
    a_line("sums")
    grace = somebody("reviewer")
    who = connected.free[0]
    Person.objects.create(user=who.user, name=who.name, account=grace)
    bring(grace.username)
    for pr in Contribution.objects.all():
        move(pr, Stage.IN_REVIEW, by="checks")

    keep_in_step()

    assert not Decision.objects.exists()
    refusals = Brought.objects.filter(reviewer=grace, verdict="accept").values_list(
        "refused", flat=True
    )
    assert all("somebody else decides on it" in refusal for refusal in refusals)


def test_a_field_that_is_not_there_is_named_with_those_that_are(connected, curated):
    a_line("sums")

    with pytest.raises(
        CommandError, match="no “answr”; it has corrected, quality, question, reply"
    ):
        bring(somebody().username, "--answer", "answr")

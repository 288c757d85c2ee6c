"""What the real server does that nobody expects, each held by the part that meets it."""

from __future__ import annotations

from uuid import uuid4

import argilla as sdk
import pytest

from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.argilla import pushing
from apps.reviews.argilla.models import Answer, Board, Slip
from apps.reviews.argilla.sweeping import sweep
from apps.reviews.argilla.tasks import keep_in_step
from tests.argilla.reviewing import open_slips, reviewer, ring
from tests.argilla.server import LONGEST_MESSAGE
from tests.people import a_contribution, a_line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("connected")]


def rows(count: int, **special: str) -> list[dict[str, str]]:
    return [
        {"prompt": special.get(f"row{n}", f"What is {n} + 1?"), "completion": f"{n + 1}"}
        for n in range(count)
    ]


def test_one_bad_row_holds_up_no_other(owner, connected, server):
    if not server.ours:
        pytest.skip("the shorter limit of messages is that of our own server")
    long = "x" * (LONGEST_MESSAGE + 1)
    pr = a_contribution(stage=Stage.IN_REVIEW, rows=rows(9, row4=long))

    ring()

    refused = Slip.objects.get(state=Slip.State.REFUSED)
    assert refused.row.position == 4
    assert "Unprocessable" in refused.said
    assert Slip.objects.filter(contribution=pr, state=Slip.State.OPEN).count() == 8


def test_more_than_a_batch_goes_out_in_batches(owner, connected, monkeypatch):
    a_contribution(stage=Stage.IN_REVIEW, rows=rows(12))
    monkeypatch.setattr(pushing, "BATCH", 5)

    ring()

    board = Board.objects.get()
    assert len(list(owner.datasets(id=board.dataset).records())) == 12


def test_the_server_takes_five_hundred_at_once_and_no_more(owner, connected):
    a_contribution(stage=Stage.IN_REVIEW)
    ring()
    dataset = owner.datasets(id=Board.objects.get().dataset)
    dataset.get()
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    record = {"fields": {"conversation": turns}}

    answer = owner.api.http_client.put(
        f"/api/v1/datasets/{dataset.id}/records/bulk", json={"items": [record] * 501}
    )

    assert answer.status_code == 422
    assert pushing.BATCH == 500


def test_sending_twice_makes_one_record(owner, connected):
    """A worker that died after Argilla had answered sends the same batch again."""
    a_contribution(stage=Stage.IN_REVIEW, rows=rows(3))
    ring()
    Slip.objects.update(state=Slip.State.WAITING)

    ring()

    assert len(list(owner.datasets(id=Board.objects.get().dataset).records())) == 3


def test_a_dataset_that_was_deleted_is_made_again(owner, connected):
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()
    first = Board.objects.get().dataset
    owner.datasets(id=first).delete()

    a_contribution(pr.line, stage=Stage.IN_REVIEW)
    ring()
    ring()

    board = Board.objects.get()
    assert board.dataset != first
    assert len(list(owner.datasets(id=board.dataset).records())) == 2


def test_a_dataset_of_that_name_that_is_not_ours_is_left_alone(owner, connected):
    line = a_line()
    workspace = owner.workspaces(connected.workspace)
    settings = sdk.Settings(fields=[sdk.TextField("text")], questions=[sdk.TextQuestion("comment")])
    sdk.Dataset(f"{line}-mixed", workspace=workspace, settings=settings, client=owner).create()
    a_contribution(line, stage=Stage.IN_REVIEW)

    ring()

    board = Board.objects.get()
    assert (board.dataset, board.tries) == (None, 1)
    assert "is not ours; rename it" in board.trouble


def test_what_somebody_deleted_over_there_does_not_come_back(owner, connected):
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()
    ann.answers(pr, verdict="accept")
    board = Board.objects.get()
    sweep(board)
    dataset = owner.datasets(id=board.dataset)
    dataset.get()
    dataset.records.delete(list(dataset.records))

    ring()
    ring()

    assert Contribution.objects.get(pk=pr.pk).stage == Stage.ACCEPTED
    assert list(dataset.records()) == []


def test_a_discard_without_values_corrupts_a_record_so_we_never_send_one(owner, connected):
    """The server stores it, and can then read neither the record nor its page again.

    We send a response back with all that it said, or not at all; a record that somebody else's tool
    has broken holds up one sweep, says so, and costs nothing that is stored.
    """
    ann = reviewer(connected)
    pr = a_contribution(stage=Stage.IN_REVIEW)
    ring()
    (slip,) = open_slips(pr)

    ann.http.post(f"/api/v1/records/{slip.record}/responses", json={"status": "discarded"})
    sweep(Board.objects.get(), whole=True)

    board = Board.objects.get()
    answers = list(Answer.objects.values_list("status", "state"))
    assert board.tries == 1 or answers == [("discarded", Answer.State.PASSED)]
    assert Slip.objects.get().state == Slip.State.OPEN


def test_a_metadata_value_out_of_bounds_is_refused_by_the_server_with_its_batch(owner, connected):
    a_contribution(stage=Stage.IN_REVIEW)
    ring()
    dataset = Board.objects.get().dataset
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    good = {"fields": {"conversation": turns}, "external_id": uuid4().hex}
    bad = good | {"external_id": uuid4().hex, "metadata": {"pr": "no number"}}

    answer = owner.api.http_client.put(
        f"/api/v1/datasets/{dataset}/records/bulk", json={"items": [good, bad]}
    )

    assert answer.status_code == 422
    assert len(list(owner.datasets(id=dataset).records())) == 1


def test_argilla_away_costs_nothing(owner, connected, settings, server):
    pr = a_contribution(stage=Stage.IN_REVIEW)
    settings.ARGILLA_API_URL = "http://127.0.0.1:9"
    ring()
    board = Board.objects.get()
    assert (board.tries, Slip.objects.get().state) == (1, Slip.State.WAITING)

    # Before its time nobody calls.
    keep_in_step()
    assert Board.objects.get().tries == 1

    settings.ARGILLA_API_URL = server.url
    Board.objects.update(next_try_at=board.next_sweep_at)
    ring()

    assert (Board.objects.get().tries, Board.objects.get().trouble) == (0, "")
    assert open_slips(pr)


def test_a_wrong_key_is_said_and_waited_out(owner, connected, settings):
    a_contribution(stage=Stage.IN_REVIEW)
    settings.ARGILLA_API_KEY = "not.the.key"

    ring()

    board = Board.objects.get()
    assert board.tries == 1
    assert board.trouble

"""A board's dataset in Argilla: found, or made with the questions of `form`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from apps.reviews.argilla import form
from apps.reviews.argilla.errors import ArgillaAway
from apps.reviews.argilla.models import Board, Slip
from apps.reviews.argilla.policy import ArgillaPolicy

if TYPE_CHECKING:
    import argilla

QUESTIONS = {form.VERDICT, form.RATING, form.CORRECTED, form.ISSUES, form.COMMENT}


def dataset_of(board: Board, client: argilla.Argilla) -> UUID:
    """The id of the board's dataset; one that is gone is made anew, and its rows are sent again."""
    if board.dataset and client.api.datasets.exists(board.dataset):
        return board.dataset
    if board.dataset:
        lost = Slip.objects.filter(board=board)
        lost.filter(state=Slip.State.OPEN).update(state=Slip.State.WAITING, record=None)
        lost.filter(state=Slip.State.CLOSING).update(state=Slip.State.CLOSED)
    board.dataset = _found(board, client) or _made(board, client)
    board.save(update_fields=["dataset"])
    return board.dataset


def workspace_of(client: argilla.Argilla) -> argilla.Workspace:
    """The workspace of our datasets, made where it is missing."""
    import argilla

    name = settings.ARGILLA_WORKSPACE
    found = client.workspaces(name)
    return found or argilla.Workspace(name=name, client=client).create()


def _found(board: Board, client: argilla.Argilla) -> UUID | None:
    """A dataset of this name: ours, made by a try that could not tell us its id."""
    dataset = client.datasets(name=str(board), workspace=workspace_of(client))
    if dataset is None:
        return None
    dataset.get()
    if {question.name for question in dataset.settings.questions} != QUESTIONS:
        raise ArgillaAway(
            f"the dataset “{board}” in the workspace “{settings.ARGILLA_WORKSPACE}” is not ours; "
            "rename it, or set ARGILLA_WORKSPACE to another workspace"
        )
    return UUID(str(dataset.id))


def _made(board: Board, client: argilla.Argilla) -> UUID:
    import argilla

    dataset = argilla.Dataset(
        name=str(board),
        workspace=workspace_of(client),
        settings=_settings(board),
        client=client,
    )
    return UUID(str(dataset.create().id))


def _settings(board: Board) -> argilla.Settings:
    """The SDK's words for `form`; a connected client must exist by now."""
    import argilla as rg

    return rg.Settings(
        guidelines=form.GUIDELINES,
        distribution=rg.TaskDistribution(min_submitted=ArgillaPolicy.of(board.line).responses),
        fields=[
            rg.ChatField(name=form.CONVERSATION, title="Conversation", use_markdown=False),
            *(
                rg.TextField(name=name, title=title, required=False, use_markdown=False)
                for name, title in form.FIELDS.items()
            ),
        ],
        questions=[
            rg.LabelQuestion(name=form.VERDICT, title="Verdict", labels=form.VERDICTS),
            rg.RatingQuestion(
                name=form.RATING, title="How good is it?", values=list(form.RATINGS), required=False
            ),
            rg.TextQuestion(
                name=form.CORRECTED, title="Corrected answer", required=False, use_markdown=False
            ),
            rg.MultiLabelQuestion(
                name=form.ISSUES, title="Issues", labels=list(form.ISSUE_NAMES), required=False
            ),
            rg.TextQuestion(
                name=form.COMMENT,
                title="Why (for the author)",
                required=False,
                use_markdown=False,
            ),
        ],
        metadata=[
            *(
                rg.IntegerMetadataProperty(name=name, title=title)
                for name, title in (
                    ("pr", "PR"),
                    ("revision", "Revision"),
                    ("row", "Row"),
                    ("rows", "Rows of the PR"),
                    ("turns", "Turns"),
                    ("characters", "Characters"),
                )
            ),
            *(
                rg.TermsMetadataProperty(name=name, title=title)
                for name, title in (
                    ("kind", "Kind"),
                    ("skill", "Skill"),
                    ("checks", "Worst finding"),
                    ("state", "State"),
                )
            ),
        ],
    )

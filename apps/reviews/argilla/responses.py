"""A response as Argilla tells it, by webhook or to the sweep, read with nothing taken on trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from standardwebhooks import Webhook, WebhookVerificationError

from apps.contributions.models import Row
from apps.reviews.argilla import form
from apps.reviews.argilla.errors import BadSignature
from apps.reviews.models import Verdict

SUBMITTED, DRAFT, DELETED = "submitted", "draft", "deleted"
STATUSES = (SUBMITTED, "discarded", DRAFT)
# `record.completed` and its kin carry no responses; these do.
EVENTS = ("response.created", "response.updated", "response.deleted")
LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Given:
    """One version of one response: what, on which record, by whom, and since when."""

    response: UUID
    record: UUID
    user: UUID
    user_name: str
    status: str
    at: datetime
    values: dict[str, Any]


@dataclass(frozen=True)
class Voice:
    """What a response says of a row. `corrected` is "" where the text stays as it is."""

    verdict: str
    rating: int | None = None
    corrected: str = ""
    issues: tuple[str, ...] = ()
    comment: str = ""

    @property
    def reason(self) -> str:
        """The comment and the issues, as the author reads them."""
        issues = f"issues: {', '.join(self.issues)}" if self.issues else ""
        return "; ".join(part for part in (self.comment, issues) if part)


def verified(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """The message behind a signature that fits and is younger than five minutes."""
    if not settings.ARGILLA_WEBHOOK_SECRET:
        raise BadSignature("ARGILLA_WEBHOOK_SECRET is not set here; `manage.py argilla connect`")
    try:
        message = Webhook(settings.ARGILLA_WEBHOOK_SECRET).verify(
            body.decode(), {name.lower(): value for name, value in headers.items()}
        )
    except (WebhookVerificationError, ValueError) as error:
        raise BadSignature(
            "the message is not signed with ARGILLA_WEBHOOK_SECRET, or is older than five minutes"
        ) from error
    return message if isinstance(message, dict) else {}


def of_event(message: Mapping[str, Any]) -> Given | None:
    """The response of a webhook's message; None of any other kind of message.

    Every try of a webhook has an id of its own, so that the id says nothing: a version is known by
    the response and the time of its last change.
    """
    if message.get("type") not in EVENTS:
        return None
    data = message["data"]
    deleted = message["type"] == "response.deleted"
    return Given(
        response=UUID(data["id"]),
        record=UUID(data["record"]["id"]),
        user=UUID(data["user"]["id"]),
        user_name=str(data["user"]["username"]),
        status=DELETED if deleted else _status(data),
        at=moment(data["updated_at"]),
        values=data.get("values") or {},
    )


def of_listing(record: Mapping[str, Any], names: Mapping[UUID, str]) -> list[Given]:
    """The responses of a record as Argilla lists it."""
    return [
        Given(
            response=UUID(said["id"]),
            record=UUID(record["id"]),
            user=UUID(said["user_id"]),
            user_name=names.get(UUID(said["user_id"]), said["user_id"]),
            status=_status(said),
            at=moment(said["updated_at"]),
            values=said.get("values") or {},
        )
        for said in record.get("responses") or []
    ]


def voice_of(values: Mapping[str, Any], row: Row) -> Voice | None:
    """What a submitted response says; None where its verdict is none of ours."""

    def value(name: str) -> Any:
        said = values.get(name)
        return said.get("value") if isinstance(said, Mapping) else None

    verdict, rating, issues = value(form.VERDICT), value(form.RATING), value(form.ISSUES)
    if not isinstance(verdict, str) or verdict not in form.VERDICTS:
        return None
    corrected = _text(value(form.CORRECTED))
    return Voice(
        verdict=verdict,
        rating=rating if type(rating) is int and rating in form.RATINGS else None,
        corrected="" if corrected == row.answer.strip() else corrected,
        issues=tuple(name for name in form.ISSUE_NAMES if name in _list(issues)),
        comment=_text(value(form.COMMENT)),
    )


def together(voices: list[tuple[Row, Voice]]) -> str:
    """The verdict on the whole PR: the one that all rows have, or else a request for changes."""
    verdicts = {voice.verdict for _, voice in voices}
    return verdicts.pop() if len(verdicts) == 1 else Verdict.CHANGES.value


def moment(text: str) -> datetime:
    """A time of Argilla's, which writes UTC without saying so."""
    at = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def reason_of(voices: list[tuple[Row, Voice]], verdict: str) -> str:
    """Why, as the author reads it: row by row where there are several.

    With an acceptance a corrected text is in the rows already; with anything else it is suggested.
    """
    reasons = []
    for row, voice in voices:
        said = [voice.reason] if voice.reason else []
        if voice.corrected and verdict != Verdict.ACCEPT:
            said.append("a corrected answer is suggested")
        if said and len(voices) > 1:
            reasons.append(f"Row {row.position + 1}: {'; '.join(said)}")
        else:
            reasons += said
    ratings = [voice.rating for _, voice in voices if voice.rating]
    if ratings and (reasons or verdict == Verdict.ACCEPT):
        reasons.append(f"Rated {sum(ratings) / len(ratings):.2g} of 5 in Argilla")
    return "\n".join(reasons)


def _status(said: Mapping[str, Any]) -> str:
    return said["status"] if said["status"] in STATUSES else DRAFT


def _text(said: Any) -> str:
    """Words as they can be stored."""
    return said.replace("\x00", "").strip()[:LONGEST_TEXT] if isinstance(said, str) else ""


def _list(said: Any) -> list[Any]:
    return said if isinstance(said, list) else []

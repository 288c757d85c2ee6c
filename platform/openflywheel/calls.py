"""Everything that can be asked of a site: each function says it once, for both clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

import msgspec

from openflywheel import answers
from openflywheel.asking import Ask, Flow, Wait, after, ask
from openflywheel.errors import OperationFailed
from openflywheel.packing import Body

SCOPES = ("contribute", "feedback")
# What one request of feedback carries: what the site stores while one waits.
ROWS_A_PART, LARGEST_PART = 5_000, 3 * 1024**2
SECONDS_BETWEEN_LOOKS = 1.0

Rows = Iterable[Mapping[str, Any]]
Told = Callable[[answers.Feedback], object]


class Downloaded(msgspec.Struct, frozen=True, rename={"content_type": "content-type"}):
    """What the site said of a file that it sent."""

    etag: str = ""
    content_type: str = ""


def me() -> Flow[answers.Account]:
    """Who is calling, and what the token is good for."""
    return ask(Ask("GET", "me", answers.Account))


def sign_up(
    name: str, password: str, *, email: str = "", scopes: Iterable[str] = SCOPES
) -> Flow[answers.Account]:
    """A new account with its first token (`.token.token`)."""
    wish = {"name": "openflywheel", "scopes": list(scopes)}
    body = {"name": name, "password": password, "token": wish}
    if email:
        body["email"] = email
    account = yield from ask(Ask("POST", "accounts", answers.Account, json=body, token=""))
    if account.token and not _whole(account.token):
        token = yield from sign_in(name, password, scopes=scopes)
        account = msgspec.structs.replace(account, token=token)
    return account


def sign_in(
    name: str, password: str, *, scopes: Iterable[str] = SCOPES, days: int = 90
) -> Flow[answers.Token]:
    """A new token for an account that is there (`.token`)."""
    body = {"username": name, "password": password, "name": "openflywheel"}
    wish = body | {"scopes": list(scopes), "days": days}
    question = Ask("POST", "tokens", answers.Token, json=wish, token="")
    token = yield from ask(question)
    return token if _whole(token) else (yield from ask(question))


def _whole(token: answers.Token) -> bool:
    """Whether the text is there: it is shown once, also when the first answer got lost."""
    return "(" not in token.token


def skills() -> Flow[answers.Skills]:
    """What the model should be good at."""
    return ask(Ask("GET", "skills", answers.Skills))


def contribution(number: int) -> Flow[answers.ContributionPage]:
    """A PR with what was found, said and decided."""
    return ask(Ask("GET", f"contributions/{number}", answers.ContributionPage))


def life(number: int) -> Flow[answers.Life]:
    """Every station of a PR, from submission to the answers it led to."""
    return ask(Ask("GET", f"contributions/{number}/life", answers.Life))


def comment(number: int, text: str) -> Flow[answers.Comment]:
    """Say something under a PR."""
    path = f"contributions/{number}/comments"
    return ask(Ask("POST", path, answers.Comment, json={"text": text}))


def withdraw(number: int, *, because: str = "") -> Flow[answers.Contribution]:
    """Take one's own open PR back."""
    path = f"contributions/{number}/withdraw"
    return ask(Ask("POST", path, answers.Contribution, json={"because": because}))


def contributions(
    *, stage: str = "", kind: str = "", skill: str = "", author: str = ""
) -> Ask[answers.Page[answers.Contribution]]:
    """PRs, newest first."""
    asked = {"stage": stage, "kind": kind, "skill": skill, "author": author}
    said = {name: text for name, text in asked.items() if text}
    return Ask("GET", "contributions", answers.Page[answers.Contribution], params=said)


def rows(number: int) -> Ask[answers.Page[answers.Row]]:
    """The rows of a PR that stand, to those who may see them."""
    path = f"contributions/{number}/rows"
    return Ask("GET", path, answers.Page[answers.Row], params={"limit": 200})


def export(to: BinaryIO, *, format: str = "ndjson", **asked: str | int) -> Flow[Downloaded]:
    """Every row that you may read, written to an open file: as `ndjson`, `parquet` or `hf` (zip).

    `kind`, `skill`, `stage`, `style`, `pr` and `mine` choose among them.
    """
    params = {name: value for name, value in asked.items() if value not in ("", 0)}
    question = Ask("GET", "exports", Downloaded, params={"format": format, **params}, sink=to)
    return ask(question)


def feedback(
    rows: Rows,
    *,
    licence: str = "",
    consent: str = "",
    signed_off: bool = False,
    skill: str = "",
    source: str = "",
    dry_run: bool = False,
    told: Told | None = None,
) -> Flow[answers.Feedback]:
    """Send ratings, outcomes and corrections, as many as there are; a stored one is committed.

    A row is `{"trace", "success" or "rating"}` for an answer the site gave, or `{"prompt",
    "answer", "success" or "rating" or "correction"}` for any other; `skill`, `source` and
    `client_id` may stand beside. With terms the rows may become part of a PR. `told` hears what
    has become of the rows so far.
    """
    said = {"licence": licence, "consent": consent, "skill": skill, "source": source}
    params: dict[str, str | int] = {name: text for name, text in said.items() if text}
    params |= {"signed_off": 1} if signed_off else {}
    params |= {"dry_run": 1} if dry_run else {}
    coming = iter(rows)
    sent = answers.Feedback()
    while True:
        with Body(coming, most_rows=ROWS_A_PART, most_bytes=LARGEST_PART) as body:
            if not body.rows:
                return sent
            question = Ask("POST", "feedback/bulk", answers.Delivered, params=params, body=body)
            answer = yield from ask(question)
        sent = sent.and_((yield from _followed(answer)))
        if told is not None:
            told(sent)


def _followed(answer: answers.Delivered) -> Flow[answers.Feedback]:
    """The verdicts; where the site took the rows on as an operation, once that has ended."""
    if answer.done is None:
        return answers.Feedback(counts=answer.counts, rows=answer.rows)
    while not answer.done:
        yield Wait(SECONDS_BETWEEN_LOOKS)
        answer = yield from ask(Ask("GET", f"operations/{answer.id}", answers.Delivered))
    if answer.stage == "failed":
        raise OperationFailed(answer.fault or f"the operation {answer.id} failed")
    listed = Ask("GET", f"operations/{answer.id}/rows", answers.Page[answers.Verdict])
    page = yield from ask(listed)
    rows = page.items
    while page.next:
        page = yield from ask(after(listed, page.next))
        rows += page.items
    return answers.Feedback(counts=answer.counts, rows=rows)

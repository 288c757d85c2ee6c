"""What a stranger's program does with the Python client that a generator made of the document.

It prints what it was told, as JSON; the tests hold that against the same story in TypeScript.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from open_flywheel_client import AuthenticatedClient, Client
from open_flywheel_client.api.accounts import post_accounts
from open_flywheel_client.api.contributions import (
    get_contribution,
    get_contributions,
    patch_contribution,
    post_contributions,
)
from open_flywheel_client.api.exports import get_exports
from open_flywheel_client.api.feedback import post_feedback
from open_flywheel_client.api.me import get_me
from open_flywheel_client.api.skills import get_skills
from open_flywheel_client.api.tokens import delete_token
from open_flywheel_client.models.caller import Caller
from open_flywheel_client.models.consent import Consent
from open_flywheel_client.models.contribution_page import ContributionPage
from open_flywheel_client.models.edit import Edit
from open_flywheel_client.models.examined import Examined
from open_flywheel_client.models.feedback_stored import FeedbackStored
from open_flywheel_client.models.licence import Licence
from open_flywheel_client.models.listed_contribution_list import ListedContributionList
from open_flywheel_client.models.new_account import NewAccount
from open_flywheel_client.models.offer import Offer
from open_flywheel_client.models.offered import Offered
from open_flywheel_client.models.problem import Problem
from open_flywheel_client.models.scope import Scope
from open_flywheel_client.models.sent_feedback import SentFeedback
from open_flywheel_client.models.sent_outcome import SentOutcome
from open_flywheel_client.models.sent_row import SentRow
from open_flywheel_client.models.sign_up import SignUp
from open_flywheel_client.models.skills import Skills
from open_flywheel_client.models.stage import Stage
from open_flywheel_client.models.token_wish import TokenWish
from open_flywheel_client.types import UNSET, Response, Unset

Kind = TypeVar("Kind")


def sure(kind: type[Kind], answer: object) -> Kind:
    """The answer, which must be of this kind."""
    assert isinstance(answer, kind), answer
    return answer


def an_offer(title: str, *rows: SentRow, licence: Licence = Licence.CC0_1_0) -> Offer:
    """A contribution to the skill that there is."""
    terms: dict[str, Any] = {"consent": Consent.TRAIN, "signed_off": True}
    return Offer(title=title, skill="sums", licence=licence, rows=[*rows], **terms)


def pages(client: AuthenticatedClient, author: str) -> Iterator[list[str]]:
    """The titles of one's contributions, two on a page."""
    cursor: str | Unset = UNSET
    while True:
        answer = get_contributions.sync(client=client, author=author, limit=2, cursor=cursor)
        page = sure(ListedContributionList, answer)
        yield [one.title for one in page.items]
        if page.next_ is None:
            return
        cursor = parse_qs(urlsplit(page.next_).query)["cursor"][0]


def refusal(answer: Response[Any]) -> dict[str, Any]:
    """A problem by its typed fields."""
    problem = sure(Problem, answer.parsed)
    faults = [] if isinstance(problem.errors, Unset) else problem.errors
    return {
        "status": [answer.status_code.value, problem.status],
        "code": problem.code,
        "faults": [[fault.pointer, fault.code] for fault in faults],
    }


def story(url: str) -> dict[str, Any]:
    """From nothing to a token, PRs, feedback, and back to nothing."""
    told: dict[str, Any] = {}
    stranger = Client(base_url=url)
    told["skills"] = [skill.name for skill in sure(Skills, get_skills.sync(client=stranger)).items]

    wish = TokenWish(scopes=[Scope.CONTRIBUTE, Scope.FEEDBACK])
    sign_up = SignUp(name="ada", password="a long enough phrase", token=wish)
    account = sure(NewAccount, post_accounts.sync(client=stranger, body=sign_up))
    told["taken"] = refusal(post_accounts.sync_detailed(client=stranger, body=sign_up))
    assert not isinstance(account.token, Unset)
    token = account.token
    client = AuthenticatedClient(base_url=url, token=token.token)
    me = sure(Caller, get_me.sync(client=client))
    assert not isinstance(me.token, Unset)
    told["me"] = [me.name, me.role.value, [scope.value for scope in me.token.scopes]]
    told["days"] = round((me.token.expires_at - me.token.created_at) / timedelta(days=1))

    first = an_offer("First", SentRow(prompt="2+2", completion="4"))
    answers = [
        post_contributions.sync_detailed(client=client, body=first, idempotency_key="story-first")
        for _ in range(2)
    ]
    numbers = [sure(Offered, answer.parsed).number for answer in answers]
    told["replayed"] = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    told["once"] = numbers[0] == numbers[1]

    answer = get_contribution.sync_detailed(str(numbers[0]), client=client)
    read = sure(ContributionPage, answer.parsed)
    told["read"] = [read.title, read.kind.value, read.stage is Stage.SUBMITTED, read.row_count]
    told["found"] = [one.severity.value for one in read.findings]
    told["when"] = read.created_at.tzinfo is not None

    # What was read can be sent: the licence of an answer is that of a request.
    second = an_offer("Second", SentRow(prompt="2+3", completion="5"), licence=read.licence)
    third = an_offer("Third", SentRow(prompt="2+4", completion="6"))
    dry = post_contributions.sync(client=client, body=second, dry_run=True)
    told["dry"] = [sure(Examined, dry).dry_run, sure(Examined, dry).counts.stored]
    for offer in (second, third):
        sure(Offered, post_contributions.sync(client=client, body=offer))
    told["pages"] = list(pages(client, me.name))

    edit = Edit(title="First, mended")
    for name in ("edited", "lost"):
        patched = patch_contribution.sync_detailed(
            read.id, client=client, body=edit, if_match=answer.headers["ETag"]
        )
        if name == "edited":
            told[name] = sure(ContributionPage, patched.parsed).title
        else:
            told[name] = refusal(patched)
        edit = Edit(title="Never")

    bad = an_offer("Bad", SentRow(prompt="2+5"))
    told["bad"] = refusal(post_contributions.sync_detailed(client=client, body=bad))
    told["nowhere"] = refusal(get_contribution.sync_detailed("999999", client=client))

    outcomes = [
        SentOutcome(prompt="3+3", answer="7", success=False, correction="6", client_id="good"),
        SentOutcome(prompt="3+4", answer="7", rating=9, client_id="bad"),
    ]
    feedback = SentFeedback(items=outcomes, source="story")
    sent = post_feedback.sync_detailed(client=client, body=feedback)
    stored = sure(FeedbackStored, sent.parsed)
    told["feedback"] = {
        "status": sent.status_code.value,
        "counts": [stored.counts.rows, stored.counts.stored, stored.counts.refused],
        "verdicts": [row.verdict.value for row in stored.rows],
        "pointers": [
            None if isinstance(row.pointer, Unset) else row.pointer for row in stored.rows
        ],
    }

    # Files are no JSON: the client hands on their bytes.
    exported = get_exports.sync_detailed(client=client, mine=True, stage=Stage.SUBMITTED)
    rows = [json.loads(line) for line in exported.content.decode().splitlines()]
    told["exported"] = sorted(row["prompt"] for row in rows)

    told["ended"] = delete_token.sync_detailed(str(token.number), client=client).status_code.value
    told["after"] = refusal(get_me.sync_detailed(client=client))
    return told


def wrong(client: Client) -> None:
    """What the types refuse, so that they are seen to be there; nobody calls it."""
    get_me.sync(client=client)  # type: ignore[arg-type]
    an_offer("Wrong", licence="WTFPL")  # type: ignore[arg-type]
    print(an_offer("Wrong").titel)  # type: ignore[attr-defined]


if __name__ == "__main__":
    print(json.dumps(story(sys.argv[1])))

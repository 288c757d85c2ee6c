"""The screen of the review desk: everything that a decision needs, and nothing about the person.

Who wrote a PR is folded until one has decided: the name is not in the page at all, neither in the
discussion nor in the words of others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import Account
from apps.checks import queries as checks
from apps.checks.hints import Similar, similar
from apps.contributions import queries as contributions
from apps.contributions import rules as contribution_rules
from apps.contributions.discussion import queries as discussion
from apps.contributions.discussion.models import Comment, Field
from apps.contributions.models import Contribution, Row
from apps.contributions.stages import Stage
from apps.history.queries import open_proposal
from apps.pages import forms, life, talk
from apps.reviews import actions, queries, rules
from apps.reviews.desk import appealing, knowing, pending, viewing
from apps.reviews.desk.models import Pending, Reason, Step
from apps.reviews.desk.reasons import WAYS_BACK
from apps.reviews.desk.viewing import ROWS_ON_A_SCREEN
from apps.reviews.errors import ReviewRefused
from apps.reviews.evidence import queries as measuring
from apps.reviews.models import Decision, Skip, Verdict
from apps.reviews.sampling.queries import is_sampled
from apps.rollouts.models import Channel
from apps.traces.models import Arm, Trace

STEPS: dict[Stage, list[Any]] = {
    Stage.IN_REVIEW: [Step.ACCEPT, Step.CHANGES, Step.REJECT, Step.ESCALATE],
    Stage.QUARANTINED: [Verdict.RELEASE, Step.REJECT],
}
SIMILAR_FOR = 5


@dataclass(frozen=True)
class Remark:
    """Something said under the PR or on a row, without the author's name."""

    who: str
    by_author: bool
    text: str
    comment: Comment
    row: int | None
    field: str


def screen(
    contribution: Contribution,
    account: Account,
    *,
    first: int = 0,
    refusal: str = "",
    step: str = "",
) -> dict[str, Any]:
    """What the screen shows; `refusal` and `step` say what was just refused, and where."""
    held, closed = _held(contribution, account)
    may_see = contribution_rules.may_see_rows(account, contribution)
    shown = contribution.reverts or contribution
    rows = _rows(shown, first) if may_see else []
    decisions = list(queries.decisions_on(contribution))
    own = list(pending.of(account))
    waiting = next((one for one in own if _waits(one, contribution)), None)
    known = knowing.knows(account, contribution, decisions)
    decides = rules.may_decide(account)
    return {
        "contribution": contribution,
        "title": masked(contribution.title, contribution, known),
        "description": masked(contribution.description, contribution, known),
        "held": held,
        "closed": closed,
        "may_see": may_see,
        "rows": rows,
        "fields": [(row, _fields(row)) for row in rows] if decides and not first else [],
        "first": first,
        "after": first + ROWS_ON_A_SCREEN if first + len(rows) < shown.row_count else None,
        "not_viewed": _not_viewed(contribution, account, first),
        "findings": list(checks.findings_of(contribution)),
        "decisions": decisions,
        "remarks": remarks(contribution, account, known) if may_see else [],
        "steps": [] if closed or waiting else _steps(contribution, decides),
        "decides": decides,
        "waiting": waiting,
        "reasons": list(enumerate(Reason.choices, start=1)),
        "known": known,
        "proposal": open_proposal(contribution, actions.RELEASE)
        if contribution.stage == Stage.QUARANTINED
        else None,
        "escalation": getattr(contribution, "escalation", None),
        "skips": Skip.Why.choices if contribution.stage == Stage.IN_REVIEW else [],
        "told": measuring.shown(contribution, rows_seen=may_see),
        "more": reverse("pages:contribution_evidence", args=[contribution.pk]),
        "sampled": is_sampled(contribution),
        "refusal": refusal,
        "refused_step": step,
        **bar(own),
    }


def bar(own: Sequence[Pending]) -> dict[str, Any]:
    """What can be undone, and which verdicts could not take effect."""
    open_ones = [one for one in own if one.open]
    last = open_ones[-1] if open_ones else None
    together = sum(one.batch == last.batch for one in open_ones) if last else 0
    return {
        "undoable": last,
        "undo_told": told(last, together) if last else "",
        "lapsed": [(one, forms.sentence(Exception(_(one.lapsed)))) for one in own if one.lapsed],
    }


def told(given: Pending, together: int = 1) -> str:
    """What was just decided, in one line."""
    step = Step(given.step).label
    if together > 1:
        return ngettext("%(n)d PR: %(step)s.", "%(n)d PRs: %(step)s.", together) % {
            "n": together,
            "step": step,
        }
    return _("%(pr)s: %(step)s.") % {"pr": given.contribution, "step": step}


def remarks(contribution: Contribution, reader: Account, known: bool) -> list[Remark]:
    """What was said, oldest first."""
    found = []
    for one in discussion.conversation(contribution, reader):
        for comment in one.comments:
            by_author = comment.author_id == contribution.author_id
            found.append(
                Remark(
                    who=_("The author") if by_author and not known else str(comment.author),
                    by_author=by_author,
                    text=masked(comment.text, contribution, known),
                    comment=comment,
                    row=one.position,
                    field=talk.name_of(Field(one.thread.field), one.thread.row)
                    if one.thread
                    else "",
                )
            )
    return sorted(found, key=lambda remark: remark.comment.created_at)


def similar_accepted(contribution: Contribution) -> list[tuple[Row, list[Similar]]]:
    """The first rows that resemble accepted ones, each with those."""
    rows = contributions.rows_of(contribution)[:SIMILAR_FOR]
    found = [(row, similar(contribution.line, row.prompt)) for row in rows]
    return [(row, near) for row, near in found if near]


def masked(text: str, contribution: Contribution, known: bool) -> str:
    """The text without its author's name, unless the reader knows it."""
    name = contribution.author.username
    if known or not text:
        return text
    return re.sub(rf"(?<!\w)@?{re.escape(name)}(?!\w)", _("the author"), text, flags=re.IGNORECASE)


def way_back(contribution: Contribution, decisions: Sequence[Decision]) -> dict[str, Any]:
    """What the page of a rejected PR says: the reason from the list, and what can be done."""
    if all(decision.verdict != Verdict.REJECT for decision in decisions):
        return {"left": life.ANY_WAY}
    ground = contribution.grounds.order_by("pk").last()
    made = appealing.appeals_on(contribution).first()
    left = appealing.way_back(contribution, made=made, decisions=decisions)
    rejected = contribution.stage == Stage.REJECTED
    return {
        "ground": ground if rejected else None,
        "way_back": WAYS_BACK[Reason(ground.reason)] if ground and rejected else "",
        "appeal": made,
        "may_appeal": rejected and left.appeal,
        "left": left,
    }


def edits_in(sent: Any) -> list[tuple[int, str, str]]:
    """The texts of a form's fields `edit-<row>-<field>`. A browser ends lines with two signs."""
    found = []
    for name in sent:
        parts = name.split("-")
        if len(parts) == 3 and parts[0] == "edit" and parts[1].isdecimal() and len(parts[1]) < 6:
            found.append((int(parts[1]), parts[2], sent[name].replace("\r\n", "\n")))
    return found


def _held(contribution: Contribution, account: Account) -> tuple[Any, str]:
    """The claim, or why this reviewer cannot decide."""
    try:
        if contribution.stage == Stage.IN_REVIEW:
            return actions.claim(contribution, by=account), ""
        if contribution.stage == Stage.QUARANTINED:
            rules.ensure_may_release(account, contribution)
    except ReviewRefused as error:
        return None, forms.sentence(error)
    return None, ""


def _steps(contribution: Contribution, decides: bool) -> list[Any]:
    """What can be said of it; who has half a voice hands nothing on."""
    steps = STEPS.get(Stage(contribution.stage), [])
    return steps if decides else [step for step in steps if step != Step.ESCALATE]


def _rows(contribution: Contribution, first: int) -> list[Row]:
    """A screen full of rows; one without an earlier answer has the model’s, where it is known."""
    rows = list(contributions.rows_of(contribution).filter(position__gte=first)[:ROWS_ON_A_SCREEN])
    bare = [row for row in rows if not row.original and not row.chosen and row.label is None]
    for row in bare:
        row.answer_now = row.trace.answer if row.trace else ""  # type: ignore[attr-defined]
    if asked := {row.prompt: row for row in bare if not row.trace}:
        for trace in _answers(contribution, list(asked)):
            if trace.prompt in asked:
                asked[trace.prompt].answer_now = trace.answer  # type: ignore[attr-defined]
    return rows


def _answers(contribution: Contribution, prompts: list[str]) -> list[Trace]:
    """What the live version has answered to these prompts, oldest first."""
    live = Channel.objects.filter(line=contribution.line_id).values("live__digest")
    marks = [hashlib.md5(prompt.encode(), usedforsecurity=False).hexdigest() for prompt in prompts]
    found = Trace.objects.filter(version_digest__in=live, prompt_md5__in=marks, error="")
    return list(found.exclude(arm=Arm.SHADOW).order_by("-pk")[: 2 * ROWS_ON_A_SCREEN])[::-1]


def _fields(row: Row) -> list[tuple[str, str, str]]:
    """Name, word and text of what can be edited."""
    return [
        (name.value, talk.name_of(name, row), getattr(row, name))
        for name in Field
        if getattr(row, name)
    ]


def _waits(given: Pending, contribution: Contribution) -> bool:
    return given.contribution_id == contribution.pk and not given.lapsed


def _not_viewed(contribution: Contribution, account: Account, first: int) -> int:
    """How many rows neither were nor are on the screen."""
    left = viewing.not_viewed(contribution, account)
    return sum(not first <= position < first + ROWS_ON_A_SCREEN for position in left)

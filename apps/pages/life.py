"""The life of a PR as one line of stops, and who acts next."""

from datetime import datetime
from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.community.life import Hop, Life
from apps.contributions.models import Consent, Contribution
from apps.contributions.queries import OPEN
from apps.contributions.stages import Stage
from apps.reviews.desk.appealing import WayBack
from apps.reviews.queue.promises import Promise, promise

LONGEST_QUOTE = 120


class Stop(NamedTuple):
    """One stop: `state` is done, now, later or stopped; `tag` a short id."""

    state: str
    title: str
    detail: str = ""
    tag: str = ""
    link: str = ""
    at: datetime | None = None


def stops(life: Life) -> list[Stop]:
    """Every hop with its id and time, and what still lies ahead."""
    return [
        Stop(hop.state, _opened(_brief(hop.title)), _detail(hop), _tag(hop), hop.link, hop.at)
        for hop in [*life.hops, *life.ahead]
    ]


# What a list says of a rejected PR; its own page asks what is left.
ANY_WAY = WayBack(revision=True, appeal=True, hearing=False)


def next_step(
    contribution: Contribution,
    place: int | None,
    live: bool,
    left: WayBack = ANY_WAY,
    stranded_at: datetime | None = None,
) -> tuple[str, str]:
    """Who must act next, and what they have to do; `left` is open after a rejection, and since
    `stranded_at` nobody may give the review that is missing."""
    author = str(contribution.author)
    if contribution.stage == Stage.IN_REVIEW and stranded_at:
        return _("A maintainer"), _stranded(stranded_at)
    waits = _("It is number %d in the queue.") % place if place else _("It waits in the queue.")
    steps = {
        Stage.DRAFT: (author, _("Finish it and send it.")),
        Stage.SUBMITTED: (_("The checks"), _("They read every row; that takes about a minute.")),
        Stage.IN_REVIEW: (_("A reviewer"), waits),
        Stage.QUARANTINED: (
            _("A maintainer"),
            _(
                "The screens set it aside. A maintainer reads the findings and rejects it or "
                "lets it go on to review."
            ),
        ),
        Stage.CHANGES_REQUESTED: (author, _("Change the rows as asked and send them again.")),
        Stage.WITHDRAWN: (_("Nobody"), _("Its author took it back.")),
    }
    if contribution.stage == Stage.REJECTED:
        return _after_rejection(author, left)
    if contribution.stage in steps:
        return steps[Stage(contribution.stage)]
    if contribution.consent != Consent.TRAIN:
        return _("Nobody"), _("It is accepted, and by its author's wish no model is trained on it.")
    if contribution.reverts_id:
        return _("Nobody"), _("The rows are in no later build.")
    if live:
        return _("Nobody"), _("It is part of the model that answers everyone.")
    return _("The flywheel"), _("The next build and its rollout take it from here.")


def _stranded(since: datetime) -> str:
    return _(
        "Another reviewer has to read it, and nobody who is there may: they wrote it, belong with "
        "its author, or have given their verdict. The maintainers were told on %s that somebody "
        "from elsewhere is needed. Until then no day can be promised."
    ) % date_format(since, "MONTH_DAY_FORMAT")


def _after_rejection(author: str, left: WayBack) -> tuple[str, str]:
    if left.hearing:
        return _("A reviewer"), _("Somebody who has not decided on it hears the appeal.")
    if left.revision and left.appeal:
        both = _("It ends here unless its author mends the reason and sends it again, or appeals.")
        return author, both
    if left.revision:
        return author, _("It ends here unless its author mends the reason and sends it again.")
    if left.appeal:
        return author, _("It ends here unless its author appeals.")
    return _("Nobody"), _("It was rejected, and that stands.")


class Step(NamedTuple):
    """What a PR still needs: `state` is done, open or blocked."""

    state: str
    text: str
    link: str = ""


def promised(contribution: Contribution, told: Life) -> Promise | None:
    """By when the next one has acted, and what that rests on."""
    happened = [hop.at for hop in told.hops if hop.at]
    return promise(contribution, max(happened)) if happened else None


def missing(contribution: Contribution, told: Life, open_threads: int) -> list[Step]:
    """What stands between an open PR and its acceptance; threads tell, they do not block."""
    if contribution.stage not in (*OPEN, Stage.DRAFT):
        return []
    home, stage = contribution.get_absolute_url(), contribution.stage
    screens = told.screening
    quarantined = stage == Stage.QUARANTINED
    asked = stage == Stage.CHANGES_REQUESTED
    needed = _("a maintainer’s yes") if contribution.reverts_id else _("a reviewer’s yes")
    checked = {
        True: Step("done", _("Every screen ran"), f"{home}/checks"),
        False: Step("open", _("The screens have to run"), f"{home}/checks"),
    }
    steps = [checked[screens is not None]]
    if quarantined:
        steps.append(Step("blocked", _("A maintainer has to release it"), f"{home}/checks"))
    if asked:
        steps.append(Step("blocked", _("Its author has to change the rows")))
    if open_threads:
        many = ngettext("%d thread is open", "%d threads are open", open_threads) % open_threads
        steps.append(Step("open", many, f"{home}#talk"))
    return [*steps, Step("open", _("It needs %s") % needed)]


def _tag(hop: Hop) -> str:
    named = {"contribution": f"PR {hop.id}", "trace": hop.id}
    return named.get(hop.kind, f"{hop.kind} {hop.id}".strip())


def _detail(hop: Hop) -> str:
    """Why, or what else there is to say of it."""
    said = {
        "build": _of_build(hop),
        "decision": _("against the screens, on record") if hop.facts.get("override") else "",
        "screening": _("in %s") % _seconds(hop.facts.get("seconds", 0)),
        "trace": _("asked: “%s”") % _brief(hop.facts.get("prompt", "")),
    }
    return " · ".join(part for part in (hop.because, said.get(hop.kind, "")) if part)


def _of_build(hop: Hop) -> str:
    refused = _("refused by the comparison") if hop.facts.get("verdict") == "refused" else ""
    return ", ".join(part for part in (hop.facts.get("adapter", ""), refused) if part)


def _opened(title: str) -> str:
    """A title as a heading: a version's or a person's name stays, a percent sign hangs on."""
    title = title.replace(" %", "\N{NO-BREAK SPACE}%")
    return f"R{title[1:]}" if title.startswith("rollout ") else title


def _seconds(taken: float) -> str:
    return _("%s ms") % f"{1000 * taken:.0f}" if taken < 0.95 else _("%s s") % f"{taken:.1f}"


def _brief(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1]}…"

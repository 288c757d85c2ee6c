"""Asking about contributions and their rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import (
    BigIntegerField,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce

from apps.accounts.models import Account
from apps.accounts.statements import Hole, Statement
from apps.contributions.models import Consent, Contribution, Licence, Revision, Row
from apps.contributions.stages import Stage
from apps.history.models import Event
from apps.history.queries import kind_of
from apps.skills.models import ModelLine

OPEN = (Stage.SUBMITTED, Stage.IN_REVIEW, Stage.QUARANTINED, Stage.CHANGES_REQUESTED)


def public() -> QuerySet[Contribution]:
    """Every contribution that others may see in a list, newest first."""
    contributions = Contribution.objects.exclude(stage=Stage.DRAFT)
    return contributions.select_related("author", "skill", "line")


VISIBLE = Statement(
    lambda: (public() | Contribution.objects.filter(author=Hole("reader"))).filter(
        pk=Hole("number")
    )
)


def seen_by(reader: Account | AnonymousUser, number: int) -> Contribution | None:
    """The contribution of this number, unless it is another's draft."""
    if number > BigIntegerField.MAX_BIGINT:
        return None
    return VISIBLE.first(number=number, reader=reader.pk)


def by(author: Account) -> QuerySet[Contribution]:
    """Everything one person offered, newest first."""
    return Contribution.objects.filter(author=author).select_related("skill", "line")


def sent_before(author: Account, batch: str) -> Contribution | None:
    """What the author has offered under this name of theirs, if anything."""
    offered = Contribution.objects.select_related("author", "skill", "line")
    # There is one at most. Asked for the newest, the database walks through all of the author's.
    found = list(offered.filter(author=author, batch=batch).order_by()[:1])
    return found[0] if found else None


def sent_since(author: Account, moment: datetime) -> QuerySet[Contribution]:
    """What the author has sent since then, oldest first."""
    sent = Contribution.objects.filter(author=author, created_at__gt=moment)
    return sent.order_by("created_at")


def waiting_for_checks() -> QuerySet[Contribution]:
    """Submitted and not yet screened, oldest first."""
    return Contribution.objects.filter(stage=Stage.SUBMITTED).order_by("pk")


def accepted(line: ModelLine) -> QuerySet[Contribution]:
    """Contributions of a line whose rows are accepted and stand, oldest first.

    A PR that takes rows out has none to give, and what was taken out stands no more.
    """
    found = Contribution.objects.filter(line=line, stage=Stage.ACCEPTED, reverts=None)
    return found.filter(STANDS).order_by("pk")


def taking_out(contribution: Any) -> QuerySet[Contribution]:
    """The accepted PR that takes this contribution's rows out, if there is one."""
    return Contribution.objects.filter(reverts=contribution, stage=Stage.ACCEPTED)


STANDS = ~Exists(taking_out(OuterRef("pk")))


def for_export(reader: Account | AnonymousUser) -> QuerySet[Contribution]:
    """What a reader may take home: what was accepted and given to all, and one's own, always.

    Given to all is what its author lets be trained on, under a licence that lets it be passed on,
    as long as nobody has taken it out again.
    """
    theirs = Q(author_id=reader.pk) if reader.is_authenticated else Q(pk__in=[])
    given = Q(stage=Stage.ACCEPTED, consent=Consent.TRAIN) & ~Q(licence=Licence.PROPRIETARY)
    return Contribution.objects.filter(given & STANDS | theirs)


def rejections() -> QuerySet[Event]:
    """Every rejection that was not taken back: an appeal that is granted leads to review again."""
    moves = Event.objects.filter(subject_kind=kind_of(Contribution())).exclude(entered="")
    later = moves.filter(subject_id=OuterRef("subject_id"), pk__gt=OuterRef("pk"))
    entered = Subquery(later.order_by("pk").values("entered")[:1])
    followed = moves.filter(entered=Stage.REJECTED).annotate(then=Coalesce(entered, Value("")))
    return followed.exclude(then=Stage.IN_REVIEW)


def current_revision(contribution: Contribution) -> Revision:
    """The revision that stands."""
    return contribution.revisions.get(number=contribution.revision)


def rows_of(contribution: Contribution) -> QuerySet[Row]:
    """The rows of the current revision, in order."""
    rows = Row.objects.filter(
        revision__contribution=contribution, revision__number=contribution.revision
    )
    return rows.select_related("skill", "trace").order_by("position")


FIRST_ROWS = Statement(
    lambda: (
        Row.objects.filter(
            revision__contribution=Hole("contribution"),
            revision__number=Hole("revision"),
            position__lt=Hole("wanted"),
        )
        .select_related("skill", "trace")
        .order_by("position")
    )
)


def first_rows_of(contribution: Contribution, wanted: int) -> list[Row]:
    """The rows of the current revision that stand before the position `wanted`."""
    return FIRST_ROWS.all(
        contribution=contribution.pk, revision=contribution.revision, wanted=wanted
    )

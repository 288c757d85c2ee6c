"""Taking accepted rows out again, by a PR of its own."""

from __future__ import annotations

import hashlib

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.contributions import rules
from apps.contributions.actions import submit
from apps.contributions.errors import ContributionRefused, NotForYou
from apps.contributions.models import Contribution, Revision
from apps.contributions.stages import Stage
from apps.history.actions import record

PROPOSE = (Role.REVIEWER, Role.MAINTAINER, Role.RELEASE_MANAGER)


def propose_revert(contribution: Contribution, *, by: Account, because: str) -> Contribution:
    """A new PR that takes an accepted one's rows out; a maintainer decides on it.

    Once it is accepted the rows are in no later manifest, neither as new rows nor among the
    earlier ones that a build repeats. An adapter that has learned them is not unlearned: it goes
    on from weights that fade, and a rollback is what takes them away at once.
    """
    ensure_may_propose(by, contribution)
    if contribution.stage != Stage.ACCEPTED:
        said = _("%(pr)s is not accepted, so there is nothing to revert")
        raise ContributionRefused(said % {"pr": contribution})
    if contribution.reverts_id:
        raise ContributionRefused(_("a revert is not reverted; offer the rows again in a new PR"))
    if not because.strip():
        raise ContributionRefused(_("say why the rows should be taken out"))
    revert = Contribution(
        line=contribution.line,
        skill=contribution.skill,
        author=by,
        kind=contribution.kind,
        title=f"Revert PR {contribution.pk}: {contribution.title}"[:160],
        description=because.strip(),
        licence=contribution.licence,
        consent=contribution.consent,
        signed_off=True,
        source="web",
        reverts=contribution,
        digest=hashlib.sha256(f"revert {contribution.digest}".encode()).hexdigest(),
    )
    try:
        with transaction.atomic():
            revert.save()
            Revision.objects.create(contribution=revert, number=1, digest=revert.digest)
            submit(revert, by=by)
            record(contribution, "revert proposed", by=by, details={"contribution": revert.pk})
    except IntegrityError as error:
        said = _("a revert of %(pr)s is under way, or has been accepted")
        raise ContributionRefused(said % {"pr": contribution}) from error
    return revert


def ensure_may_propose(account: Account, contribution: Contribution) -> None:
    """`NotForYou` unless the account wrote it or belongs to those who decide."""
    if not (rules.is_author(account, contribution) or account.role in PROPOSE):
        raise NotForYou(
            _("the author, a reviewer, a maintainer or a release manager proposes this")
        )

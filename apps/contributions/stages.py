"""Where a contribution can be, and where it may go from there."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.history.stages import table


class Stage(models.TextChoices):
    """The stages of a contribution; later apps say what became of an accepted one."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Being checked")
    IN_REVIEW = "in_review", _("In review")
    QUARANTINED = "quarantined", _("Quarantined")
    CHANGES_REQUESTED = "changes_requested", _("Changes requested")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


CONTRIBUTION = table(
    "contribution",
    "draft",
    draft="submitted withdrawn",
    submitted="in_review quarantined withdrawn",
    in_review="submitted accepted changes_requested rejected quarantined withdrawn",
    quarantined="in_review rejected withdrawn",
    changes_requested="submitted rejected withdrawn",
    accepted="",
    # By a revision of its author's, or by an appeal that somebody else has granted.
    rejected="submitted in_review",
    withdrawn="",
)

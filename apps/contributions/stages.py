"""Where a contribution can be, and where it may go from there."""

from django.db import models

from apps.history.stages import table


class Stage(models.TextChoices):
    """The stages of a contribution; later apps say what became of an accepted one."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Being checked"
    IN_REVIEW = "in_review", "In review"
    QUARANTINED = "quarantined", "Quarantined"
    CHANGES_REQUESTED = "changes_requested", "Changes requested"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"


CONTRIBUTION = table(
    "contribution",
    "draft",
    draft="submitted withdrawn",
    submitted="in_review quarantined withdrawn",
    in_review="submitted accepted changes_requested rejected quarantined withdrawn",
    quarantined="in_review rejected withdrawn",
    changes_requested="submitted rejected withdrawn",
    accepted="",
    rejected="",
    withdrawn="",
)

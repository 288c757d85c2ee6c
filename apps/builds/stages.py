"""Where a build can be, and where it may go from there."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.history.stages import table


class Stage(models.TextChoices):
    """The stages of a build. Whether a ready one may roll out is its verdict's business."""

    PLANNED = "planned", _("Planned")
    TRAINING = "training", _("Training")
    COMPARING = "comparing", _("Comparing")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("Skipped")


# A worker that takes over a build whose worker died starts the training again.
BUILD = table(
    "build",
    "planned",
    planned="training skipped",
    training="training comparing failed",
    comparing="training ready failed",
    ready="",
    failed="",
    skipped="",
)

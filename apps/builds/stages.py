"""Where a build can be, and where it may go from there."""

from django.db import models

from apps.history.stages import table


class Stage(models.TextChoices):
    """The stages of a build. Whether a ready one may roll out is its verdict's business."""

    PLANNED = "planned", "Planned"
    TRAINING = "training", "Training"
    COMPARING = "comparing", "Comparing"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


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

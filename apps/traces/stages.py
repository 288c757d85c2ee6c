"""Where a large delivery of feedback can be; a small one is born done."""

from django.db import models

from apps.history.stages import table


class Stage(models.TextChoices):
    """The stages of a delivery."""

    RECEIVING = "receiving", "Being received"
    WAITING = "waiting", "Being stored"
    DONE = "done", "Done"
    FAILED = "failed", "Ended before its last row"


DELIVERY = table(
    "delivery",
    "receiving",
    receiving="waiting failed",
    waiting="done failed",
    done="",
    failed="",
)

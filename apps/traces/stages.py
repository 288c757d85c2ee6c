"""Where a large delivery of feedback can be; a small one is born done."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.history.stages import table


class Stage(models.TextChoices):
    """The stages of a delivery."""

    RECEIVING = "receiving", _("Being received")
    WAITING = "waiting", _("Being stored")
    DONE = "done", _("Done")
    FAILED = "failed", _("Ended before its last row")


DELIVERY = table(
    "delivery",
    "receiving",
    receiving="waiting failed",
    waiting="done failed",
    done="",
    failed="",
)

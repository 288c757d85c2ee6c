"""Where a rollout can be, and where it may go from there."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.history.stages import table


class Stage(models.TextChoices):
    """The stages of a rollout; while widening, `percent` says how far it has come."""

    SHADOW = "shadow", _("Shadow")
    WIDENING = "widening", _("Widening")
    LIVE = "live", _("Live")
    PAUSED = "paused", _("Paused")
    ROLLED_BACK = "rolled_back", _("Rolled back")


# The steps of the share of traffic (percent) that the candidate answers while it widens.
STEPS = (1, 5, 50)

# One step a tick: widening leads to widening with the next share. A live version can still be
# taken back, or be superseded by the next rollout without a move of its own.
ROLLOUT = table(
    "rollout",
    "shadow",
    shadow="widening paused rolled_back",
    widening="widening live paused rolled_back",
    live="rolled_back",
    paused="shadow widening rolled_back",
    rolled_back="",
)

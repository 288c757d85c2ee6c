"""The way back from a rejection, for each reason."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.reviews.desk.models import Reason

WAYS_BACK = {
    Reason.WRONG: _("Mend the answers and send the rows again."),
    Reason.UNFOUNDED: _("Say where the answers come from, and send the rows again."),
    Reason.UNCLEAR: _("Say it so that a stranger understands it, and send the rows again."),
    Reason.OFF_TOPIC: _("Change its skill, or offer the rows for the skill they belong to."),
    Reason.REPEATED: _("Keep the rows that are new, and send those."),
    Reason.PRIVATE: _("Put something invented in place of what is private, and send it again."),
    Reason.LICENCE: _("Offer rows that you may give away, under a licence that allows it."),
    Reason.MANIPULATED: _("Take out what the rows teach in passing, or say why it is meant."),
    Reason.OTHER: _("Mend what the reviewer named, and send the rows again."),
}

"""What is said of a review by several: how many are in, never which way they went."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.contributions.models import Contribution
from apps.reviews.agreement.queries import voices_on


def awaited_in_words(contribution: Contribution) -> str:
    """What a reviewer reads whose verdict is stored and waits."""
    waiting = voices_on(contribution)
    if waiting is None or waiting.adjudication:
        return _("Your verdict is in. One more reviewer decides; all verdicts are opened then.")
    missing = waiting.of - waiting.given
    return (
        ngettext(
            "Your verdict is in. It takes effect when %d more reviewer has decided alone.",
            "Your verdict is in. It takes effect when %d more reviewers have decided alone.",
            missing,
        )
        % missing
    )

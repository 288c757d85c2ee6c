"""What is said of a review by several: how many are in, never which way they went."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.reviews.agreement.queries import voices_on
from apps.reviews.rules import may_decide


def awaited_in_words(contribution: Contribution, by: Account) -> str:
    """What somebody reads whose verdict is stored and waits."""
    if not may_decide(by):
        return _("Your half voice is in. It is opened with the verdict of a reviewer, who decides.")
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

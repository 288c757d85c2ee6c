"""The ways in which a decision can be refused."""

from apps.accounts import denials


class ReviewRefused(Exception):
    """Base of the refusals of this app; its text is a sentence for the reviewer."""


class OwnWork(denials.Denied, ReviewRefused):
    """Nobody decides on what they wrote themselves."""


class NotAReviewer(denials.Denied, ReviewRefused):
    """The role does not include deciding."""


class Stale(ReviewRefused):
    """The contribution has changed since the reviewer read it."""


class ReasonMissing(ReviewRefused):
    """This decision needs a reason that the contributor can act on."""


class ClaimedByAnother(ReviewRefused):
    """Another reviewer holds the item."""


class Affiliated(denials.Denied, ReviewRefused):
    """Nobody decides on the work of their organisation, or of who may be the same person."""


class HabitRefused(ReviewRefused):
    """The habits of a reviewer cannot be kept like this."""


class TooLate(ReviewRefused):
    """What should be undone has taken effect."""


class NotAppealable(ReviewRefused):
    """There is no rejection to appeal against, or it was heard before."""


class NotViewed(ReviewRefused):
    """Some rows were never on the reviewer's screen."""

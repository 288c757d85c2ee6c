"""The ways in which a decision can be refused."""

from apps.accounts.denials import Denied


class ReviewRefused(Exception):
    """Base of the refusals of this app; its text is a sentence for the reviewer."""


class OwnWork(Denied, ReviewRefused):
    """Nobody decides on what they wrote themselves."""


class NotAReviewer(Denied, ReviewRefused):
    """The role does not include deciding."""


class Stale(ReviewRefused):
    """The contribution has changed since the reviewer read it."""


class ReasonMissing(ReviewRefused):
    """This decision needs a reason that the contributor can act on."""


class ClaimedByAnother(ReviewRefused):
    """Another reviewer holds the item."""

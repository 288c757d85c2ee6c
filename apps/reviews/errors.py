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


class VoiceIsIn(ReviewRefused):
    """Who has given a voice on a content cannot give another one on it."""


class SampleMissing(ReviewRefused):
    """A PR of many rows is accepted by its sample, which has not passed."""


class NotSampled(ReviewRefused):
    """The PR is small enough to be read whole."""


class NotAMaintainer(denials.Denied, ReviewRefused):
    """Planting what others are measured by is for maintainers."""


class BadGold(ReviewRefused):
    """These rows or this verdict cannot serve as a gold item."""


class NotYourAudit(denials.Denied, ReviewRefused):
    """Only who has taken an audit, and had no say before, may answer it."""

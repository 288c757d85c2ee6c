"""What can go wrong between the two desks."""

from apps.reviews.errors import ReviewRefused


class ArgillaRefused(ReviewRefused):
    """Base of these refusals; its text is a sentence for the operator."""


class ArgillaOff(ArgillaRefused):
    """No Argilla is connected to this site."""


class ArgillaAway(ArgillaRefused):
    """Argilla does not answer now; whatever waits for it goes on waiting."""


class BatchRefused(ArgillaRefused):
    """Argilla read the batch and took none of it, because of at least one row."""


class BadSignature(ArgillaRefused):
    """The message was not signed with the secret that Argilla and this site share."""


class UnknownPerson(ArgillaRefused):
    """No account, or no user of Argilla, goes by this name."""

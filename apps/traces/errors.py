"""The ways in which a trace or a delivery of feedback can be refused."""


class UnknownTrace(Exception):
    """No trace has this id."""


class EmptyDelivery(Exception):
    """A delivery without a single row."""


class KeyTaken(Exception):
    """The Idempotency-Key stands for another body."""


class StillRunning(Exception):
    """The request that came first under this Idempotency-Key has not ended."""

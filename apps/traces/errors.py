"""The ways in which a trace or an outcome can be refused."""


class UnknownTrace(Exception):
    """No trace has this id."""


class BadOutcome(Exception):
    """An outcome says nothing, or says it in a way that is not understood; the text says how to."""

"""The ways a build, an adapter or a request can be refused; each reads as one sentence."""


class TrainingError(Exception):
    """Something a person can mend; the message says what and where."""


class SpecRefused(TrainingError):
    """The build specification is not one this library can follow."""


class DataRefused(TrainingError):
    """A manifest, replay pool or hold-out is missing, changed, empty or malformed."""


class BaseMissing(TrainingError):
    """The base model cannot be loaded."""


class LossNotFinite(TrainingError):
    """Training diverged; nothing was written."""


class AdapterRefused(TrainingError):
    """An adapter folder is incomplete, changed, or holds what an adapter must not hold."""

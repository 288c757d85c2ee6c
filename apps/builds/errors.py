"""The ways in which a build can be refused."""

from apps.accounts import denials


class BuildRefused(Exception):
    """Base of the refusals of this app; its text is a sentence for the release manager."""


class NotAReleaseManager(denials.Denied, BuildRefused):
    """The role does not include starting builds."""


class NothingToBuild(BuildRefused):
    """No accepted contribution waits for a build."""


class TrainingFailed(BuildRefused):
    """The training run ended without an adapter; the text is its last sentence."""

"""The ways in which a rollout can be refused."""

from apps.accounts import denials


class RolloutRefused(Exception):
    """Base of the refusals of this app; its text is a sentence for the release manager."""


class NotAReleaseManager(denials.Denied, RolloutRefused):
    """The role does not include this step."""


class UnfitBuild(RolloutRefused):
    """The comparison refused the build, and nobody has overridden the verdict."""


class ChannelBusy(RolloutRefused):
    """Another rollout is under way on the channel."""


class UpstreamRefused(RolloutRefused):
    """The serving runtime could not load the version."""


class RequestRefused(RolloutRefused):
    """The runtime will not answer this request, whoever is asked: too long a prompt, say.

    `status` is what it said (a 4xx). It speaks of the request and not of the version.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class UnknownVersion(RolloutRefused):
    """No published version goes by this name or digest."""


class AllowanceSpent(RolloutRefused):
    """This visitor has asked as often as they may for now."""

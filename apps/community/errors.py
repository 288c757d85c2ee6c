"""The ways in which telling people can be refused."""


class CommunityRefused(Exception):
    """Base of the refusals of this app; its text is a sentence for the person."""


class BadEndpoint(CommunityRefused):
    """A webhook's address, or what it wants to hear, cannot be taken; the text names the mend."""

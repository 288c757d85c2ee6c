"""How the services can be refused."""


class ServiceRefused(Exception):
    """A service that cannot be started or stopped; the message says why and names the mend."""

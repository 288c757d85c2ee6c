"""The ways in which an account or a token can be refused."""

from apps.accounts import denials


class AccountRefused(Exception):
    """Base of the refusals of this app; its text is a sentence for the person."""


class NameTaken(AccountRefused):
    """Somebody already goes by this name."""


class NameReserved(AccountRefused):
    """The name belongs to the system's own actors."""


class BadToken(AccountRefused):
    """The token is unknown, mistyped, expired or revoked."""


class ScopeMissing(denials.Denied, AccountRefused):
    """The token does not carry the scope that this call needs."""


class NotAllowed(denials.Denied, AccountRefused):
    """The role does not include this action."""


class NotFresh(denials.Denied, AccountRefused):
    """The session's passkey or code was shown too long ago for this."""


class LastAdministrator(denials.Denied, AccountRefused):
    """Without this one nobody could appoint anybody."""


class TooManyTries(AccountRefused):
    """Too many wrong passwords or tokens, or new accounts; `seconds` until the next try."""

    def __init__(self, seconds: int, what: str = "too many tries failed") -> None:
        minutes = max(1, round(seconds / 60))
        plural = "s" if minutes > 1 else ""
        super().__init__(f"{what}; wait {minutes} minute{plural} and try again")
        self.seconds = seconds

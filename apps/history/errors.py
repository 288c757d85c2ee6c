"""The ways in which a move or a reading of the record can be refused."""


class MoveRefused(Exception):
    """The thing does not stand where the move starts, or may not go where it leads."""


class ChainBroken(Exception):
    """A recorded event does not carry the digest that its content and its predecessor give."""


class LeaseLost(Exception):
    """Another worker has taken this over; the results of the one before no longer count."""

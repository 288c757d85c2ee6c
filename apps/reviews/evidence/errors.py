"""What ends a measuring before its end."""


class Interrupted(Exception):
    """The worker is wanted elsewhere, or a PR has moved on; nothing is held against the PR."""

"""Freezes the week's accepted PRs in a manifest, has the adapter trained and compared, says what
each PR did.
"""

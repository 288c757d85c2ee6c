"""Argilla, the other desk: a skill's queue as a dataset there, its responses as voices here.

Off until ARGILLA_API_URL is set. What is decided, and by which rules, stays with
`reviews.actions`; this room carries items out and answers in. `docs/argilla.md` tells a team how.
"""

"""The handles under which people appear: one spelling each, and none of the system's own."""

from __future__ import annotations

import unicodedata

from django.utils.translation import gettext as _

from apps.accounts.errors import AccountRefused, NameReserved

# Names under which the system itself appears in the record.
RESERVED = frozenset(
    [
        "admin",
        "administrator",
        "anonymous",
        "anybody",
        "api",
        "builds",
        "checks",
        "everybody",
        "gates",
        "gathering",
        "history",
        "nobody",
        "openflywheel",
        "operator",
        "reviews",
        "rollouts",
        "root",
        "schedule",
        "security",
        "support",
        "system",
        "trust",
        "worker",
    ]
)


def proper(name: str) -> str:
    """The name as it is kept (NFKC, no space at its ends); a refusal says what to change."""
    kept = unicodedata.normalize("NFKC", name).strip()
    if kept.casefold() in RESERVED:
        said = _("“%(name)s” is a name of the system itself; choose another")
        raise NameReserved(said % {"name": kept})
    if "@" in kept:
        # Whoever may call himself by another's address would be asked for at sign-in.
        raise AccountRefused(_("a name holds no “@”; give your address as the e-mail instead"))
    return kept

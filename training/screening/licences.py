"""Whether the contribution may be used at all."""

from collections.abc import Collection, Iterator

from training.screening.found import Found

# SPDX identifiers under which rows may be trained on and given away again.
ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0",
        "CC-PDDC", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0",
        "ODC-By-1.0", "PDDL-1.0", "Unlicense",
    }
)  # fmt: skip


def find(licence: str | None, allowed: Collection[str] = ALLOWED) -> Iterator[Found]:
    """Flag a licence that is missing, unknown, or forbids what training needs."""
    if licence is None:
        return
    known = {name.casefold(): name for name in allowed}
    if licence.strip().casefold() in known:
        return
    stated = f"“{licence.strip()[:80]}”" if licence.strip() else "No licence"
    yield Found(
        "licence",
        "flag",
        (),
        f"{stated} is not among the licences this project can train on and publish under.",
        "Pick one of " + ", ".join(sorted(known.values())) + ", if the rows are yours to license.",
        {"licence": licence[:200]},
    )

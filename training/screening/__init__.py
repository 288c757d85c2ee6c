"""Screens that read contributed rows before any person does, without torch and without network."""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

from training.screening import (
    conflicts,
    contamination,
    duplicates,
    format,
    invisible,
    licences,
    noise,
    personal_data,
    poisoning,
    secrets,
)
from training.screening.found import SEVERITIES, Found, Row, Severity, worst
from training.screening.reference import Reference
from training.screening.sheet import Sheet

__all__ = ["SCREENS", "SEVERITIES", "Found", "Reference", "Row", "Severity", "screen", "worst"]

logger = logging.getLogger(__name__)

Screen: TypeAlias = Callable[[Sheet, Reference], Iterator[Found]]

SCREENS: dict[str, Screen] = {
    "format": format.find,
    "invisible": invisible.find,
    "personal data": personal_data.find,
    "secrets": secrets.find,
    "noise": noise.find,
    "duplicates": duplicates.find,
    "contamination": contamination.find,
    "conflicts": conflicts.find,
    "poisoning": poisoning.find,
}


def screen(
    rows: Iterable[Row],
    reference: Reference,
    *,
    licence: str | None = None,
    screens: dict[str, Screen] | None = None,
) -> list[Found]:
    """Every finding of every screen, gravest first.

    A screen that fails is itself a finding ("could not run", a flag), and the others still run.
    `licence` is checked when it is given (an SPDX identifier, or "" for none).
    """
    sheet = Sheet(rows)
    findings = _run("licence", partial(licences.find, licence))
    for name, find in (SCREENS if screens is None else screens).items():
        findings += _run(name, partial(find, sheet, reference))
    return sorted(findings, key=lambda found: -SEVERITIES.index(found.severity))


def _run(name: str, find: Callable[[], Iterator[Found]]) -> list[Found]:
    try:
        return list(find())
    except Exception as trouble:
        logger.exception("the %s screen could not run", name)
        return [
            Found(
                name,
                "flag",
                (),
                f"The {name} screen could not run on this contribution; a person decides.",
                "Nothing to mend on your side; a maintainer looks at it.",
                {"could_not_run": True, "error": type(trouble).__name__},
            )
        ]

"""Gather every string that a reader sees into the catalogues and compile them, or check them.

Babel reads Python and writes the files; Django's own reader turns templates into calls. GNU
gettext is not needed, neither here nor where the site runs: the compiled files are committed.
"""

from __future__ import annotations

import ast
import io
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

SOURCE = "en"
# The page of the design system is for those who build the site; it stays English.
LEFT_OUT = ("templates/pages/style.html", "apps/pages/stylebook.py")
KEYWORDS: dict[str, Any] = {
    "_": None,
    "_l": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
}
STRING = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\b(?:gettext|_)\(\s*({STRING})\s*\)|\bngettext\(\s*({STRING}),\s*({STRING}),")

Found = tuple[str, str | tuple[str, str]]


def strings() -> Catalog:
    """Every string of templates and Python that can be translated, with its files."""
    catalog = Catalog(project="OpenFlywheel", charset="utf-8")
    for place, words in sorted(found(), key=lambda each: each[0]):
        catalog.add(words, locations=[(place, 0)])
    for message in catalog:
        message.flags -= {"python-brace-format"}
    return catalog


def found() -> Iterator[Found]:
    """Each string with the file that it stands in."""
    root = Path(settings.BASE_DIR)
    for path in sorted([*root.glob("templates/**/*.html"), *root.glob("templates/**/*.txt")]):
        yield from _of_template(path.relative_to(root), path.read_text())
    for folder in ("apps", "platform/flywheel"):
        for path in sorted(root.glob(f"{folder}/**/*.py")):
            yield from _of_python(path.relative_to(root), path.read_bytes())


def _of_template(place: Path, text: str) -> Iterator[Found]:
    if place.as_posix() in LEFT_OUT:
        return
    for one, singular, plural in CALL.findall(templatize(text, origin=str(place))):
        message = (singular, plural) if plural else (one,)
        read = tuple(str(ast.literal_eval(part)) for part in message)
        yield place.as_posix(), (read[0], read[1]) if len(read) == 2 else read[0]


def _of_python(place: Path, text: bytes) -> Iterator[Found]:
    if place.as_posix() in LEFT_OUT:
        return
    for _line, message, _comments, _context in extract("python", io.BytesIO(text), KEYWORDS):
        whole = message if isinstance(message, str) else (message[0], message[1])
        if whole:
            yield place.as_posix(), whole


def po_of(code: str) -> Path:
    """The catalogue of a language."""
    folder = Path(settings.BASE_DIR) / "locale" / to_locale(code) / "LC_MESSAGES"
    return folder / "django.po"


def read(code: str) -> Catalog:
    """The catalogue as it lies there; an empty one where there is none yet."""
    path, locale = po_of(code), to_locale(code)
    if not path.exists():
        return Catalog(locale=locale, project="OpenFlywheel", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as the site reads it."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def faults(code: str, wanted: Catalog) -> Iterator[str]:
    """What is wrong with a catalogue, in sentences."""
    known, path = read(code), po_of(code)
    for message in wanted:
        if message.id:
            yield from _faults_of(code, message, known.get(message.id))
    stale = {m.id for m in known if m.id} - {m.id for m in wanted}
    if stale:
        one = min(map(str, stale))
        yield f"{code}: {len(stale)} strings are no longer on the site, such as {one!r}"
    made = path.with_suffix(".mo")
    if not made.exists() or made.read_bytes() != compiled(known):
        yield f"{code}: django.mo is not what django.po says"


def _faults_of(code: str, message: Any, translated: Any) -> Iterator[str]:
    if translated is None:
        yield f"{code} lacks {message.id!r}"
    elif translated.fuzzy:
        yield f"{code} has a fuzzy {message.id!r}"
    elif not all(_forms(translated)):
        yield f"{code} has no words for {message.id!r}"
    elif not all(_holes(form) in _allowed(message.id) for form in _forms(translated)):
        yield f"{code} has other placeholders in {message.id!r}"


def _forms(message: Any) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def _allowed(words: str | tuple[str, ...]) -> list[list[str]]:
    """The placeholders of each form: “the row” may stand beside “%(n)s rows”."""
    return [_holes(form) for form in ((words,) if isinstance(words, str) else words)]


def _holes(text: str) -> list[str]:
    """The placeholders of a string: `%(name)s`, `%s`, `%d`."""
    return sorted(re.findall(r"%(?:\(\w+\))?[sd]", text.replace("%%", "")))


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = strings()
        codes = [code for code, _name in settings.LANGUAGES if code != SOURCE]
        if not options["check"]:
            for code in codes:
                self._write(code, wanted)
        wrong = [fault for code in codes for fault in faults(code, wanted)]
        if wrong:
            raise CommandError("\n".join(wrong[:40]) + "\nRun `make messages`, then translate.")
        self.stdout.write(f"{len(wanted)} strings in {', '.join(codes)}")

    def _write(self, code: str, wanted: Catalog) -> None:
        catalog, path = read(code), po_of(code)
        catalog.update(wanted, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.fuzzy = False
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=100, omit_header=False, ignore_obsolete=True)
        path.with_suffix(".mo").write_bytes(compiled(read(code)))

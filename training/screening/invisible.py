"""Signs that a reviewer does not see, or that make text look like other text."""

import re
import unicodedata
from collections.abc import Iterator

from training.screening.found import Found, naming
from training.screening.reference import Reference
from training.screening.sheet import Sheet

# Unicode TR 36 and 39: bidi controls reorder what is read; the rest takes no room on the screen.
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ZERO_WIDTH = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u2060-\u2064\u206a-\u206f"
_REST = "\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
_CONTROL = "\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
HIDDEN = re.compile(f"[{_BIDI}{_ZERO_WIDTH}{_REST}{_CONTROL}]")

# Joiners shape emoji and several scripts; they hide something only between Latin letters.
_STRAY_JOINER = re.compile("(?<=[A-Za-z0-9])[\u200c\u200d]|[\u200c\u200d](?=[A-Za-z0-9])")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LOOKALIKE = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
# Letters of other alphabets that are drawn as Latin ones (Unicode TR 39, the commonest).
_TWINS = frozenset("асԁеһіјӏорԛѕԝхуАВСЕНІЈКМОРЅТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαν")
_ANY_HIDDEN = re.compile(f"{HIDDEN.pattern}|{_STRAY_JOINER.pattern}")


def find(sheet: Sheet, reference: Reference) -> Iterator[Found]:
    """Flag invisible and reordering signs, and words that mix look-alike alphabets."""
    hidden: dict[int, str] = {}
    mixed: dict[int, str] = {}
    for row, _, text in sheet.fields():
        if text.isascii() and text.isprintable():
            continue
        if HIDDEN.search(text) or _STRAY_JOINER.search(text):
            hidden.setdefault(row, shown(text))
        if not text.isascii() and (word := mixed_word(text)):
            mixed.setdefault(row, word)
    if hidden:
        rows = tuple(hidden)
        yield Found(
            "invisible",
            "flag",
            rows,
            f"{naming(rows).capitalize()}: there are signs that nobody sees, "
            f"such as in “{next(iter(hidden.values()))}”.",
            "Remove the invisible signs; they are shown in angle brackets.",
            {"shown": {str(row): text for row, text in hidden.items()}},
        )
    if mixed:
        rows = tuple(mixed)
        yield Found(
            "invisible",
            "flag",
            rows,
            f"{naming(rows).capitalize()}: “{next(iter(mixed.values()))}” mixes letters of "
            "different alphabets that look alike.",
            "Type the word anew in one alphabet.",
            {"words": {str(row): word for row, word in mixed.items()}},
        )


def shown(text: str, around: int = 24) -> str:
    """The surroundings of the first hidden sign, with each of them as its code: "a⟨U+200B⟩b"."""
    first = HIDDEN.search(text) or _STRAY_JOINER.search(text)
    at = first.start() if first else 0
    cut = text[max(0, at - around) : at + around]
    named = HIDDEN.sub(lambda hit: f"⟨U+{ord(hit[0]):04X}⟩", cut)
    return _STRAY_JOINER.sub(lambda hit: f"⟨U+{ord(hit[0]):04X}⟩", named)


def mixed_word(text: str) -> str | None:
    """The first word that mixes Latin letters with look-alikes from another alphabet."""
    for match in _WORD.finditer(text):
        word = match[0]
        if word.isascii():
            continue
        scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in word}
        if "LATIN" in scripts and scripts.intersection(_LOOKALIKE):
            return word
    return None


def parts(text: str) -> Iterator[tuple[str, str]]:
    """The text cut into ("text" | "hidden" | "lookalike", part); joined, the parts are the text.

    For readers, who look twice: it marks whole words of foreign twins and of dressed-up letters
    (𝐩𝐚𝐲) in a Latin text as well, which honest writing has too often for a screen.
    """
    if text.isascii() and not HIDDEN.search(text):
        yield "text", text
        return
    latin = any(letter.isascii() and letter.isalpha() for letter in text)
    found = [(hit.start(), hit.end(), "hidden") for hit in _ANY_HIDDEN.finditer(text)]
    words = [hit for hit in _WORD.finditer(text) if _deceives(hit[0], latin)]
    found += [(hit.start(), hit.end(), "lookalike") for hit in words]
    at = 0
    for start, end, kind in sorted(found):
        # A hidden sign inside a word has cut the word already.
        if start < at:
            continue
        if text[at:start]:
            yield "text", text[at:start]
        yield kind, text[start:end]
        at = end
    if text[at:]:
        yield "text", text[at:]


def _deceives(word: str, latin: bool) -> bool:
    if word.isascii():
        return False
    plain = unicodedata.normalize("NFKC", word)
    dressed = plain != word and plain.isascii()
    twins = latin and all(letter in _TWINS for letter in word)
    return dressed or twins or mixed_word(word) is not None

"""Markdown as people write it here: who is named in it (`@name`), and which PR (`#123`).

The pages render with this reader and `discussion.actions` looks for names with it, so that what
is linked is exactly what is told to the people named. Code and links stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

# CommonMark without raw HTML; a line break stays one, as people expect of a comment.
READER = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).disable(
    "image"
)
# A name begins and ends with a letter or a digit: the full stop after it is the sentence's.
NAME = re.compile(r"(?<![\w@./-])@(\w(?:[\w.+-]{0,148}\w)?)(?![\w@])")
NUMBER = re.compile(r"(?<![\w#&/])#([1-9][0-9]{0,9})(?!\w)")
TASK = re.compile(r"\[([ xX])\]\s+(?=\S)")
MOST_MENTIONS = 20


class Piece(NamedTuple):
    """A run of plain text: `kind` is text, name or number; `word` what stands there."""

    kind: str
    word: str


def pieces(text: str) -> Iterator[Piece]:
    """Plain text cut at names and numbers; joined again it is the text."""
    at = 0
    found = [*NAME.finditer(text), *NUMBER.finditer(text)]
    for match in sorted(found, key=lambda match: match.start()):
        if match.start() < at:
            continue
        if match.start() > at:
            yield Piece("text", text[at : match.start()])
        yield Piece("name" if match.re is NAME else "number", match.group())
        at = match.end()
    if at < len(text):
        yield Piece("text", text[at:])


def plain_runs(tokens: list[Token]) -> Iterator[Token]:
    """The tokens of plain text, outside code and links."""
    for token in tokens:
        inside = 0
        for child in token.children or []:
            inside += {"link_open": 1, "link_close": -1}.get(child.type, 0)
            if child.type == "text" and not inside:
                yield child


def names_in(text: str) -> list[str]:
    """Who is named, each once, in the order of the text, without the sign; at most twenty."""
    found = (piece for run in plain_runs(READER.parse(text)) for piece in pieces(run.content))
    named = dict.fromkeys(piece.word[1:] for piece in found if piece.kind == "name")
    return list(named)[:MOST_MENTIONS]


def tasks_in(text: str) -> tuple[int, int]:
    """How many tasks of a list are done, and how many there are."""
    marks = [match.group(1) for _, match in tasks_of(READER.parse(text))]
    return sum(mark in "xX" for mark in marks), len(marks)


def tasks_of(tokens: list[Token]) -> Iterator[tuple[Token, re.Match[str]]]:
    """The items of lists that begin with a box: their inline token and the match of the box."""
    for item, _, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if item.type == "list_item_open" and inline.type == "inline":
            match = TASK.match(inline.content)
            if match:
                yield inline, match

"""What people write, as Markdown: emphasis, lists, links, code and quotes; no pictures, no HTML."""

from collections.abc import Collection
from urllib.parse import urlencode

import nh3
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it.token import Token

from apps.contributions.discussion.reading import READER, pieces, plain_runs, tasks_of

TAGS = {
    "p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr",
    "h1", "h2", "h3", "h4", "h5", "h6", "input",
}  # fmt: skip
# A box of a list of tasks, which only this module makes: raw HTML is not read.
BOX = {"type", "disabled", "checked", "aria-label"}
# A page has one first heading, and that is not in a comment.
LOWERED = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}


def render(text: str, names: Collection[str] = ()) -> SafeString:
    """Markdown as safe HTML; whatever is not in `TAGS` is shown as text or left out.

    `#12` leads to that PR, `@name` to what that account offered, if it is among `names`.
    """
    tokens = READER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = LOWERED.get(token.tag, token.tag)
    for inline, box in list(tasks_of(tokens)):
        _tick(inline, done=box.group(1) in "xX")
    _link(tokens, set(names))
    drawn = READER.renderer.render(tokens, READER.options, {})
    clean = nh3.clean(
        drawn,
        tags=TAGS,
        attributes={"a": {"href", "title"}, "input": BOX},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc noopener noreferrer",
    )
    return mark_safe(clean)  # noqa: S308


def _tick(inline: Token, *, done: bool) -> None:
    """Put a box in the place of `[x]` at the beginning of an item."""
    children = inline.children or []
    if not children or children[0].type != "text" or "]" not in children[0].content:
        return
    children[0].content = children[0].content.split("]", 1)[1].lstrip()
    said = _("done") if done else _("to do")
    attrs: dict[str, str | int | float] = {"type": "checkbox", "disabled": "", "aria-label": said}
    box = Token("html_box", "input", 0, attrs=attrs | ({"checked": ""} if done else {}))
    space = Token("text", "", 0, content=" ")
    inline.children = [box, space, *children]


def _link(tokens: list[Token], names: set[str]) -> None:
    """Make links of the names and numbers in plain text."""
    plain = {id(run) for run in plain_runs(tokens)}
    for token in tokens:
        children: list[Token] = []
        for child in token.children or []:
            children += _linked(child, names) if id(child) in plain else [child]
        token.children = children if token.children is not None else None


def _linked(run: Token, names: set[str]) -> list[Token]:
    made: list[Token] = []
    for piece in pieces(run.content):
        text = Token("text", "", 0, content=piece.word)
        address = _address(piece.kind, piece.word[1:], names)
        if address:
            opened = Token("link_open", "a", 1, attrs={"href": address})
            made += [opened, text, Token("link_close", "a", -1)]
        else:
            made.append(text)
    return made


def _address(kind: str, word: str, names: set[str]) -> str:
    if kind == "number":
        return reverse("pages:contribution", args=[int(word)])
    if kind == "name" and word in names:
        return f"{reverse('pages:contributions')}?{urlencode({'q': f'author:{word}'})}"
    return ""

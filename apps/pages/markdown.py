"""What people write, as Markdown: emphasis, lists, links, code and quotes; no pictures, no HTML."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# CommonMark without raw HTML; a line break stays one, as people expect of a comment.
READER = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).disable(
    "image"
)
TAGS = {
    "p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr",
    "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
# A page has one first heading, and that is not in a comment.
LOWERED = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}


def render(text: str) -> SafeString:
    """Markdown as safe HTML; whatever is not in `TAGS` is shown as text or left out."""
    tokens = READER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = LOWERED.get(token.tag, token.tag)
    drawn = READER.renderer.render(tokens, READER.options, {})
    clean = nh3.clean(
        drawn,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc noopener noreferrer",
    )
    return mark_safe(clean)  # noqa: S308

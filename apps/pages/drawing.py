"""Plots as inline SVG: drawn by Vega-Lite, coloured by the site's own tokens.

Vega-Lite writes colours into the drawing. The specs here name inks by a stand-in colour, and
`ink` turns each into a class, so that the stylesheet decides and dark mode works. The drawing
carries no style attribute, no script and no fixed colour, which a strict CSP asks for. Every plot
is drawn twice, for a wide and a narrow screen, and comes with its numbers as a table.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from xml.etree import ElementTree

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

INKS = (
    "ink",
    "soft",
    "grid",
    "surface",
    "before",
    "after",
    "band",
    "margin",
    "second",
    "third",
    "fourth",
)
COLOUR = {name: f"#ab{n:02d}cd" for n, name in enumerate(INKS)}
NAME = {colour: name for name, colour in COLOUR.items()}


PLAIN = {"none", "transparent", "currentColor"}
WIDE, NARROW = 760, 340
SVG = "{http://www.w3.org/2000/svg}"
# What a screen reader gets is the title, the description and the table; not each mark.
SPOKEN = {"role", "aria-roledescription", "aria-label", "aria-hidden", "pointer-events"}


class Entry(NamedTuple):
    """A line of the legend: a drawing of the mark, and what it stands for."""

    drawing: SafeString
    word: str


@dataclass(frozen=True)
class Plot:
    """A plot for both widths of screen, its legend, one sentence, and the same numbers."""

    title: str
    says: str
    wide: SafeString
    narrow: SafeString
    legend: tuple[Entry, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def plot(
    title: str,
    says: str,
    values: list[dict[str, Any]],
    layers: list[dict[str, Any]],
    *,
    height: Any,
    legend: Sequence[Entry],
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> Plot:
    """A plot of these layers over `values`; `height(width)` says how high it is, in pixels."""
    drawings = {
        name: draw(
            json.dumps(_spec(values, layers, width, height(width)), sort_keys=True),
            title,
            says,
            name,
        )
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    }
    return Plot(
        title, says, drawings["wide"], drawings["narrow"], tuple(legend), columns, tuple(rows)
    )


def _spec(
    values: list[dict[str, Any]], layers: list[dict[str, Any]], width: int, height: int
) -> dict[str, Any]:
    text = {"labelColor": COLOUR["soft"], "titleColor": COLOUR["soft"]}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 28 if width == WIDE else 12, "right": 10, "top": 6, "bottom": 6},
        "background": None,
        "data": {"values": values},
        "layer": layers,
        "config": {
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {
                **text,
                "labelFontSize": 12.5,
                "titleFontSize": 12.5,
                "titleFontWeight": "normal",
                "gridColor": COLOUR["grid"],
                "domain": False,
                "ticks": False,
                "labelPadding": 8,
                "titlePadding": 10,
                "labelLimit": 230 if width == WIDE else 120,
            },
            "axisX": {"tickCount": 5},
        },
    }


@lru_cache(maxsize=256)
def draw(spec: str, title: str, says: str, width: str) -> SafeString:
    """The SVG of a Vega-Lite spec (JSON), ready to stand in a page."""
    import vl_convert

    # Our own renderer's drawing of our own spec, not something that came in.
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec))  # noqa: S314
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        ink(element)
    name = "plot-" + hashlib.sha256(f"{spec}{width}".encode()).hexdigest()[:12]
    size = root.get("viewBox", "0 0 1 1")
    root.attrib.clear()
    root.attrib.update(
        {
            "class": f"plot plot-{width}",
            "viewBox": size,
            "role": "img",
            "aria-labelledby": f"{name} {name}-says",
        }
    )
    for tag, text, key in (("desc", says, f"{name}-says"), ("title", title, name)):
        child = ElementTree.Element(tag, {"id": key})
        child.text = text
        root.insert(0, child)
    # ElementTree has escaped every text in it.
    return mark_safe(ElementTree.tostring(root, encoding="unicode"))  # noqa: S308


def ink(element: ElementTree.Element) -> None:
    """Turn the stand-in colours of one element into classes; any other colour is refused."""
    classes = []
    for paint in ("fill", "stroke"):
        colour = element.get(paint)
        if colour is None or colour in PLAIN:
            continue
        if colour not in NAME:
            raise ValueError(
                f"A plot uses the fixed colour {colour}; name one of {', '.join(INKS)}."
            )
        classes.append(f"{paint[0]}-{NAME[colour]}")
        del element.attrib[paint]
    for attribute in SPOKEN | {"style", "font-family", "class"}:
        element.attrib.pop(attribute, None)
    if classes:
        element.set("class", " ".join(classes))


def entry(colour: str, word: str, kind: str, dash: Sequence[int] = ()) -> Entry:
    """A line of the legend: dot, diamond, bar, tick or line, in one of the inks."""
    shapes = {
        "dot": '<circle class="f-{0}" cx="12" cy="6" r="4"/>',
        "diamond": '<path class="f-{0}" d="M12 0l5 6-5 6-5-6z"/>',
        "bar": '<rect class="f-{0}" x="1" y="1" width="22" height="10" rx="3"/>',
        "tick": '<path class="s-{0}" stroke-width="2" d="M12 0v12"/>',
        "line": '<path class="s-{0}" stroke-width="2" stroke-dasharray="{1}" d="M0 6h24"/>',
    }
    drawing = format_html(shapes[kind], colour, " ".join(map(str, dash)) or "none")
    return Entry(format_html('<svg viewBox="0 0 24 12" aria-hidden="true">{}</svg>', drawing), word)

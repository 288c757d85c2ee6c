"""The colours hold their contrast in both schemes, and only tokens.css names a colour."""

import re
from itertools import product
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "static" / "css"
SURFACES = ("paper", "surface")
TONES = ("quiet", "info", "good", "warn", "bad", "work", "accent")

TEXT = [
    *product(("ink", "ink-soft", "ink-faint", "accent", "accent-strong", "bad"), SURFACES),
    *product(("ink", "ink-soft", "ink-faint"), ("sunken",)),
    *((tone, f"{tone}-soft") for tone in TONES),
    *(("ink", f"{tone}-soft") for tone in TONES),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
]
DRAWN = [
    *product(("line-strong", "focus", "accent"), SURFACES),
    *product(
        (
            "plot-before",
            "plot-after",
            "plot-margin",
            "plot-second",
            "plot-third",
            "plot-fourth",
        ),
        ("surface",),
    ),
]


def scheme(name: str) -> dict[str, str]:
    light, dark = (CSS / "tokens.css").read_text().split("@media (prefers-color-scheme: dark)")
    named = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    return named if name == "light" else named | dict(re.findall(r"--([\w-]+): (#\w{6});", dark))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_text_stands_out_from_what_it_is_set_on(name: str) -> None:
    colours = scheme(name)

    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in TEXT}

    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_edge_focus_ring_and_mark_of_a_plot_can_be_seen(name: str) -> None:
    colours = scheme(name)

    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in DRAWN}

    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}


def test_only_the_tokens_name_colours() -> None:
    named = {
        path.name: re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", path.read_text())
        for path in CSS.glob("*.css")
        if path.name != "tokens.css"
    }

    assert {name: found for name, found in named.items() if found} == {}


def test_every_token_that_is_used_exists() -> None:
    known = set(re.findall(r"--([\w-]+):", "".join(p.read_text() for p in CSS.glob("*.css"))))
    used = set(re.findall(r"var\(--([\w-]+)", "".join(p.read_text() for p in CSS.glob("*.css"))))

    assert used - known == set()

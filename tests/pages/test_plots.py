"""Plots stand in a page under a strict policy, in both schemes, with their numbers beside them."""

import re
from datetime import date
from xml.etree import ElementTree

import pytest

from apps.pages import plots
from apps.pages.drawing import ink

SKILLS = [
    plots.Skill("date_short", 0, 97, 93, 99, cases=200),
    plots.Skill("refuse <&>", 99, 92, -11, -3.5, protected=True, margin=2, cases=200),
]


def every_plot() -> list[plots.Plot]:
    readings = [plots.Reading(10 * n, "overall is worse", 0.1 * n, "shadow", n) for n in (1, 2, 4)]
    return [
        plots.comparison(SKILLS),
        plots.evidence_over_looks(readings, [(1, "shadow")]),
        plots.weeks([plots.Week(date(2026, 8, 3), 5, 3, 1)]),
    ]


@pytest.mark.parametrize("plot", every_plot(), ids=lambda plot: plot.title)
def test_no_plot_carries_a_style_a_script_or_a_colour_of_its_own(plot: plots.Plot) -> None:
    drawings = f"{plot.wide}{plot.narrow}{''.join(entry.drawing for entry in plot.legend)}"

    assert re.findall(r"style|script|#[0-9a-fA-F]{3,8}|rgb|font-family|href", drawings) == []


@pytest.mark.parametrize("plot", every_plot(), ids=lambda plot: plot.title)
def test_a_plot_is_one_picture_with_a_title_and_a_sentence(plot: plots.Plot) -> None:
    for drawing in (plot.wide, plot.narrow):
        root = ElementTree.fromstring(drawing)
        title, desc = root[0], root[1]

        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        assert (title.text, desc.text) == (plot.title, plot.says)
        assert root.findall(".//*[@role]") == []


def test_the_two_widths_do_not_share_an_id() -> None:
    plot = plots.comparison(SKILLS)

    ids = re.findall(r' id="([^"]+)"', plot.wide + plot.narrow)

    assert len(ids) == len(set(ids)) == 4


def test_the_table_holds_every_number_of_the_comparison() -> None:
    plot = plots.comparison(SKILLS)

    assert plot.rows == (
        ("date_short", 0, 97, "+97.0", "+93.0", "+99.0", None, 200),
        ("refuse <&>", 99, 92, "−7.0", "−11.0", "−3.5", 2, 200),
    )


def test_a_fixed_colour_in_a_drawing_is_refused() -> None:
    with pytest.raises(ValueError, match="fixed colour #ff0000"):
        ink(ElementTree.Element("path", {"fill": "#ff0000"}))

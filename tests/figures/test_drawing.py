"""A figure as a file and as a part of a page: the same bytes each time, and nothing that a page must not have."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from bpcli.figures.drawing import SUFFIXES, drawn, svg
from bpcli.figures.figure import (
    Axis,
    Band,
    Bars,
    Cells,
    Figure,
    Histogram,
    Line,
    Panel,
    Points,
    Reference,
    Regions,
)
from bpcli.figures.inline_svg import INK
from bpcli.figures.palette import MUTED, PALETTE

HOSTILE = "</script><b>$x_1$ & \u202eevil\u2028"

X = np.arange(5.0)
GAP = np.array([1.0, np.nan, 3.0, np.inf, 2.0])


def every_mark(name: str = "name") -> Figure:
    """A figure with each mark, gaps and names of any kind."""
    axis = Axis(name, log=True, limits=(0.1, 10))
    lines = (Line(X, GAP, f"_{name}", 9), Band(X, X, X + 1, name), Points(X, GAP, name, strong=True))
    classes = (X[:, None] > X).astype(int)
    values = X[:, None] + GAP
    return Figure(
        name,
        (
            Panel((*lines, Points(X, X, name), Reference(X, X, name)), name, Axis(name, whole=True), axis),
            Panel((Bars((name, name), X[:2], X[:2] - 1, X[:2] + 1),)),
            Panel((Cells(values, (name,) * 5, (name,) * 5, numbered=True),)),
            Panel((Cells(np.resize(values - 3, (50, 60)), signed=True, numbered=True),)),
            Panel((Histogram(np.arange(6.0), X, name), Regions(X, X, classes, (name, "other"))), square=True),
        ),
        (name,),
        across=3,
    )


FIGURE = every_mark()

SMALL = replace(FIGURE, panels=(FIGURE.panels[0], FIGURE.panels[-1]))

once = cache(drawn)


@pytest.mark.parametrize("form", SUFFIXES.values())
def test_a_figure_gives_the_same_bytes_whatever_the_settings(form: str) -> None:
    import matplotlib as mpl

    first = once(SMALL, form)
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "pdf.fonttype": 3}):
        assert drawn(SMALL, form) == first
        assert mpl.rcParams["lines.linewidth"] == 9
    assert not re.search(rb"20\d\d-\d\d-\d\d|CreationDate|[Mm]atplotlib v", first)


def test_a_pdf_has_its_fonts_as_truetype() -> None:
    data = once(SMALL, "pdf")
    assert b"/TrueType" in data or b"/CIDFontType2" in data
    assert b"/Type3" not in data


@cache
def hostile() -> str:
    """A part of a page with names that would be markup, a formula or the end of a line."""
    return svg(every_mark(HOSTILE))


def test_a_part_of_a_page_passes_a_strict_policy() -> None:
    figures = [svg(FIGURE), hostile()]
    ids = [name for text in figures for name in re.findall(r'\bid="([^"]*)"', text)]
    assert len(set(ids)) == len(ids) > 20
    for text in figures:
        root = ET.fromstring(text)
        assert {"style", "script", "text"} & {element.tag.rpartition("}")[2] for element in root.iter()} == set()
        assert not any(key == "style" or key.startswith("on") for element in root.iter() for key in element.attrib)
        assert INK not in text
        assert "currentColor" in text
        used = re.findall(r'(?:href="#|url\(#)([^")]*)', text)
        assert set(used) <= {*ids}
        assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_a_part_of_a_page_says_in_words_what_it_shows() -> None:
    text = hostile()
    said = ET.fromstring(text)
    shown = "</script><b>$x_1$ & \\u202eevil\\u2028"
    assert [element.text for element in said if element.tag.endswith(("title", "desc"))] == [
        shown,
        f"{shown} Not drawn, for beyond ±1e+250: 2 numbers.",
    ]
    assert "<b>" not in text


def test_every_colour_can_be_seen_on_a_light_and_on_a_dark_page() -> None:
    def luminance(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    def contrast(one: str, other: str) -> float:
        low, high = sorted(map(luminance, (one, other)))
        return (high + 0.05) / (low + 0.05)

    for colour in (*(each.colour for each in PALETTE), MUTED):
        assert min(contrast(colour, "#ffffff"), contrast(colour, "#16181d")) >= 3


def test_series_differ_without_colour() -> None:
    for what in ("dashes", "marker", "character", "colour"):
        assert len({getattr(each, what) for each in PALETTE}) == len(PALETTE)

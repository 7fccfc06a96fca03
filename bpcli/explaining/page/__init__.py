"""The page on which backpropagation can be touched: one HTML file that computes an update by the formulas it shows.

bp's formulas are written once, in markup. Evaluated on recorded numbers (:mod:`bpcli.explaining.recording`) they
become operations on a tape, and a few lines of JavaScript compute the tape: every notation's numbers follow from the
very equations that are shown, and no formula is written for the browser.

Read ``inputs``, what can be changed; ``programs``, a document's steps on the tape, and ``engine``, bp's own quantities
on it; ``variants``; ``symbols``, which step a symbol stands for; ``contents``, all of it as data; then the scripts in
``browser/``: ``tape.js`` and ``state.js`` compute, the others show.
"""

from __future__ import annotations

from importlib.resources import files

from bpcli.explaining.explained import Explanation
from bpcli.explaining.page import contents
from bpcli.web import WebPage

SCRIPTS = (
    "tape.js",
    "state.js",
    "writing.js",
    "arithmetic.js",
    "drawing.js",
    "inspector.js",
    "equations.js",
    "region.js",
    "training.js",
    "slips.js",
    "exercises.js",
    "main.js",
)
"""In the order of their use; together they are one module."""


def render(explained: Explanation) -> str:
    """The page of an explanation's first update, a whole HTML file.

    Raises:
        ConfigError: the network or its update is none that the page shows.
    """
    return WebPage(
        title="Backpropagation, to touch",
        body=_part("page.html"),
        styles=[_part("page.css")],
        scripts=["\n".join(map(_part, SCRIPTS))],
        data=[("contents", contents.contents(explained))],
    ).html()


def _part(name: str) -> str:
    return (files(__name__) / "browser" / name).read_text(encoding="utf-8")

"""A figure drawn by Matplotlib: as the bytes of a file, or as an SVG that stands inside of a page.

The same figure gives the same bytes: no date, ids from the content, the settings Matplotlib's own
whatever a user has in a matplotlibrc. Text is drawn as outlines in SVG, and embedded as TrueType in PDF.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Any

from bpcli.errors import printable
from bpcli.figures.artists import draw
from bpcli.figures.drawable import drawable, notes_of
from bpcli.figures.figure import Bars, Cells, Figure, Mark, Panel, Regions
from bpcli.figures.inline_svg import INK, inlined
from bpcli.figures.libraries import drawing_library
from bpcli.figures.words import shortened
from bpcli.lines.breaking import wrapped

PANEL_WIDTH, PANEL_HEIGHT, TITLE_HEIGHT, NOTE_HEIGHT = 3.8, 2.9, 0.45, 0.16
"""Inches."""

ROW_HEIGHT, MOST_ROWS_HEIGHT = 0.24, 7.5
"""Inches of a bar or of a row with a name, and of all of them."""

TITLE_LENGTH = 90
"""Characters of a figure's title."""

FONTS = ["DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "PingFang SC"]
"""Matplotlib's own font, and others, where they are installed, for characters that it lacks."""

NOTE_LENGTH = 16
"""Characters of a line of notes for each inch."""

AXIS_LENGTH = 36
"""Characters of an axis' label."""

SETTINGS: Mapping[str, Any] = {
    "axes.edgecolor": INK,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "figure.titlesize": 11,
    "font.family": FONTS,
    "font.size": 9,
    "hatch.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "pdf.fonttype": 42,
    "savefig.dpi": 150,
    "svg.fonttype": "path",
    "svg.hashsalt": "bp",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "xtick.labelsize": 8,
    "ytick.color": INK,
    "ytick.labelsize": 8,
}

METADATA: Mapping[str, Mapping[str, None]] = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
    "png": dict.fromkeys(("Software",)),
}
"""What each format would say of the time and the program, left out."""

SUFFIXES: dict[str, str] = {f".{name}": name for name in METADATA}
"""The formats of files by their suffixes."""


def drawn(figure: Figure, form: str) -> bytes:
    """The bytes of a file with the figure and its notes, on white; ``form`` is one of the values of :data:`SUFFIXES`.

    Raises:
        ConfigError: Matplotlib is not installed.
    """
    return _saved(figure, form, notes_of(figure), facecolor="white")


def svg(figure: Figure) -> str:
    """The figure as an ``svg`` element for a page, light or dark: transparent, its words in the page's colour.

    It has neither style attributes nor scripts, and ids that no other figure has; its title and its notes are
    there for those who do not see it.

    Raises:
        ConfigError: Matplotlib is not installed.
    """
    return inlined(_saved(figure, "svg", (), transparent=True), figure.title, notes_of(figure))


def _saved(figure: Figure, form: str, notes: Sequence[str], **look: Any) -> bytes:
    library = drawing_library()
    data = io.BytesIO()
    with _own_settings(library):
        whole = library.figure.Figure(figsize=_size(figure), layout="constrained")
        _fill(whole, figure)
        _write_below(whole, notes)
        whole.savefig(data, format=form, metadata=METADATA[form], **look)
    return data.getvalue()


@contextmanager
def _own_settings(library: Any) -> Iterator[None]:
    """Matplotlib with its own settings and ours; what it warns of is of no use here."""
    with library.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library.rcdefaults()
        library.rcParams.update(SETTINGS)
        yield


def _size(figure: Figure) -> tuple[float, float]:
    """The width and height of the whole, in inches."""
    across = min(figure.across, len(figure.panels))
    rows = ceil(len(figure.panels) / across)
    width = PANEL_WIDTH * max(across, 1.6)
    return width, TITLE_HEIGHT + rows * max(map(_panel_height, figure.panels))


def _panel_height(panel: Panel) -> float:
    """The height of a panel, in inches: higher where many rows have names."""
    rows = max(map(_named_rows, panel.marks), default=0)
    return max(PANEL_HEIGHT, min(rows * ROW_HEIGHT + 1, MOST_ROWS_HEIGHT))


def _named_rows(mark: Mark) -> int:
    if isinstance(mark, Bars):
        return len(mark.names)
    return len(mark.rows) if isinstance(mark, Cells) else 0


def _fill(whole: Any, figure: Figure) -> None:
    """Draw every panel into Matplotlib's figure."""
    whole.suptitle(shortened(figure.title, TITLE_LENGTH), x=0.01, ha="left", fontweight="bold")
    across = min(figure.across, len(figure.panels))
    for place, panel in enumerate(figure.panels, 1):
        axes = whole.add_subplot(ceil(len(figure.panels) / across), across, place)
        _draw_panel(axes, drawable(panel))


def _write_below(whole: Any, notes: Sequence[str]) -> None:
    """Write the notes at the bottom, and make room for them."""
    width, height = whole.get_size_inches()
    lines = [line for note in notes for line in wrapped(printable(note), int(NOTE_LENGTH * width))]
    if lines:
        text = "\n".join(shortened(line, int(NOTE_LENGTH * width)) for line in lines)
        whole.set_size_inches(width, height + NOTE_HEIGHT * len(lines))
        whole.supxlabel(text, x=0.01, ha="left", fontsize=7.5)


def _draw_panel(axes: Any, panel: Panel) -> None:
    """Draw the marks of a panel, its axes and its legend."""
    axes.set_title(shortened(panel.title, TITLE_LENGTH), loc="left")
    for name, axis in (("x", panel.x), ("y", panel.y)):
        axes.set(
            **{f"{name}label": shortened(axis.label, AXIS_LENGTH), f"{name}scale": "log" if axis.log else "linear"}
        )
        if axis.log:
            getattr(axes, f"{name}axis").set_major_formatter("{x:g}")
        if axis.whole:
            getattr(axes, f"{name}axis").get_major_locator().set_params(integer=True)
    named = [entry for number, mark in enumerate(panel.marks) for entry in draw(axes, mark, number)]
    for name, axis in (("x", panel.x), ("y", panel.y)):
        if axis.limits is not None:
            axes.set(**{f"{name}lim": axis.limits})
    if panel.square:
        axes.set_box_aspect(1)
    if named:
        handles, names = zip(*named, strict=True)
        filled = any(isinstance(mark, Regions) for mark in panel.marks)
        beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if filled else {}
        axes.legend(handles, names, **beside)

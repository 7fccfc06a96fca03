"""Learning curves of a training that is going on, as text that is drawn again now and then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

from bpcli.figures.kinds.curves import curve_panel
from bpcli.figures.libraries import terminal_library
from bpcli.figures.terminal.chart import chart_lines
from bpcli.figures.terminal.frame import HEIGHT
from bpcli.runs.comparison import RecordedRun

SHARE = 0.02
"""The share of a training's time that drawing may take."""

LEAST_HEIGHT = 8
"""Fewer lines show no curve."""


class LiveCurves:
    """The curves of the loss; ``earlier`` are the epochs before, of a training that is resumed.

    Raises:
        ConfigError: plotext is not installed.
    """

    def __init__(self, earlier: list[dict[str, float]]) -> None:
        terminal_library()
        self._epochs = earlier
        self._kept, self._text, self._next = 0, "", 0.0

    def add(self, epoch: int, kept: int, values: Mapping[str, float]) -> None:
        """Add what was measured of an epoch; ``kept`` is the epoch that is kept by now."""
        self._epochs.append({"epoch": float(epoch), **values})
        self._kept = kept

    def text(self, width: int, height: int, *, is_last: bool) -> str:
        """The curves within so many characters and lines; as before, where drawing again would take too long.

        Nothing before the first epoch, and where there is no room.
        """
        began = perf_counter()
        if not self._epochs or height < LEAST_HEIGHT:
            return ""
        if began >= self._next or is_last:
            run = RecordedRun(Path(), {"kept": {"epoch": self._kept}, "ended": None}, {}, self._epochs)
            self._text = "\n".join(chart_lines(curve_panel({"": [run]}, "loss"), width, min(height - 2, HEIGHT)))
            ended = perf_counter()
            self._next = ended + (ended - began) / SHARE
        return self._text

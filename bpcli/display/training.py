"""The progress of a training: a bar on a terminal that can move its cursor, plain lines elsewhere."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from bpcli.display.bar import Bar, Pieces, bar_on_terminal, room_below
from bpcli.display.messages import say, short_number
from bpcli.lines.cells import cells
from bpcli.training.loop import Epoch, Stopped, TrainingEvent

if TYPE_CHECKING:
    from bpcli.figures.live import LiveCurves

REFRESH_SECONDS = 0.1
"""The least time between two redrawings of the bar."""

BY_IMPORTANCE = ("epoch", "count", "loss", "left", "share", "bar", "metric", "kept", "speed")
IN_ORDER = ("epoch", "count", "bar", "share", "loss", "metric", "kept", "speed", "left")
"""The pieces of the bar; the count is that of the epochs, without the word."""

NUMBER = 6
"""The usual length of a number with four digits, such as 0.1234."""


class TrainingDisplay:
    """Shows the progress of training: a bar on a terminal, else a line at epochs 1, 2, 4, 8, … and the last.

    ``examples`` is the number of training examples, ``shown_metric`` the metric that the bar shows beside the loss,
    ``seen`` how many examples a resumed training has seen before. On a terminal ``curves`` stand below the bar.
    """

    def __init__(
        self,
        epochs: int,
        examples: int,
        shown_metric: str,
        *,
        quiet: bool,
        seen: int = 0,
        curves: LiveCurves | None = None,
    ) -> None:
        self._seen_before, self._curves = seen, curves
        self._epochs, self._examples, self._shown_metric = epochs, examples, shown_metric
        self._quiet = quiet
        self._started_at, self._drawn_at = perf_counter(), 0.0
        self._metric_text = self._kept_text = ""
        self._unprinted: Epoch | None = None
        self._bar = None if quiet else _bar(epochs, examples, shown_metric)

    def show(self, event: TrainingEvent) -> None:
        """Show one event of training."""
        if isinstance(event, Stopped):
            self._show_end(event)
        elif isinstance(event, Epoch):
            if self._shown_metric in event.values:
                self._metric_text = f"{self._shown_metric} {short_number(event.values[self._shown_metric])}"
            self._kept_text = f"kept {event.kept}" if 0 < event.kept < event.epoch else ""
            if self._curves is not None:
                self._curves.add(event.epoch, event.kept, event.values)
            seen, is_last = event.epoch * self._examples, event.epoch == self._epochs
            self._draw_bar(event.epoch, seen, event.values["loss"], is_last=is_last)
            self._print_line(event, is_last=is_last)
        else:
            seen = (event.epoch - 1) * self._examples + event.examples
            self._draw_bar(event.epoch, seen, event.loss, is_last=False)

    def _show_end(self, event: Stopped) -> None:
        """Show the last epoch, if it has not been shown, and why training ended there."""
        self.close()
        if self._unprinted is not None:
            self._print_line(self._unprinted, is_last=True)
        if not self._quiet:
            say(event.reason)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()

    def _draw_bar(self, epoch: int, seen: int, loss: float, *, is_last: bool) -> None:
        """Redraw the bar after ``seen`` examples of all epochs, unless it has just been drawn."""
        now = perf_counter()
        if self._bar is None or (now - self._drawn_at < REFRESH_SECONDS and not is_last):
            return
        self._drawn_at = now
        below = "" if self._curves is None else self._curves.text(*room_below(), is_last=is_last)
        speed = (seen - self._seen_before) / max(now - self._started_at, 1e-9)
        texts = {
            **_epoch(epoch, self._epochs),
            "loss": f"loss {short_number(loss)}",
            "metric": self._metric_text,
            "kept": self._kept_text,
            "speed": f"{speed:,.0f} examples/s",
        }
        self._bar.draw(seen, texts, below)

    def _print_line(self, event: Epoch, *, is_last: bool) -> None:
        if self._quiet or self._bar is not None:
            return
        if event.epoch & (event.epoch - 1) == 0 or is_last:
            values = "  ".join(f"{name} {short_number(value)}" for name, value in event.values.items())
            say("  ".join(filter(None, [f"epoch {event.epoch}/{self._epochs}", values, self._kept_text])))
            self._unprinted = None
        else:
            self._unprinted = event


def _bar(epochs: int, examples: int, metric: str) -> Bar | None:
    """The bar of a training, if there can be one."""
    usual = {
        "epoch": len(f"epoch {epochs}/{epochs}"),
        "count": len(f"{epochs}/{epochs}"),
        "loss": len("loss ") + NUMBER,
        "metric": cells(f"{metric} ") + NUMBER,
        "kept": len(f"kept {epochs}"),
        "speed": len("1,000,000 examples/s"),
    }
    pieces = Pieces(BY_IMPORTANCE, IN_ORDER, usual, {"count": "epoch"})
    return bar_on_terminal(epochs * examples, pieces, _epoch(0, epochs))


def _epoch(epoch: int, epochs: int) -> dict[str, str]:
    return {"epoch": f"epoch {epoch}/{epochs}", "count": f"{epoch}/{epochs}"}

"""What a tracker is: a tool that people keep their runs in, which follows a run as it proceeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class TrackedRun:
    """A run as it begins: its folder, its settings with dotted keys, and after how many epochs it goes on."""

    folder: Path
    settings: Mapping[str, Any]
    epochs_before: int = 0


class Recording(Protocol):
    """One run in a tracker. What its methods raise is the tool's own."""

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Note an epoch that has ended: learning rate, loss and metrics by their columns of metrics.csv."""
        ...

    def end(self, outcome: str, final: Mapping[str, float]) -> None:
        """Note how the run ended, and the metrics of the parameters that it keeps."""
        ...


class Tracker(Protocol):
    """A choice of tracker; its docstring says what it writes, and where."""

    def require(self) -> None:
        """Refuse where it could not write, before there is a run.

        Raises:
            ConfigError: its library is not installed.
            SystemRefusedError: the place where it writes cannot be reached.
        """
        ...

    def start(self, run: TrackedRun) -> Recording:
        """Begin to record a run, or go on with one that is recorded already. What it raises is the tool's own."""
        ...

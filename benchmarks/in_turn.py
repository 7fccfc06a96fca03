"""Small measurements in one process: several ways to do something, timed in turn, the best of many rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

Run = Callable[[], Any]


def best_in_turn(runs: Mapping[str, Run], rounds: int, seconds: float = 0.02) -> dict[str, float]:
    """The seconds of each run: the best of so many rounds, in each of which every one is repeated for some time."""
    times = {name: _repeats(run, seconds) for name, run in runs.items()}
    found = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            found[name] = min(found[name], _timed(run, times[name]) / times[name])
    return found


def _repeats(run: Run, seconds: float) -> int:
    """How often a run fits into some seconds, at least once; it is warm then."""
    run()
    return max(1, int(seconds / _timed(run, 1)))


def _timed(run: Run, times: int) -> float:
    began = perf_counter()
    for _ in range(times):
        run()
    return perf_counter() - began


def row(*cells: object) -> str:
    """A row of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def head(*names: str) -> str:
    """The names of columns, and the line below them."""
    return f"{row(*names)}\n|{'---|' * len(names)}"


def digits(value: float) -> str:
    """Three digits; whole from a hundred on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

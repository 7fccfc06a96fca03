"""How long do images take to become a batch? ``python -m benchmarks.gathering`` prints µs an image, on one core.

Random ones of 60,000 images of 784 bytes become float32, by compiled code and by NumPy, beside float32 that is only
copied; the best of all rounds, taken in turn.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.in_turn import best_in_turn, digits, head, row
from bpcli.data.sources import ByteRows, ClassIndices, Examples, Rows
from bpcli.training.compiled.gathering import gather

IMAGES, PIXELS = 60_000, 784

AT_ONCE = (1, 10, 32, 160)
"""The last is about what the compiled engine gathers at once, whatever the batch."""

MANY = 4096
"""Images of one measurement, gathered so many at once."""


def gathered(take: Callable[[np.ndarray], Any], order: np.ndarray, at_once: int) -> Callable[[], None]:
    """All images of the order, some at once."""
    parts = [order[start : start + at_once] for start in range(0, len(order) - at_once + 1, at_once)]

    def run() -> None:
        for part in parts:
            take(part)

    return run


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gathering", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (IMAGES, PIXELS), np.uint8)
    labels, factor = ClassIndices(rng.integers(0, 10, IMAGES)), 1 / 255
    images, floats = ByteRows(pixels, np.arange(IMAGES), factor), Rows(pixels.astype(np.float32) * np.float32(factor))
    order = rng.integers(0, IMAGES, MANY)
    print(head("gathered at once", "bytes, compiled", "bytes, NumPy", "float32 from memory"))
    for at_once in AT_ONCE:
        X = np.empty((PIXELS, at_once), np.float32, order="F")
        Y, examples = np.empty(at_once, np.intp), Examples(images, labels)
        ways: dict[str, Callable[[np.ndarray], Any]] = {
            "compiled": partial(gather, examples, X=X, Y=Y, weights=None, metric_weights=None),
            "numpy": partial(examples.gather, X=X, Y=Y),
            "copied": partial(Examples(floats, labels).gather, X=X, Y=Y),
        }
        count = MANY // at_once * at_once
        runs = {name: gathered(take, order, at_once) for name, take in ways.items()}
        found = best_in_turn(runs, rounds)
        print(row(at_once, *(digits(seconds / count * 1e6) for seconds in found.values())))


if __name__ == "__main__":
    main()

"""Which task, loss, split, network and training suit a table? By rules of thumb that a config can change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bpcli.starting.inspection import Inspection

SIZES = ((500, [16]), (5_000, [32]), (50_000, [64, 32]))
"""Hidden layers by the number of rows up to which they are suggested."""

LARGEST = [128, 64]
"""Hidden layers beyond."""

FEWEST_TO_SPLIT = 20
"""With fewer rows nothing is held out."""

RATES = ((FEWEST_TO_SPLIT, 0.01), (5_000, 0.003))
"""Learning rates of adam by the number of rows up to which they are suggested."""

SLOWEST = 0.001
"""The learning rate beyond."""

UPDATES = 10_000
"""About how many updates a training takes."""

RARE = 0.2
"""A smallest class with a smaller share than this, times that of an even one, is worth a comment."""


@dataclass(frozen=True)
class Suggestion:
    """The keys that are not about columns."""

    loss: str
    held_out: float
    hidden: list[int]
    learning_rate: float
    batch_size: int
    epochs: int
    rarest: str = ""


def suggest(table: Inspection) -> Suggestion:
    """What suits the table."""
    classes = len(table.labels or ())
    loss = {0: "half_squared_error", 2: "binary_cross_entropy"}.get(classes, "cross_entropy")
    held_out = 0.0 if table.size < FEWEST_TO_SPLIT else 0.2 if table.size < SIZES[1][0] else 0.1
    batch_size = 16 if table.size < SIZES[0][0] else 32 if table.size < SIZES[1][0] else 64
    training = round(table.size * (1 - 2 * held_out))
    batch_size = min(batch_size, training)
    epochs = min(200, max(20, round(UPDATES * batch_size / training)))
    hidden = next((widths for rows, widths in SIZES if table.size < rows), LARGEST)
    learning_rate = next((rate for rows, rate in RATES if table.size < rows), SLOWEST)
    return Suggestion(loss, held_out, hidden, learning_rate, batch_size, epochs, _rarest(table.labels))


def _rarest(labels: Counter[str] | None) -> str:
    """The rarest class, if it is rare."""
    if labels is None:
        return ""
    label, count = min(labels.items(), key=lambda item: item[1])
    return label if count * len(labels) < RARE * labels.total() else ""

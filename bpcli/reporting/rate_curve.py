"""A schedule drawn as text: the learning rate of every update of a small training, as a share of η."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bpcli.nn import Array
from bpcli.nn.schedules import Course, Plateau, Schedule
from bpcli.nn.schedules.course import driven_by_results

EPOCHS, PER_EPOCH = 20, 3
"""The epochs of the training that is drawn, and the most updates in each: a column for each update."""

HEIGHT = 9
BESIDE_COLUMNS = len("  η/2 ┤") + len("20 epochs")
"""What the line of the ticks has beside the columns."""

LABELS = {0: "η", HEIGHT // 2: "η/2", HEIGHT - 1: "0"}


def updates_that_fit(width: int) -> int:
    """How many updates of each epoch a drawing of this width has room for; at least one."""
    return max(1, min(PER_EPOCH, (width - BESIDE_COLUMNS) // EPOCHS))


def rate_curve(schedule: Schedule, updates: int = PER_EPOCH) -> list[str]:
    """The lines of the drawing, with so many updates in each epoch."""
    levels = np.rint((HEIGHT - 1) * (1 - rate_shares(schedule, updates))).astype(int)
    rows = [
        f"{LABELS.get(row, ''):>5} ┤" + "".join("•" if level == row else " " for level in levels)
        for row in range(HEIGHT)
    ]
    ticks = "".join(f"{epoch:<{5 * updates}}" for epoch in range(0, EPOCHS + 1, 5))
    bottom = ["      └" + "─" * (EPOCHS * updates), f"       {ticks.rstrip()} epochs"]
    return [*(row.rstrip() for row in rows), *bottom]


def rate_shares(schedule: Schedule, updates: int) -> Array:
    """The rates of all updates, η being 1, while no epoch improves on the first; one example in each update."""
    driven, course = driven_by_results(schedule), Course(EPOCHS * updates, updates, examples=updates)
    plateau, found = Plateau(), []
    for epoch in range(EPOCHS):
        numbers = np.arange(epoch * updates, (epoch + 1) * updates)
        found.append(schedule.rates(1.0, numbers, replace(course, reductions=plateau.reductions)))
        if driven is not None:
            driven.observe(plateau, 1.0, higher=False)
    return np.concatenate(found)

"""A schedule drawn as text: the learning rate of every update of a small training, as a share of η."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bpcli.nn import Array
from bpcli.nn.schedules import Course, Plateau, Schedule
from bpcli.nn.schedules.course import driven_by_results

EPOCHS, PER_EPOCH = 20, 3
HEIGHT = 9
COURSE = Course(EPOCHS * PER_EPOCH, PER_EPOCH, examples=PER_EPOCH)
"""The training that is drawn: a column for each update, and one example in each."""

LABELS = {0: "η", HEIGHT // 2: "η/2", HEIGHT - 1: "0"}


def rate_curve(schedule: Schedule) -> list[str]:
    """The lines of the drawing, at most 80 characters wide, with a caption."""
    levels = np.rint((HEIGHT - 1) * (1 - _shares(schedule))).astype(int)
    rows = [
        f"{LABELS.get(row, ''):>5} ┤" + "".join("•" if level == row else " " for level in levels)
        for row in range(HEIGHT)
    ]
    ticks = "".join(f"{epoch:<{5 * PER_EPOCH}}" for epoch in range(0, EPOCHS + 1, 5))
    bottom = ["      └" + "─" * COURSE.updates, f"       {ticks.rstrip()} epochs"]
    return [*(row.rstrip() for row in rows), *bottom]


def _shares(schedule: Schedule) -> Array:
    """The rates of all updates, η being 1, while no epoch improves on the first."""
    driven = driven_by_results(schedule)
    plateau, found = Plateau(), []
    for epoch in range(EPOCHS):
        updates = np.arange(epoch * PER_EPOCH, (epoch + 1) * PER_EPOCH)
        found.append(schedule.rates(1.0, updates, replace(COURSE, reductions=plateau.reductions)))
        if driven is not None:
            driven.observe(plateau, 1.0, higher=False)
    return np.concatenate(found)

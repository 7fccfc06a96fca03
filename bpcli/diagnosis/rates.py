"""A range of learning rates in which training makes progress: the range test of Smith (2017, §3.3), drawn.

One training whose rate grows by a constant factor with every update, from far too small to far too large. Progress is
what the loss of a fixed sample has fallen by. The range goes from where a tenth of the progress is made to a third of
the rate at which the loss is least; the suggestion is the geometric mean of its upper end and the rate of the steepest
fall, lowered where short trainings at a constant rate do better so.
"""

from __future__ import annotations

import numpy as np

from bpcli.diagnosis.findings import Finding, ok
from bpcli.diagnosis.rehearsal import Rehearsal
from bpcli.nn import Array

LEAST, MOST, UPDATES = 1e-6, 30.0, 240
"""The rates of the test, and its updates."""

SMOOTH = 0.2
"""The share of the newest loss in the running mean."""

LOWERED = 4
"""How often the suggested rate is lowered to a third."""

ROWS, WIDTH = 16, 30
"""The size of the drawing, which a line of 60 characters has room for."""


def suggested_rates(rehearsal: Rehearsal) -> Finding:
    """The range of learning rates in which the loss falls, and whether the config's is in it."""
    if not rehearsal.takes_steps:
        return ok("the rule makes no steps")
    updates = rehearsal.affordable(UPDATES, rehearsal.recipe.plan.batch_size)
    rates = np.geomspace(LEAST, MOST, updates)
    first = rehearsal.loss(rehearsal.experiment.parameters.theta)
    losses = _smooth(rehearsal.sweep(rates), first)
    found = range_of(rates, losses, first)
    own = rehearsal.recipe.optimizer.learning_rate
    if found is None:
        return Finding(
            "problem",
            f"no learning rate from {LEAST:g} to {MOST:g} lowers the loss of {first:.4g}",
            "there may be nothing to learn in the target, or units that do not learn",
            "see the other findings",
            tuple(drawing(rates, losses, None)),
        )
    found = low, suggested, high = confirmed(rehearsal, *found)
    figures = f"from {low:.2g} to {high:.2g}, for example {suggested:.2g}; the config has {own:g}"
    lines = tuple(drawing(rates, losses, found))
    if own > 10 * high or own < low / 100:
        return Finding(
            "problem",
            figures,
            "at a rate above the range the loss grows; far below it, nothing is learned in a reasonable time",
            f"optimizer.learning_rate: {suggested:.2g}",
            lines,
        )
    return Finding("ok", figures, drawing=lines)


def range_of(rates: Array, losses: Array, first: float) -> tuple[float, float, float] | None:
    """The least, the suggested and the largest rate; None where no loss is clearly below the ``first``."""
    known = np.flatnonzero(np.isfinite(losses))
    if not len(known):
        return None
    best = int(known[np.argmin(losses[known])])
    progress = first - losses[best]
    if not progress > 0.02 * abs(first):
        return None
    begun = int(np.flatnonzero(losses[: best + 1] <= first - 0.1 * progress)[0])
    steepest = begun + int(np.argmin(np.diff(losses[begun : best + 1]))) if best > begun else best
    high = float(rates[best]) / 3
    low = min(float(rates[begun]), high / 3)
    suggested = float(np.clip(np.sqrt(float(rates[steepest]) * high), low, high))
    return low, suggested, high


def confirmed(rehearsal: Rehearsal, low: float, suggested: float, high: float) -> tuple[float, float, float]:
    """The same, lowered where a short training at a third of the suggested rate ends at a lower loss.

    In so short a training a lower rate wins only where the higher one jumps about, as with single examples.
    """
    loss = rehearsal.loss_at(suggested)
    for _ in range(LOWERED):
        lower = rehearsal.loss_at(suggested / 3)
        if not lower < loss:
            break
        loss, suggested = lower, suggested / 3
        high = 3 * suggested
    return min(low, suggested), suggested, high


def drawing(rates: Array, losses: Array, found: tuple[float, float, float] | None) -> list[str]:
    """The loss at some rates as bars, the suggested one marked."""
    places = np.linspace(0, len(rates) - 1, min(ROWS, len(rates))).astype(np.intp)
    shown = losses[places]
    largest = float(np.nanmax(shown)) if np.isfinite(shown).any() else 1.0
    lines = []
    for place in places:
        rate, loss = float(rates[place]), float(losses[place])
        inside = found is not None and found[0] <= rate <= found[2]
        bar = "█" * max(1, round(WIDTH * loss / largest)) if np.isfinite(loss) else "diverged"
        number = f" {loss:.3g}" if np.isfinite(loss) else ""
        lines.append(f"{rate:8.1e} {'→' if inside else ' '} {bar}{number}")
        if not np.isfinite(loss):
            break
    return lines


def _smooth(losses: Array, first: float) -> Array:
    """A running mean that begins at the first loss; NaN from where there is none."""
    found, mean = np.full(len(losses), np.nan), first
    for k, loss in enumerate(losses):
        if not np.isfinite(loss):
            break
        mean += SMOOTH * (loss - mean)
        found[k] = mean
    return found

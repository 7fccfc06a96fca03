"""How sure is a metric of one part? A 95 % interval from resampled examples.

The percentile bootstrap (Efron 1979): the metric is computed of many samples of the part's examples, drawn with
replacement and as large as the part; the interval reaches from the 2.5th to the 97.5th percentile of these values.
An example that is drawn k times counts k times its weight, so no output is copied. It says how the metric varies with
the examples that happen to be in the part, and nothing of how a training varies with its seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bpcli.nn import Array
from bpcli.nn.metrics import Metric, metric_values, tallies_for
from bpcli.nn.tallies import Outputs
from bpcli.nn.workspace import layer_scratch, output_scratch
from bpcli.streams import stream

CONFIDENCE = 0.95

MOST_RESAMPLES, FEWEST_RESAMPLES = 1000, 200
"""How many samples are drawn: of large parts fewer, so that a report stays a matter of seconds."""

CELLS = 40_000_000
"""About how many outputs all samples have together."""

SORTED_CELLS = 1_000
"""Of more outputs a metric that is read from all of them, sorted, is resampled only where it is asked for."""

FEWEST_DEFINED = 0.5
"""The share of samples in which a metric must be defined; of fewer no interval is given."""


@dataclass(frozen=True)
class Bounds:
    """Where a metric lies in 95 % of the resamples; NaN where it is not defined in most of them."""

    low: float
    high: float


@dataclass(frozen=True)
class Resampled:
    """The bounds of each metric by the name of its column, and from how many ``resamples`` they are."""

    bounds: Mapping[str, Bounds]
    resamples: int


def cheap(metrics: Mapping[str, Metric], cells: int) -> dict[str, Metric]:
    """The metrics that are resampled, of so many outputs, without being asked for."""
    return {name: one for name, one in metrics.items() if one.tally_kind is not Outputs or cells <= SORTED_CELLS}


def bootstrap(outputs: Outputs, metrics: Mapping[str, Metric], seed: int) -> Resampled:
    """The bounds of ``metrics`` over resampled examples; the same for the same seed."""
    A, Y, w = outputs.outputs, outputs.targets, outputs.weights
    count = resamples_for(A.size)
    draws = stream(seed, "bootstrap")
    tallies = tallies_for(metrics, outputs.judging)
    scratch = output_scratch(layer_scratch(A.shape[0], A.shape[1], A.dtype))
    values = np.empty((len(metrics), count))
    for k in range(count):
        tallies.clear()
        with np.errstate(all="ignore"):
            tallies.update(A, Y, scratch, (w * times_drawn(draws, A.shape[1])).astype(A.dtype))
        values[:, k] = list(metric_values(metrics, tallies).values())
    return Resampled({name: _bounds(row) for name, row in zip(metrics, values, strict=True)}, count)


def resamples_for(cells: int) -> int:
    """How many samples are drawn of a part with so many outputs."""
    return int(np.clip(CELLS // max(1, cells), FEWEST_RESAMPLES, MOST_RESAMPLES))


def times_drawn(draws: np.random.Generator, size: int) -> Array:
    """How often each of ``size`` examples is among as many that are drawn with replacement, (size,)."""
    return np.bincount(draws.integers(size, size=size), minlength=size)


def _bounds(values: Array) -> Bounds:
    defined = values[np.isfinite(values)]
    if len(defined) < FEWEST_DEFINED * len(values):
        return Bounds(float("nan"), float("nan"))
    low, high = np.percentile(defined, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return Bounds(float(low), float(high))

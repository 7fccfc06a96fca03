"""How much a model goes by each column of its file: how much worse it gets when the column's cells change places.

Permutation importance (Breiman 2001, §10; Fisher, Rudin & Dominici 2019): the cells of one column are dealt at random
among the examples, the others stay, and the metric is computed again. All inputs that a column became move together, so
it is the columns of the file that are judged. Of columns that say the same, each alone seems to matter little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bpcli.data.encoding.targets import judging_of
from bpcli.data.loading import Part
from bpcli.data.sources import Rows
from bpcli.nn import Array, IndexArray
from bpcli.nn.metrics import Metric, metric_values, tallies_for
from bpcli.nn.workspace import layer_scratch, output_scratch
from bpcli.reporting.finite import require_finite
from bpcli.runs.model_file import Model
from bpcli.streams import stream
from bpcli.training.inference import outputs

MOST_COLUMNS = 256
"""Of more columns, such as those of images, none is judged by itself."""

MOST_EXAMPLES = 2_000
"""So many examples of the part are looked at, if it has more."""

REPEATS = 5
"""How often the cells of a column are dealt."""

ROUNDING = 1e-12
"""A mean that is so small a share of what it is the mean of is 0, rounded."""


@dataclass(frozen=True)
class Importance:
    """By how much the metric gets worse without a ``column``: the mean over the repeats, the least and the most."""

    column: str
    worse: float
    least: float
    most: float


def importances(model: Model, part: Part, metric: Metric, seed: int) -> list[Importance]:
    """Every column's importance for a metric of the part, the largest first; none of too many columns.

    The same for the same seed.

    Raises:
        DataError: a prediction is not finite.
    """
    columns = inputs_by_column(model)
    if len(columns) > MOST_COLUMNS:
        return []
    draws = stream(seed, "importance")
    examples = np.arange(part.size)
    if part.size > MOST_EXAMPLES:
        examples = np.sort(draws.choice(part.size, MOST_EXAMPLES, replace=False))
    judged = _Judged(model, part, examples, metric)
    found = [_importance(name, judged.worse(places, draws)) for name, places in columns.items()]
    return sorted(found, key=lambda one: -one.worse)


def inputs_by_column(model: Model) -> Mapping[str, Sequence[int]]:
    """Which of the network's inputs each column of the file became."""
    columns: dict[str, list[int]] = {}
    for place, one in enumerate(model.features.inputs):
        columns.setdefault(one.column, []).append(place)
    return columns


def _importance(column: str, worse: Iterator[float]) -> Importance:
    values = list(worse)
    least, most, mean = min(values), max(values), float(np.mean(values))
    noise = ROUNDING * max(abs(least), abs(most))
    return Importance(column, 0.0 if abs(mean) < noise else mean, least, most)


class _Judged:
    """A model on some examples: the metric of their inputs X, (m, n_0), and of the same with cells changed."""

    def __init__(self, model: Model, part: Part, examples: IndexArray, metric: Metric) -> None:
        self.model, self.metric = model, metric
        X = np.empty((model.network.sizes[0], len(examples)), model.dtype)
        part.features.gather(examples, X)
        self.X = np.ascontiguousarray(X.T)
        self.Y = model.network.targets(len(examples), model.dtype)
        part.targets.gather(examples, self.Y)
        self.weights = None if part.metric_weights is None else part.metric_weights[examples]
        self.judging = judging_of(model.targets, model.network.head.activation.range)
        A = self._outputs(self.X)
        require_finite(model, A, part.features, examples, part.where)
        self.value = self._value(A)

    def worse(self, places: Sequence[int], draws: np.random.Generator) -> Iterator[float]:
        """By how much the metric gets worse, each time that the inputs at ``places`` are dealt."""
        sign = 1 if self.metric.higher else -1
        for _ in range(REPEATS):
            dealt = self.X.copy()
            dealt[:, places] = self.X[draws.permutation(len(self.X))][:, places]
            yield sign * (self.value - self._value(self._outputs(dealt)))

    def _outputs(self, X: Array) -> Array:
        return outputs(self.model.network, self.model.parameters, Rows(X))

    def _value(self, A: Array) -> float:
        tallies = tallies_for({"": self.metric}, self.judging)
        scratch = output_scratch(layer_scratch(A.shape[0], A.shape[1], A.dtype))
        with np.errstate(all="ignore"):
            tallies.update(A, self.Y, scratch, self.weights)
        return metric_values({"": self.metric}, tallies)[""]

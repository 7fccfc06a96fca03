"""A metric of parts that were counted apart equals that of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.metrics import metric_values, tallies_for
from bpcli.nn.tallies import Judging
from bpcli.nn.workspace import output_scratch
from bpcli.plugins import samples

TOLERANCE = 1e-9
"""The relative error from which on two values differ: far above rounding."""

JUDGINGS = (
    Judging(3, "largest", probabilities=True),
    Judging(1, "threshold", probabilities=True),
    Judging(3, "threshold", probabilities=True),
    Judging(1, "residuals"),
    Judging(2, "residuals"),
    Judging(3, "quantiles", levels=(0.1, 0.5, 0.9)),
)
"""The ways of judging outputs that a metric may suit."""


def faults_of_metric(kind: type[Any]) -> Iterator[str]:
    """It suits some outputs; of these, parts counted apart and merged give the value of the whole."""
    metric = kind()
    suited = [judging for judging in JUDGINGS if metric.suits(judging)]
    if not suited:
        yield "it suits neither classes nor labels nor numbers"
    for judging in suited:
        A, Y = _judged_outputs(judging)
        whole, parts = (_value(metric, judging, A, Y, cuts) for cuts in ((), (13, 14)))
        if not np.isclose(whole, parts, rtol=TOLERANCE, equal_nan=True):
            yield f"counted in three parts it is {parts:.9g}, counted at once {whole:.9g}"


def _judged_outputs(judging: Judging) -> tuple[Array, Array]:
    """Outputs and targets of 40 examples."""
    rng = np.random.default_rng(samples.SEED)
    A = rng.uniform(size=(judging.n, 40))
    if judging.scoring == "largest":
        return A / A.sum(axis=0), rng.integers(0, judging.n, 40)
    Y = rng.integers(0, 2, A.shape).astype(float) if judging.scoring == "threshold" else rng.normal(size=A.shape)
    return A, np.broadcast_to(Y[:1], Y.shape).copy() if judging.levels else Y


def _value(metric: Any, judging: Judging, A: Array, Y: Array, cuts: tuple[int, ...]) -> float:
    """The metric of parts of the examples, counted apart and merged."""
    whole = tallies_for({"it": metric}, judging)
    for first, end in pairwise((0, *cuts, A.shape[1])):
        part, outputs = whole.fresh(), np.ascontiguousarray(A[:, first:end])
        scratch = output_scratch(samples.scratch(judging.n, end - first, float))
        part.update(outputs, np.ascontiguousarray(Y[..., first:end]), scratch)
        whole.merge(part)
    return metric_values({"it": metric}, whole)["it"]

"""Quantiles: their pinball loss, how often they cross and what they cover, with and without weights."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.losses import Quantile
from bpcli.nn.metrics import by_column, metric_values, tallies_for, usual_metrics
from bpcli.nn.tallies import Judging, Quantiles, described

from .support import output_scratch, tallied

LEVELS = (0.1, 0.5, 0.9)

A = np.array([[1.0, 2.0, 5.0, 0.0], [2.0, 1.5, 5.0, 0.0], [4.0, 3.0, 6.0, 0.0]])
"""Three levels of one target; in the second example the median lies below the lowest."""
Y = np.repeat([[3.0, 9.0, 5.0, 0.0]], 3, axis=0)


def judging(n: int, levels: tuple[float, ...], units: float = 1.0) -> Judging:
    return Judging(n, "quantiles", units=units, levels=levels)


def test_metrics_of_four_examples_by_hand() -> None:
    metrics = by_column(usual_metrics(judging(3, LEVELS, units=10.0)))
    tallies = tallies_for(metrics, judging(3, LEVELS, units=10.0))
    tallies.update(A, Y, output_scratch(A))
    pinball = [0.1 * 2 + 0.5 * 1 + 0.1 * 1, 0.1 * 7 + 0.5 * 7.5 + 0.9 * 6, 0.1 * 1, 0]
    assert metric_values(metrics, tallies) == pytest.approx(
        {"mean_pinball": 10 * sum(pinball) / 12, "crossing": 1 / 4, "coverage": 3 / 4}, rel=1e-14
    )


def test_pinball_is_the_loss_averaged_over_outputs_and_examples() -> None:
    rng = np.random.default_rng(0)
    outputs, targets = rng.normal(size=(6, 20)), np.tile(rng.normal(size=(2, 20)), (3, 1))
    loss, terms = Quantile(levels=LEVELS), np.empty(20)
    loss.terms(outputs, targets, terms, output_scratch(outputs))
    tally = tallied(Quantiles(judging(6, LEVELS)), outputs, targets, (3, 11))
    assert tally.sums[3:].sum() / 120 == pytest.approx(terms.sum() / 120, rel=1e-14)
    assert tally.targets == 2


def test_a_weight_of_two_counts_an_example_twice_and_one_of_zero_not_at_all() -> None:
    weighted, repeated = Quantiles(judging(3, LEVELS)), Quantiles(judging(3, LEVELS))
    weighted.update(A, Y, output_scratch(A), np.array([2.0, 1.0, 0.0, 1.0]))
    again = [0, 0, 1, 3]
    repeated.update(A[:, again].copy(), Y[:, again].copy(), output_scratch(A))
    np.testing.assert_allclose(weighted.sums, repeated.sums, rtol=1e-15)


def test_one_level_has_its_pinball_alone_and_no_metric_of_a_mean() -> None:
    assert list(by_column(usual_metrics(judging(2, (0.9,))))) == ["mean_pinball"]
    assert described(judging(2, (0.9,))) == "a regression of one quantile"
    assert described(judging(6, LEVELS)) == "a regression of quantiles"


def test_the_outputs_of_a_level_stand_next_to_one_another() -> None:
    loss = Quantile(levels=(0.25, 0.75))
    outputs, targets = np.array([[1.0], [1.0], [1.0], [1.0]]), np.array([[0.0], [2.0], [0.0], [2.0]])
    out = np.empty_like(outputs)
    loss.backward(outputs, targets, 1.0, out, output_scratch(outputs))
    assert out[:, 0].tolist() == [0.75, -0.25, 0.25, -0.75]
    assert loss.of_outputs(4)["level"].tolist() == [[0.25], [0.25], [0.75], [0.75]]
    assert loss.targets.outputs_per_target == 2


def test_at_its_kink_the_derivative_is_the_left_one() -> None:
    outputs, out = np.array([[3.0]]), np.empty((1, 1))
    Quantile(levels=(0.2,)).backward(outputs, outputs.copy(), 1.0, out, output_scratch(outputs))
    assert out.tolist() == [[-0.2]]

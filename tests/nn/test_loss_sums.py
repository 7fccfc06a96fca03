"""The accounting of a loss: what batches add up to, and the one place that divides."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bpcli.nn.loss_sums import LossSums, weight_of
from bpcli.nn.losses import Reduction, scale
from bpcli.nn.workspace import Workspace

from .support import REDUCTIONS, loss

every_reduction = pytest.mark.parametrize("examples", REDUCTIONS)


def counted(examples: Reduction, *batches: tuple[float, float, float]) -> LossSums:
    """Sums over two outputs of batches: Σ of terms, weight, penalty."""
    sums = LossSums(loss("half_squared_error", "mean", examples), 2)
    for total, weight, penalty in batches:
        sums.add(total, weight)
        sums.add_penalty(penalty, weight)
    return sums


def test_a_mean_divides_by_outputs_and_by_the_weight_of_all_batches() -> None:
    assert counted("mean", (6.0, 2.0, 0.0), (10.0, 2.0, 0.0)).value() == 16 / 2 / 4


def test_a_sum_divides_by_outputs_alone() -> None:
    assert counted("sum", (6.0, 2.0, 0.0), (10.0, 2.0, 0.0)).value() == 16 / 2


def test_penalties_count_by_their_batchs_weight_under_a_mean() -> None:
    assert counted("mean", (0.0, 3.0, 1.0), (0.0, 1.0, 5.0)).value() == (3 * 1 + 1 * 5) / 4


def test_penalties_add_up_under_a_sum() -> None:
    assert counted("sum", (0.0, 3.0, 1.0), (0.0, 1.0, 5.0)).value() == 6


@every_reduction
def test_sums_of_parts_merge_to_those_of_the_whole(examples: Reduction) -> None:
    batches = [(6.0, 2.0, 0.5), (1.0, 1.0, 0.25), (3.5, 4.0, 2.0)]
    whole, first, second = counted(examples, *batches), counted(examples, *batches[:1]), counted(examples, *batches[1:])
    first.merge(second)
    assert first.sums.tolist() == whole.sums.tolist()
    assert first.value() == whole.value()


@every_reduction
def test_before_the_first_example_there_is_no_loss(examples: Reduction) -> None:
    sums = counted(examples, (1.0, 1.0, 1.0))
    sums.clear()
    assert math.isnan(sums.value())
    assert math.isnan(sums.fresh().value())


def test_the_weight_of_a_workspace_is_the_sum_of_its_weights_or_its_size() -> None:
    plain = Workspace((2, 3), 5, np.float64, class_indices=False)
    weighted = Workspace((2, 3), 5, np.float64, class_indices=False, weighted=True)
    assert weighted.weights is not None
    weighted.weights[...] = [1, 2, 0, 0.5, 0]
    assert (weight_of(plain), weight_of(weighted)) == (5, 3.5)


@every_reduction
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_of_examples_that_all_weigh_nothing_is_nothing(examples: Reduction, dtype: type) -> None:
    ws = Workspace((2, 3), 5, dtype, class_indices=False, weighted=True)
    assert ws.weights is not None
    ws.weights.fill(0)
    weight = weight_of(ws)
    assert counted(examples, (0.0, weight, 0.0)).value() == 0
    assert counted(examples, (0.0, weight, 0.0), (6.0, 2.0, 1.0)).value() == counted(examples, (6.0, 2.0, 1.0)).value()


@every_reduction
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_that_weighs_nothing_is_divided_by_one(examples: Reduction, dtype: type) -> None:
    of_nothing = scale(loss("half_squared_error", "mean", examples), 2, dtype(0))
    assert of_nothing == 0.5
    assert isinstance(of_nothing, float | dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_weights_are_not_taken_for_none(dtype: type) -> None:
    ws = Workspace((2, 3), 4, dtype, class_indices=False, weighted=True)
    assert ws.weights is not None
    ws.weights.fill(1e-35)
    assert float(weight_of(ws)) == pytest.approx(4e-35)

"""Weight 2 is the row twice in the same batch, weight 0 is no row: for every loss, mode and rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.nn import Array, IndexArray
from bpcli.nn.activations import ACTIVATIONS, Tanh
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES, Reduction
from bpcli.nn.network import Network, dense, initial
from bpcli.nn.optimizers import OPTIMIZERS, GradientDescent
from bpcli.nn.penalties import L2
from bpcli.nn.tallies import Tallies
from bpcli.training.compiled import steps as compiled
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.shards import Division
from bpcli.training.state import TrainingState, start
from bpcli.training.steps import Steps

from .compiled.support import interpreted

SIZE, CLASSES = 12, 3


def network_for(name: str) -> Network:
    """A small network with the loss on its usual output."""
    loss = LOSSES[name]()
    return dense((3, 4, CLASSES), (Tanh(),), join(ACTIVATIONS[loss.usual_output](), loss))


def examples_for(network: Network, weights: Array, rows: IndexArray) -> Examples:
    """Of twelve examples, those in ``rows``, with targets that the loss admits."""
    rng, form = np.random.default_rng(2), network.head.loss.targets
    X, uniform = rng.normal(size=(SIZE, 3)), rng.uniform(0.1, 0.9, (CLASSES, SIZE))
    if form.class_indices:
        targets: Any = ClassIndices((np.arange(SIZE) % CLASSES)[rows])
    else:
        low = form.low if np.isfinite(form.low) else (0.0 if np.isfinite(form.high) else -1.0)
        high = form.high if np.isfinite(form.high) else low + 2
        targets = Columns(np.ascontiguousarray((low + (high - low) * uniform)[:, rows]))
    return Examples(Rows(X[rows]), targets, weights=weights)


def trained(network: Network, rule: Any, examples: Examples, batches: list[IndexArray], epochs: int) -> Array:
    """θ after updates on these batches, one after the other, and the loss of each epoch."""
    recipe = Recipe(network, rule, Plan(epochs, examples.size, shuffle=False, seed=0))
    theta = initial(network, np.dtype(np.float64), np.random.default_rng(1)).theta
    state = start(recipe, theta, Tallies(()))
    steps = NumpySteps(recipe, state, examples)
    losses = []
    for _ in range(epochs):
        for batch in batches:
            state.position = 0
            steps.run(batch, len(batch), np.inf)
        losses.append(state.losses.value())
        state.begin_epoch(state.epoch + 1)
    return np.array([*theta, *losses])


def both_ways(network: Network, rule: Any, counts: IndexArray, cut: int) -> tuple[Array, Array]:
    """Trained with weights, and with each row as often as its weight says; batches of ``cut`` examples."""
    batches = [np.arange(first, first + cut) for first in range(0, SIZE, cut)]
    by_weight = trained(network, rule, examples_for(network, counts.astype(float), np.arange(SIZE)), batches, 3)
    rows = np.repeat(np.arange(SIZE), counts)
    ends = np.cumsum([counts[batch].sum() for batch in batches])
    repeated = [np.arange(end - counts[batch].sum(), end) for batch, end in zip(batches, ends, strict=True)]
    by_row = trained(network, rule, examples_for(network, np.ones(len(rows)), rows), repeated, 3)
    return by_weight, by_row


def rules() -> Iterator[tuple[str, Any]]:
    """Every rule, with steps that change something."""
    for name, kind in OPTIMIZERS.items():
        if hasattr(kind, "step"):
            yield name, kind()


@pytest.mark.parametrize("mode", ["batch", "mini_batch", "sgd"])
@pytest.mark.parametrize("loss", LOSSES)
def test_weight_2_is_the_row_twice_and_weight_0_no_row(loss: str, mode: str) -> None:
    cut = {"batch": SIZE, "mini_batch": 4, "sgd": 1}[mode]
    counts = np.array([2, 0, 1, 3, 1, 2, 0, 1, 2, 1, 1, 0])
    network = network_for(loss)
    if mode == "sgd":  # a batch of one row left out is no batch, and a mean divides by the weight
        counts = np.maximum(counts, 1)
        summed = replace(network.head.loss, examples="sum")  # type: ignore[type-var]
        network = replace(network, head=join(network.head.activation, summed))
    for name, rule in rules():
        if rule.batch_only and mode != "batch":
            continue
        by_weight, by_row = both_ways(network, rule, counts, cut)
        assert np.isfinite(by_row).all(), name
        np.testing.assert_allclose(by_weight, by_row, rtol=1e-12, atol=1e-12, err_msg=name)
        if mode != "sgd":
            plain, _ = both_ways(network, rule, np.ones(SIZE, np.intp), cut)
            assert not np.allclose(by_weight, plain, rtol=1e-6, atol=1e-9), name


def stepper(kind: str, recipe: Recipe, state: TrainingState, examples: Examples) -> Steps:
    if kind == "numba":
        pytest.importorskip("numba")
        from bpcli.training.compiled.steps import CompiledSteps

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(compiled, "load_kernel", interpreted)
            made = CompiledSteps(recipe, state, examples)
            list(made.prepare(4))
        return made
    return NumpySteps(recipe, state, examples, Division(2 if kind == "shards" else 1))


@pytest.mark.parametrize("examples", ["mean", "sum"])
@pytest.mark.parametrize("kind", ["numpy", "shards", "numba"])
def test_a_batch_that_weighs_nothing_changes_nothing_at_any_rate(kind: str, examples: Reduction) -> None:
    network = network_for("half_squared_error")
    loss = replace(network.head.loss, examples=examples)  # type: ignore[type-var]
    network = replace(network, head=join(network.head.activation, loss))
    data = examples_for(network, np.repeat([1.0, 0.0, 1.0], 4), np.arange(SIZE))
    recipe = Recipe(network, GradientDescent(8.0), Plan(1, 4, shuffle=False, seed=0), penalties=(L2(1e-3, True),))
    theta = initial(network, np.dtype(np.float64), np.random.default_rng(1)).theta
    state = start(recipe, theta, Tallies(()))
    steps = stepper(kind, recipe, state, data)
    list(steps.prepare(4))
    steps.run(np.arange(4), 4, np.inf)
    before, loss_before = state.theta.copy(), state.losses.value()
    state.position = 0
    steps.run(np.arange(4, 8), 4, np.inf)
    np.testing.assert_array_equal(state.theta, before)
    if examples == "mean":
        assert state.losses.value() == loss_before

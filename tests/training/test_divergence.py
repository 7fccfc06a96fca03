"""Where a training diverged: the same update and operation as one that is taken step by step."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bpcli.data.sources import Columns, Examples, Rows
from bpcli.errors import DivergedError
from bpcli.nn import Array
from bpcli.nn.activations import Identity, Relu, Softplus, Tanh
from bpcli.nn.clipping import ByNorm
from bpcli.nn.heads import join
from bpcli.nn.layers import Dense
from bpcli.nn.losses import Gamma, HalfSquaredError
from bpcli.nn.metrics import METRICS, tallies_for
from bpcli.nn.network import Network
from bpcli.nn.noise import Gaussian
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.penalties import L2
from bpcli.nn.tallies import Judging
from bpcli.training import loop
from bpcli.training.compiled import steps as compiled
from bpcli.training.engines import Engine
from bpcli.training.measure import Measure
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import TrainingState, start

from .compiled.support import interpreted

SIZE = 40
JUDGING = Judging(1, "residuals", units=np.ones(1))


def recipe(rule: str, rate: float | None = None, batch: int = 8, dropout: float = 0.0, **others: Any) -> Recipe:
    layers = (Dense(6, Relu(), dropout=dropout), Dense(5, Tanh()), Dense(1, Identity()))
    network = Network(3, layers, join(Identity(), HalfSquaredError()))
    made = OPTIMIZERS[rule]() if rate is None else OPTIMIZERS[rule](learning_rate=rate)
    return Recipe(network, made, Plan(50, batch, shuffle=True, seed=3), **others)


def problem(inputs: float = 1.0, targets: float = 1.0) -> Examples:
    rng = np.random.default_rng(1)
    X, Y = rng.normal(0, inputs, (SIZE, 3)), rng.normal(0, targets, (1, SIZE))
    return Examples(Rows(X.astype("float32")), Columns(Y.astype("float32")))


def first(made: Recipe, weights: float = 0.5) -> TrainingState:
    theta = np.random.default_rng(2).normal(0, weights, made.network.layout.count).astype("float32")
    return start(made, theta, tallies_for({"rmse": METRICS["rmse"]()}, JUDGING))


def diverge(made: Recipe, state: TrainingState, examples: Examples, engine: str = "numpy", shards: int = 1) -> Any:
    """The error of a training that diverges."""
    steps = Engine(engine, shards).steps(made, state, examples)  # type: ignore[arg-type]
    measure = Measure(made.network, {"rmse": METRICS["rmse"]()})
    with pytest.raises(DivergedError) as caught:
        list(loop.train(steps, made.plan, state, measure))
    return caught.value


def last_finite(made: Recipe, examples: Examples, engine: str, shards: int = 1) -> tuple[int, bytes]:
    """How many updates leave everything finite, and θ after them, found step by step with the same engine."""
    state = first(made)
    steps = Engine(engine, shards).steps(made, state, examples)  # type: ignore[arg-type]
    for epoch in range(1, made.plan.epochs + 1):
        order = made.plan.order(epoch, SIZE)
        while state.position < SIZE:
            before = state.optimizer.step, state.theta.tobytes()
            try:
                steps.run(order[: state.position + made.plan.batch_size], made.plan.batch_size, np.inf)
            except DivergedError:
                return before
            if not np.isfinite(state.theta).all() or not np.isfinite(state.losses.sums).all():
                return before
        state.begin_epoch(epoch)
    raise AssertionError("it does not diverge")


CASES: dict[str, tuple[Recipe, float]] = {
    "descent": (recipe("gradient_descent", 3.0), 30.0),
    "single examples": (recipe("gradient_descent", 1.0, batch=1), 30.0),
    "batch": (recipe("gradient_descent", 30.0, batch=SIZE), 30.0),
    "momentum": (recipe("momentum", 2.0), 30.0),
    "look ahead": (recipe("nesterov", 2.0), 30.0),
    "dropout and noise": (recipe("gradient_descent", 3.0, dropout=0.5, input_noise=Gaussian(std=0.5)), 30.0),
    "penalty": (recipe("gradient_descent", 1.0, penalties=(L2(strength=10.0),)), 1.0),
    "clipped": (recipe("gradient_descent", 1e30, clip=ByNorm(norm=1e20)), 1.0),
}


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("name", CASES)
def test_the_state_is_left_just_before_the_first_wrong_update(
    name: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "numba":
        pytest.importorskip("numba")
        pytest.importorskip("scipy")
        monkeypatch.setattr(compiled, "load_kernel", interpreted)
    made, targets = CASES[name]
    examples, state = problem(targets=targets), first(made)
    with np.errstate(all="ignore"):  # compiled code warns of nothing
        error = diverge(made, state, examples, engine)
        step, theta = last_finite(made, examples, engine)
    assert (state.optimizer.step, state.theta.tobytes()) == (step, theta)
    assert f"first in step {step + 1}: " in error.message
    wanted = theta if state.position else None
    assert wanted in (None, state.kept.theta.tobytes())
    assert np.isfinite(state.kept.theta).all()


def test_shards_diverge_where_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    made, targets = CASES["descent"]
    state = first(made)
    error = diverge(made, state, problem(targets=targets), shards=2)
    step, theta = last_finite(made, problem(targets=targets), "numpy", shards=2)
    assert (state.optimizer.step, state.theta.tobytes()) == (step, theta)
    assert f"first in step {step + 1}: " in error.message


def changed(state: TrainingState, made: Recipe, layer: int, value: float) -> Array:
    made.network.parameters(state.theta).W[layer][0, 0] = value
    return state.theta


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (1, "Z of layer 1, whose weights reach 3e+38 and whose inputs "),
        (3, "the loss, of outputs that reach "),
    ],
)
def test_the_first_operation_is_named(layer: int, words: str) -> None:
    made = recipe("gradient_descent")
    state, examples = first(made), problem(inputs=3.0)
    changed(state, made, layer, 3e38)
    assert re.search(
        rf"at epoch 1, step \d; first in step \d: {re.escape(words)}", diverge(made, state, examples).message
    )


def test_a_loss_that_is_infinite_at_0_tells_of_the_output_that_is_so_near() -> None:
    head = join(Softplus(), Gamma())
    made = recipe("gradient_descent")
    network = Network(3, (*made.network.layers[:2], Dense(1, Softplus())), head)
    made, examples = replace(made, network=network), problem()
    positive = replace(examples, targets=Columns(np.ones((1, SIZE), "float32")))
    state = first(made)
    made.network.parameters(state.theta).b[3][...] = -200
    state.kept.theta[...] = state.theta
    error = diverge(made, state, positive)
    assert "first in step 1: the loss, infinite or beyond float32, as an output is 0" in error.message


def test_an_update_that_leaves_the_finite_numbers_is_named() -> None:
    made = recipe("adam", 3e38)
    error = diverge(made, first(made), problem())
    assert "first in step 2: " in error.message or "first in step 1: the update of W of layer 1" in error.message


def hint(made: Recipe, inputs: float = 1.0, targets: float = 1.0, weights: float = 0.5) -> str:
    return str(diverge(made, first(made, weights), problem(inputs, targets)).hint)


def test_the_remedy_fits_what_was_found() -> None:
    assert hint(recipe("gradient_descent", 3.0), inputs=1e6).startswith("data.scale: standard, as the inputs reach ")
    assert hint(recipe("gradient_descent", 3.0), targets=1e6).startswith(
        "data.scale_targets: standard, as the targets "
    )
    strong = hint(recipe("gradient_descent", 1.0, penalties=(L2(strength=10.0),)))
    assert strong == "lower the strength in penalties: 10 times the learning rate 1 is 10, not below 2"
    steps = hint(recipe("gradient_descent", 30.0))
    assert steps == (
        "lower optimizer.learning_rate, which was 30 in this step, for example tenfold, or optimizer.clip: {norm: 1}"
    )
    assert hint(recipe("gradient_descent", 0.1), weights=1e20).startswith("another network.initializer ")

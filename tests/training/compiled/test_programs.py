"""Recorded programs do what the NumPy engine does: for every listed choice, run line by line."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from bpcli.checking.subject import KeepGradient, gradients_of
from bpcli.errors import DivergedError
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.losses import Loss
from bpcli.nn.optimizers import GradientDescent, Momentum
from bpcli.training.compiled import portions
from bpcli.training.compiled import steps as compiled
from bpcli.training.compiled.recording import record
from bpcli.training.compiled.source import step_source
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.engines import Engine
from bpcli.training.numpy_steps import NumpySteps
from tests.nn.support import REDUCTIONS, SETTINGS, STEP_RULES, activation, loss, pairs

from .support import Task, agree, interpreted, labels, residuals, task

TOLERANCE = {"float64": 1e-12, "float32": 1e-4}

every_batch_size = pytest.mark.parametrize("batch_size", [1, 4, 5, 11])


@pytest.fixture(autouse=True)
def without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "load_kernel", interpreted)


def same(one: Task, batch_size: int) -> None:
    with np.errstate(all="ignore"):
        found = one.trained(CompiledSteps, batch_size)
    agree(found, one.trained(NumpySteps, batch_size), TOLERANCE[one.dtype])


@pytest.mark.parametrize(("output", "name"), pairs())
def test_every_output_under_every_loss(output: str, name: str) -> None:
    rate = 0.001 if name == "gamma" else 0.01 if np.isinf(activation(output).range[1]) else 0.3
    for batch_size in (1, 4):
        same(replace(task(output, loss(name)), optimizer=GradientDescent(rate)), batch_size)


def test_every_reduction_of_outputs_and_examples() -> None:
    for output, name in (("softmax", "cross_entropy"), ("sigmoid", "focal"), ("identity", "huber")):
        for outputs, examples, batch_size in product(REDUCTIONS, REDUCTIONS, (1, 4)):
            same(task(output, loss(name, outputs, examples)), batch_size)


@pytest.mark.parametrize(("output", "of"), SETTINGS.values(), ids=SETTINGS)
def test_every_setting_of_a_loss(output: str, of: Loss) -> None:
    for batch_size in (1, 4):
        same(task(output, of), batch_size)


@every_batch_size
@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_every_hidden_activation(dtype: str, hidden: str, batch_size: int) -> None:
    same(task(hidden=(hidden,), dtype=dtype), batch_size)


@every_batch_size
@pytest.mark.parametrize("optimizer", STEP_RULES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_every_update_rule(dtype: str, optimizer: str, batch_size: int) -> None:
    same(task(optimizer=optimizer, dtype=dtype), batch_size)


@every_batch_size
@pytest.mark.parametrize(
    "details",
    [
        {"output": "identity", "of": loss("half_squared_error"), "tallies": residuals},
        {"output": "identity", "of": loss("half_squared_error"), "tallies": residuals, "widths": (4, 5, 1)},
        {"output": "sigmoid", "of": loss("binary_cross_entropy"), "tallies": labels},
        {"output": "sigmoid", "of": loss("binary_cross_entropy"), "tallies": labels, "widths": (4, 5, 1)},
        {"output": "sigmoid", "of": loss("half_squared_error")},
    ],
    ids=["several targets", "one target", "labels", "two classes", "one-hot classes"],
)
def test_every_way_of_counting(details: dict[str, Any], batch_size: int) -> None:
    same(task(**details), batch_size)


@every_batch_size
@pytest.mark.parametrize(
    ("widths", "hidden"),
    [
        ((4, 3), ()),
        ((1, 1, 2), ("relu",)),
        ((4, 4, 4, 4), ("sigmoid", "tanh")),
        ((3, 1, 5, 2, 3), ("leaky_relu", "relu", "softmax")),
    ],
)
def test_every_shape(widths: tuple[int, ...], hidden: tuple[str, ...], batch_size: int) -> None:
    same(task(widths=widths, hidden=hidden), batch_size)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_loss_that_is_not_finite_ends_both_at_the_same_step(batch_size: int) -> None:
    one = task("identity", loss("half_squared_error"), hidden=(), widths=(4, 3), tallies=residuals, features=1e200)
    for kind in (CompiledSteps, NumpySteps):
        with np.errstate(all="ignore"), pytest.raises(DivergedError, match=r"the loss \(inf\).* at epoch 1, step 1"):
            one.trained(kind, batch_size)


def test_steps_pause_after_a_portion_whose_time_is_up_and_go_on_to_the_same_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, order = task(size=50), np.random.default_rng(7).permutation(50)
    whole = one.trained(CompiledSteps, 4, epochs=1)
    monkeypatch.setattr(portions, "PORTION", 60)  # of 4 numbers an example
    state, pauses = one.state(), []
    steps = CompiledSteps(one.recipe(), state, one.examples())
    while state.position < 50:
        steps.run(order, 4, deadline=-np.inf)
        pauses.append(state.position)
    assert pauses == [12, 24, 36, 48, 50]
    agree(state, whole, 1e-13)


def test_gradient_descent_keeps_no_gradient() -> None:
    """Each product goes straight into its part of θ."""
    one = task()
    text = step_source(record(one.recipe(), one.state().tallies, np.dtype("float32"), single=False)).text
    assert "dtheta" not in text
    assert text.count(" accumulate(factor") == 2


@pytest.mark.parametrize("name", ["gradient_descent", "adam"])
def test_whatever_is_summed_over_examples_is_summed_to_its_last_digits(name: str) -> None:
    one = task("identity", loss("half_squared_error"), ("tanh", "tanh"), name, (4, 5, 6, 3), tallies=residuals)
    text = step_source(record(one.recipe(), one.state().tallies, np.dtype("float32"), single=False)).text
    sums = re.findall(r"\b((?:total|accumulate|product_of)\w*)\(", text)
    name, of_examples = ("accumulate", "") if name == "gradient_descent" else ("product", "_of_examples")
    assert set(sums) == {"total_of_examples", *(name + of for of in (of_examples, "_of_vector"))}
    assert (sums.count(f"{name}_of_vector"), sums.count("total_of_examples")) == (3, 5)


@pytest.mark.parametrize("name", STEP_RULES)
def test_a_check_takes_the_gradient_by_the_products_that_train(name: str) -> None:
    one = task(optimizer=name)
    state = one.state()
    rule = KeepGradient(at_once=not state.optimizer.memory)
    products = []
    for optimizer in (one.optimizer, rule):
        text = step_source(
            record(replace(one.recipe(), optimizer=optimizer), state.tallies, np.dtype("float64"), single=False)
        ).text
        products.append(re.findall(r"^ +(product\w*|accumulate\w*)\(", text, re.MULTILINE))
    assert products[0] == products[1]
    given = state.theta, one.examples(), [np.arange(5), np.arange(1), np.arange(3)]
    plain = replace(one.recipe(), optimizer=Momentum())
    found, expected = gradients_of(one.recipe(), *given, Engine("numba")), gradients_of(plain, *given)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)


@pytest.mark.parametrize("single", [False, True])
def test_one_program_serves_every_width_and_setting(single: bool) -> None:  # noqa: FBT001
    texts = set()
    for widths, rate in (((4, 5, 3), 0.3), ((7, 7, 7), 0.1)):
        one = task(widths=widths)
        recipe = replace(one.recipe(), optimizer=GradientDescent(rate))
        texts.add(step_source(record(recipe, one.state().tallies, np.dtype("float64"), single=single)).text)
    assert len(texts) == 1

"""Programs compiled by Numba: the numbers of the NumPy engine, one compilation for all widths, cached."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from bpcli.data.sources import Columns, Examples, Rows
from bpcli.nn.optimizers import GradientDescent
from bpcli.training.compiled.compiled_code import SYMBOL
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.compiled.worth import LONG_LOOP
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Recipe
from bpcli.training.state import TrainingState, start
from tests.nn.support import CORE, REDUCTIONS, STEP_RULES, loss, pairs

from .support import PLAN, Task, agree, numbers, residuals, task

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
"""Of each array's largest number, after an epoch."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One cache for all, and not the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared))
    return shared / "bp"


def same(one: Task, batch_size: int) -> None:
    found = one.trained(CompiledSteps, batch_size, epochs=1)
    agree(found, one.trained(NumpySteps, batch_size, epochs=1), TOLERANCE[one.dtype])


REGRESSION: dict[str, Any] = {
    "output": "identity",
    "of": loss("half_squared_error"),
    "tallies": residuals,
    "optimizer": "adam",
    "dtype": "float32",
}


def test_one_epoch_agrees_with_the_reference() -> None:
    """Of a network of so many layers that some of it is written once."""
    same(task(**REGRESSION, size=50, widths=(4, 5, 3, 5, 3), hidden=("tanh",) * 3), 4)


def test_threads_change_no_bit() -> None:
    """Neither of products nor of loops over parameters."""
    one, crews = task(**REGRESSION, widths=(220, 300, 3), size=1060), []

    def steps(recipe: Recipe, state: TrainingState, examples: Examples, threads: int) -> CompiledSteps:
        made = CompiledSteps(replace(recipe, plan=replace(PLAN, batch_size=512)), state, examples, threads)
        crews.append(made.crew.threads)
        return made

    alone = numbers(one.trained(partial(steps, threads=1), 512))
    assert alone["theta"].size >= LONG_LOOP
    for threads in (2, 3, 5):
        shared = numbers(one.trained(partial(steps, threads=threads), 512))
        assert all(shared[name].tobytes() == array.tobytes() for name, array in alone.items()), threads
    assert crews == [1, 2, 3, 5]


def test_float32_keeps_its_digits_on_a_batch_of_any_size() -> None:
    """All that is summed over examples: the gradient, which Adam's memory has, the loss and the tallies."""
    one = task(**REGRESSION, size=200_000)
    exact = replace(one, dtype="float64")
    found, expected = one.trained(CompiledSteps, one.size, 1), exact.trained(NumpySteps, one.size, 1)
    agree(found, expected, 3e-7)
    np.testing.assert_allclose(found.tallies.tensors()["residuals.sums"], expected.tallies.tensors()["residuals.sums"])


class Separated(Task):
    """Logits so far on the right side that each term of the loss is what is left of a difference."""

    def examples(self) -> Examples:
        X = np.array([[20.0], [18], [-19], [-21], [25], [-17], [16], [22.5]], self.dtype)
        return Examples(Rows(X), Columns((X.T > 0).astype(self.dtype)))

    def state(self) -> TrainingState:
        return start(self.recipe(), np.array([1.0, 0.0], self.dtype), self.tallies(1))


class Constant(Task):
    """A target whose spread is 0 to the last bit, as long as nobody reorders its running mean."""

    def examples(self) -> Examples:
        X, Y = np.arange(9.0)[:, None].astype(self.dtype), np.full((1, 9), 0.1, self.dtype)
        return Examples(Rows(X), Columns(Y))


@pytest.mark.parametrize(("kind", "batch_size"), [(Separated, 4), (Constant, 3)])
def test_digits_that_a_formulas_order_keeps_are_kept(kind: type[Task], batch_size: int) -> None:
    given = task("sigmoid", loss("binary_cross_entropy"), hidden=(), widths=(1, 1))
    one = kind(given.network, GradientDescent(1e-12), "float32", residuals)
    found, expected = (numbers(one.trained(steps, batch_size, epochs=1)) for steps in (CompiledSteps, NumpySteps))
    for name in ("losses", *(key for key in expected if key.startswith("tally"))):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=0, err_msg=name)


def test_compiled_code_is_kept_for_every_network_of_its_kind(cache: Path) -> None:
    before = set(cache.glob("kernel_*"))
    first, second = task(widths=(4, 5, 3)), task(widths=(6, 2, 4))
    messages = [list(steps_of(one).prepare(1)) for one in (first, first, second)]
    assert messages == [["compiling the steps of this kind of network, for single examples; it is done once"], [], []]
    made = set(cache.glob("kernel_*")) - before
    assert len([path for path in made if SYMBOL not in path.name]) == 1
    same(first, 1)
    same(second, 1)


def steps_of(one: Task) -> CompiledSteps:
    return CompiledSteps(one.recipe(), one.state(), one.examples())


def called(routine: Any, count: int) -> Any:
    """A function of so many arguments for Python, which what is for compiled code alone is not."""
    from numba import njit

    names = ", ".join("abcde"[:count])
    return njit(eval(f"lambda {names}: routine({names})", {"routine": routine}))


def test_a_long_sum_loses_nothing_in_its_last_digits() -> None:
    """Where terms are alike, each one added to float32 would be rounded the same way."""
    from bpcli.training.compiled import products, sums
    from bpcli.training.compiled.blocks import ROOM

    accumulate, product_of_examples = called(products.accumulate, 5), called(products.product_of_examples, 4)
    long_inner, total_of_examples = called(sums.long_inner, 3), called(sums.total_of_examples, 1)
    m, room = 100_003, np.empty(ROOM, np.uint8)
    left, right = np.full((2, m), 0.1, np.float32), np.full((m, 3), 0.7, np.float32)
    exact = float(left[0, 0]) * float(right[0, 0]) * m
    near = partial(np.testing.assert_allclose, rtol=2e-7)
    turned, out, theta = np.asfortranarray(right), np.empty((2, 3), np.float32), np.ones((2, 3), np.float32)
    product_of_examples(left, turned, out, room)
    near(out, exact, rtol=5e-6)
    accumulate(np.float32(0.01 / exact), left, turned, theta, room)
    near(theta, 1.01)
    near(long_inner(left[0], turned[:, 0], np.float32(0)), exact)
    near(total_of_examples(left[0]), float(left[0, 0]) * m, rtol=1e-14)
    near(total_of_examples(np.array([1e16, *np.zeros(511), *np.full(1024, 0.001), -1e16])), 1.024)
    assert total_of_examples(np.full(2000, 1e308)) == np.inf


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.slow), "float64"])
def test_products_by_loops_and_by_tiles_are_matrix_products(dtype: str) -> None:
    from bpcli.training.compiled import products
    from bpcli.training.compiled.blocks import ROOM

    accumulate, product_along_rows = called(products.accumulate, 5), called(products.product_along_rows, 4)
    product_of_examples = called(products.product_of_examples, 4)
    rng, kind, room = np.random.default_rng(1), np.dtype(dtype).type, np.empty(ROOM, np.uint8)
    for n, m, k in product([1, 2, 5, 60], [1, 3, 5, 10, 70], [1, 4, 11, 64]):
        left, right, out = (rng.normal(size=shape).astype(dtype) for shape in ((n, m), (m, k), (n, k)))
        turned = np.asfortranarray(right)
        expected = left.astype(np.float64) @ right
        near = partial(np.testing.assert_allclose, rtol=0, atol=100 * np.finfo(dtype).eps * m, err_msg=f"{n} {m} {k}")
        product_along_rows(left, turned, out, room)
        near(out, expected)
        accumulate(kind(-0.5), left, turned, out, room)
        near(out, 0.5 * expected)
        product_of_examples(left, right, out, room)
        near(out, expected)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize(("output", "name"), pairs())
def test_every_output_under_every_loss_compiled(output: str, name: str, batch_size: int) -> None:
    """In steps so small that the steepest, softmax under gamma, does not diverge."""
    for outputs, examples in zip(REDUCTIONS, REDUCTIONS, strict=True):
        one = task(output, loss(name, outputs, examples), size=50)
        same(replace(one, optimizer=GradientDescent(0.002)), batch_size)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("hidden", CORE)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_core_of_hidden_activations_compiled(dtype: str, hidden: str, batch_size: int) -> None:
    same(task(hidden=(hidden,), optimizer="adam", dtype=dtype, size=50), batch_size)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", STEP_RULES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_every_rule_compiled(dtype: str, optimizer: str) -> None:
    for hidden, batch_size in (("tanh", 4), ("relu", 1)):
        one = task(hidden=(hidden,), optimizer=optimizer, dtype=dtype, size=50)
        rule: Any = one.optimizer
        same(replace(one, optimizer=replace(rule, learning_rate=0.02)), batch_size)

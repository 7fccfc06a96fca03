"""What is recorded is what was asked for; what cannot be recorded is refused by name; a defect stays a defect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from bpcli.data.sources import Examples
from bpcli.nn import Array
from bpcli.nn.activations import Tanh
from bpcli.nn.losses import BinaryCrossEntropy
from bpcli.nn.network import dense
from bpcli.nn.penalties import Penalty
from bpcli.nn.schedules import Schedule
from bpcli.nn.tallies import Decisions, Judging, Outputs, Residuals, Scoring, Tallies, Tally
from bpcli.nn.transformations import Transformation
from bpcli.nn.workspace import Scratch
from bpcli.training.compiled import steps as compiled
from bpcli.training.compiled.operations import Dot
from bpcli.training.compiled.passes import DTHETA, simplified
from bpcli.training.compiled.program import Program
from bpcli.training.compiled.recorder import Recorder, disjoint
from bpcli.training.compiled.recording import record
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.compiled.symbols import SymbolicArray, SymbolicNumber, UntraceableError
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import TrainingState
from tests.probes.choices import Decaying, Fading, LookAhead, NormLimit, Ridge

from .support import Task, agree, interpreted, task

every_batch_size = pytest.mark.parametrize("batch_size", [1, 4, 5])


@pytest.fixture(autouse=True)
def without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "load_kernel", interpreted)


METRIC_WEIGHTS = np.random.default_rng(9).uniform(0, 2, 1000)


@dataclass
class Changed(Task):
    """A task whose recipe has more to it, and whose examples may have weights."""

    change: Callable[[Recipe], Recipe] = lambda recipe: recipe
    weighted: bool = False
    metrics_weighted: bool = False

    def recipe(self, plan: Plan | None = None) -> Recipe:
        return self.change(super().recipe())

    def examples(self) -> Examples:
        plain = super().examples()
        weights = np.random.default_rng(8).uniform(0, 2, self.size) if self.weighted else None
        metric_weights = METRIC_WEIGHTS[: self.size] if self.metrics_weighted else None
        return Examples(plain.features, plain.targets, weights=weights, metric_weights=metric_weights)


def changed(change: Callable[[Recipe], Recipe] = lambda recipe: recipe, *, weighted: bool = False) -> Changed:
    given = task(hidden=("tanh",))
    return Changed(given.network, given.optimizer, change=change, weighted=weighted, metrics_weighted=weighted)


def same(one: Task, batch_size: int, tolerance: float = 1e-12) -> TrainingState:
    with np.errstate(all="ignore"):
        found = one.trained(CompiledSteps, batch_size)
    agree(found, one.trained(NumpySteps, batch_size), tolerance)
    return found


ridge: Penalty = Ridge(strength=0.3)
shortened: Transformation = NormLimit(limit=0.2)
halving: Schedule = Decaying(factor=0.5)

CHANGES: dict[str, Callable[[Recipe], Recipe]] = {
    "a rule that looks ahead": lambda recipe: replace(recipe, optimizer=LookAhead(learning_rate=0.1, momentum=0.8)),
    "a memory of one number": lambda recipe: replace(recipe, optimizer=Fading(learning_rate=0.1, decay=0.5)),
    "a penalty": lambda recipe: replace(recipe, penalties=(ridge,)),
    "a clipped gradient": lambda recipe: replace(recipe, clip=shortened),
    "a penalty, then clipped": lambda recipe: replace(recipe, penalties=(ridge,), clip=shortened),
    "a decaying rate": lambda recipe: replace(recipe, schedule=halving),
}


@every_batch_size
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_a_recipe_adds_is_recorded(change: Callable[[Recipe], Recipe], batch_size: int) -> None:
    found = same(changed(change), batch_size)
    plain = changed().trained(NumpySteps, batch_size)
    assert not np.allclose(found.theta, plain.theta, rtol=1e-6), "the change must show"


@every_batch_size
def test_weights_of_examples_are_recorded(batch_size: int) -> None:
    found = same(changed(weighted=True), batch_size)
    plain = changed().trained(NumpySteps, batch_size)
    assert found.losses.sums[1] != plain.losses.sums[1]


def test_the_last_learning_rate_is_known() -> None:
    found = same(changed(CHANGES["a decaying rate"]), 4)
    assert found.learning_rate == 0.3 * 0.5 ** (found.optimizer.step - 1)


class OtherHidden(Tanh):
    """A formula that the recorder meets in a hidden layer."""

    formula_: ClassVar[Callable[[Array, Array], None]]

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        type(self).formula_(Z, out)


def with_formula(formula: Callable[[Any, Any], Any]) -> Recipe:
    kind = type("Other", (OtherHidden,), {"formula_": staticmethod(formula)})
    one = task()
    return replace(one.recipe(), network=dense(one.network.sizes, (kind(),), one.network.head))


def recorded(recipe: Recipe, tallies: Tallies | None = None) -> Program:
    tallies = tallies or task().state().tallies
    return record(recipe, tallies, np.dtype("float64"), single=False)


def raise_type_error(Z: Any, out: Any) -> None:
    len(3)  # type: ignore[arg-type]


def raise_attribute_error(Z: Any, out: Any) -> None:
    (3).transpose()  # type: ignore[attr-defined]


def raise_value_error(Z: Any, out: Any) -> None:
    float("three")


@pytest.mark.parametrize(
    ("formula", "error"),
    [(raise_type_error, TypeError), (raise_attribute_error, AttributeError), (raise_value_error, ValueError)],
)
def test_a_defect_in_a_formula_is_no_missing_compiled_form(
    formula: Callable[[Any, Any], None], error: type[Exception]
) -> None:
    with pytest.raises(error):
        recorded(with_formula(formula))


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (lambda Z, out: np.copyto(out, Z.cumsum(axis=0)), r"\.cumsum of an array"),
        (lambda Z, out: np.copyto(out, np.sort(Z, axis=0)), r"numpy\.sort"),
        (lambda Z, out: np.copyto(out, np.asarray(Z)), "a function of NumPy that needs values"),
        (lambda Z, out: np.argmax(Z, axis=0), r"numpy\.argmax with these arguments"),
        (lambda Z, out: np.add(Z, np.ones(3), out), "a ndarray among the operands"),
        (lambda Z, out: np.copyto(out, Z) if np.add.reduce(Z[0]) > 0 else None, "a branch on number"),
        (lambda Z, out: np.multiply(Z, float(np.add.reduce(Z[0])), out), "the value of sum"),
        (lambda Z, out: Z.dot(Z), "numpy.dot of these arrays"),
        (lambda Z, out: np.copyto(out, Z[::2]), "indexing by"),
    ],
    ids=["method", "function", "values", "arguments", "array", "branch", "value", "dot", "slice"],
)
def test_what_has_no_compiled_form_is_refused_by_name(formula: Callable[[Any, Any], Any], words: str) -> None:
    with pytest.raises(UntraceableError, match=words):
        recorded(with_formula(formula))


@every_batch_size
@pytest.mark.parametrize("recorded_too", [False, True])
def test_a_tally_that_is_not_recorded_is_counted_from_outputs_that_are_handed_out(
    batch_size: int, *, recorded_too: bool
) -> None:
    judging = Judging(3, "largest")
    several: list[Tally] = [Outputs(judging), *([Decisions(judging)] if recorded_too else [])]
    one = changed(weighted=True)
    one.tallies = lambda n: Tallies(several).fresh()
    tally = same(one, batch_size).tallies.of(Outputs)
    assert tally.outputs.shape == (3, 2 * one.size)
    assert len(set(tally.weights)) > one.size // 2


@every_batch_size
@pytest.mark.parametrize("scoring", ["largest", "threshold", "residuals"])
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_of_metrics_are_recorded_with_or_without_those_of_the_loss(
    batch_size: int, scoring: Scoring, *, weighted: bool
) -> None:
    kind = Residuals if scoring == "residuals" else Decisions
    given = task("sigmoid", BinaryCrossEntropy(), ("tanh",))
    one = Changed(given.network, given.optimizer, weighted=weighted, metrics_weighted=True)
    one.tallies = lambda n: Tallies([kind(Judging(n, scoring))])
    found = same(one, batch_size).tallies.of(kind).sums
    assert found[0] == pytest.approx(2 * METRIC_WEIGHTS[: one.size].sum(), rel=1e-12)


def symbolic_matrix() -> tuple[Recorder, SymbolicArray]:
    recorder = Recorder()
    return recorder, recorder.array("A", (SymbolicNumber(recorder, "n"), SymbolicNumber(recorder, "m")), "float64")


def test_rows_counted_from_both_ends_may_be_the_same() -> None:
    _, A = symbolic_matrix()
    assert disjoint(A[0], A[1])
    assert disjoint(A[-1], A[-2])
    assert not disjoint(A[2], A[-1])
    assert not disjoint(A[1], A[1])


def test_the_length_of_a_slice_is_a_number_like_any_other() -> None:
    recorder, A = symbolic_matrix()
    rest = A[1:]
    assert isinstance(rest.shape[0], SymbolicNumber)
    assert str(rest.shape) == "((n - 1), m)"
    assert str(rest.size) == "(n - 1) * m"
    assert recorder.operations == []


def test_a_vector_that_is_read_after_an_update_through_a_view_keeps_its_order() -> None:
    """θ ← θ − dθ through a view of θ: the products may not move past what then reads θ."""
    recorder = Recorder()
    P = SymbolicNumber(recorder, "P")
    theta, dtheta = (recorder.array(name, (P, 1), "float64") for name in ("theta", DTHETA))
    dZ, A = (recorder.array(name, shape, "float64") for name, shape in (("dZ", (P, 3)), ("A", (3, 1))))
    copied = recorder.array("copied", (P, 1), "float64")
    dZ.dot(A, dtheta)
    seen = theta[:]
    np.subtract(seen, dtheta, seen)
    copied[...] = theta
    kept = ("theta", "copied")
    program = Program(tuple(recorder.operations), recorder.symbols, kept, (), (), (), {}, (), False, False)
    assert isinstance(simplified(program)[0], Dot)

"""Which engine takes the steps, and what a new activation has to do for it: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from bpcli.errors import ConfigError
from bpcli.nn import Array
from bpcli.nn.network import dense
from bpcli.nn.optimizers import OPTIMIZERS, Gradient, GradientDescent, OptimizerState
from bpcli.nn.workspace import Scratch
from bpcli.training import engines
from bpcli.training.compiled import steps as compiled
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.engines import Engine, Work, choose_engine
from bpcli.training.iteration_steps import IterationSteps
from bpcli.training.numba_library import numba_compiles
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan
from tests.training.compiled.support import Task, agree, interpreted, task

LONG = Plan(epochs=1000, batch_size=4, shuffle=True, seed=0)


def work(one: Task, plan: Plan = LONG, examples: int = 10_000) -> Work:
    return Work(one.recipe(plan), one.state().tallies, np.dtype(one.dtype), examples)


@dataclass(frozen=True)
class Arctan:
    """An activation that the project does not have, of functions that NumPy has."""

    slope: float = 2.0

    range: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        np.multiply(Z, self.slope, out)
        np.arctan(out, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        np.multiply(Z, self.slope, out)
        np.square(out, out)
        np.add(out, 1, out)
        np.divide(self.slope, out, out)
        np.multiply(out, dA, out)


class Sorted(Arctan):
    """An activation that asks for what has no compiled form."""

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        np.copyto(out, np.sort(Z, axis=0))


def with_hidden(kind: Any) -> Task:
    one = task()
    return replace(one, network=dense(one.network.sizes, (kind(),), one.network.head))


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_new_activation_is_compiled_as_it_stands(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "load_kernel", interpreted)
    one = with_hidden(Arctan)
    agree(one.trained(CompiledSteps, batch_size), one.trained(NumpySteps, batch_size), 1e-12)


def test_long_work_is_compiled_and_short_work_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "numba_installed", lambda: True)
    assert choose_engine("auto", 1, 1, work(task())) == (Engine("numba"), "")
    assert choose_engine("auto", 1, 1, work(task(), replace(LONG, epochs=1))) == (Engine("numpy"), "")


def test_without_numba_everything_is_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "numba_installed", lambda: False)
    assert choose_engine("auto", 1, 1, work(task())) == (Engine("numpy"), "")
    with pytest.raises(ConfigError, match="needs Numba and SciPy, which are not installed"):
        choose_engine("numba", 1, 1, work(task()))


def test_both_engines_take_shards_and_threads_as_asked_for_or_by_the_work_and_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines, "numba_installed", lambda: True)
    monkeypatch.setattr(engines, "threads_for", lambda asked: 6 if asked == "auto" else asked)
    large = work(task(widths=(784, 512, 10)), Plan(epochs=1000, batch_size=512, shuffle=True, seed=0))
    for name in ("numpy", "numba"):
        assert choose_engine(name, 3, 2, work(task())) == (Engine(name, 3, 2), "")
        assert choose_engine(name, "auto", "auto", large) == (Engine(name, 2, 6), "")
    assert choose_engine("auto", 3, 2, work(task())) == (Engine("numba", 3, 2), "")
    assert choose_engine("auto", 3, 2, work(with_hidden(Sorted)))[0] == Engine("numpy", 3, 2)


def test_a_rule_that_cannot_be_compiled_has_compiled_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a step in shards only forward and backward are compiled."""
    monkeypatch.setattr(engines, "numba_installed", lambda: True)
    one = task()
    one.optimizer = Clipped()
    assert choose_engine("numba", 2, 1, work(one)) == (Engine("numba", 2, 1), "")
    with pytest.raises(ConfigError, match="engine numba cannot compile"):
        choose_engine("numba", 1, 1, work(one))


@dataclass(frozen=True)
class Clipped(GradientDescent):
    """Gradient descent that asks for what has no compiled form."""

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        added = gradient(theta, state.dtheta, rate)
        np.subtract(theta, np.clip(state.dtheta, -1, 1), theta)
        return added


def test_what_cannot_be_compiled_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "numba_installed", lambda: True)
    engine, note = choose_engine("auto", 1, 1, work(with_hidden(Sorted)))
    assert (engine.name, note) == ("numpy", "engine numpy, because there is no compiled form of numpy.sort")
    with pytest.raises(ConfigError, match=r"engine numba cannot compile numpy\.sort"):
        choose_engine("numba", 1, 1, work(with_hidden(Sorted)))


def test_where_numba_is_switched_off_auto_says_why_it_takes_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    config = pytest.importorskip("numba.core.config")
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    engine, note = choose_engine("auto", 1, 1, work(task()))
    assert (engine.name, note) == ("numpy", "engine numpy, because NUMBA_DISABLE_JIT switches Numba off")
    with pytest.raises(ConfigError) as caught:
        choose_engine("numba", 1, 1, work(task()))
    assert str(caught.value.hint) == "unset NUMBA_DISABLE_JIT, or engine: numpy"
    assert not numba_compiles()
    monkeypatch.setattr(config, "DISABLE_JIT", 0)
    assert numba_compiles()


def test_what_is_asked_for_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "numba_installed", lambda: True)
    assert choose_engine("numpy", 1, 1, work(task()))[0].name == "numpy"
    assert choose_engine("numba", 1, 1, work(task(), replace(LONG, epochs=1)))[0].name == "numba"


def test_rules_of_second_order_take_the_numpy_engine_without_a_note_and_are_refused_to_numba_by_name() -> None:
    one = task()
    one.optimizer = OPTIMIZERS["lbfgs"]()
    assert choose_engine("auto", 1, 1, work(one)) == (Engine("numpy"), "")
    with pytest.raises(ConfigError) as caught:
        choose_engine("numba", 1, 1, work(one))
    assert caught.value.message == "engine numba cannot compile the iterations of lbfgs"
    assert isinstance(Engine().steps(one.recipe(), one.state(), one.examples()), IterationSteps)

"""An engine's updates: every rule's agree in both engines and precisions, and whatever is changed in them is found."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from bpcli.checking.updates.comparison import UpdateCheck
from bpcli.checking.updates.equations import NotStatedError
from bpcli.checking.updates.subject import Subject, Update
from bpcli.checking.updates.verdicts import EngineCheck
from bpcli.config.reading import read_config
from bpcli.experiment import build
from bpcli.nn import Array
from bpcli.nn.clipping import CLIPPINGS
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers import OPTIMIZERS, Gradient, Memory, OptimizerState, means
from bpcli.nn.penalties import PENALTIES
from bpcli.nn.schedules import SCHEDULES
from bpcli.training.compiled import recording
from bpcli.training.compiled import steps as compiled
from bpcli.training.engines import Engine, EngineName
from bpcli.training.recipe import Recipe
from bpcli.training.shards import updating
from bpcli.training.state import TrainingState, start
from tests.cli.support import points, write_config
from tests.nn.support import STEP_RULES
from tests.probes.choices import Decaying, Dropping, Fading, LookAhead, NormLimit, Ridge
from tests.training.compiled.support import interpreted

ENGINES: tuple[EngineName, ...] = ("numpy", "numba")
PRECISIONS = ("float64", "float32")

every_engine = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probes are choices; programs run without a compiler."""
    for registry, name, kind in (
        (OPTIMIZERS, "look_ahead", LookAhead),
        (OPTIMIZERS, "fading", Fading),
        (PENALTIES, "ridge", Ridge),
        (CLIPPINGS, "norm_limit", NormLimit),
        (SCHEDULES, "decaying", Decaying),
    ):
        monkeypatch.setitem(registry, name, kind)
    monkeypatch.setattr(compiled, "load_kernel", interpreted)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("points")
    points(folder / "points.csv", 50)
    write_config(
        folder / "points.yaml",
        """
        seed: 3
        data: {path: points.csv}
        network: {hidden: [4], activation: tanh}
        loss: cross_entropy
        optimizer: {mode: mini_batch, batch_size: 12, learning_rate: 0.05}
        """,
    )
    return folder / "points.yaml"


def subject(config: Path, engine: EngineName, dtype: str, *changes: str) -> Subject:
    built = build(read_config(config, [*changes, f"dtype={dtype}"]))
    theta, recipe = built.parameters.theta, built.recipe
    return Subject(
        recipe, Engine(engine), built.loaded.parts["train"], lambda: start(recipe, theta.copy(), built.tallies())
    )


def check(config: Path, engine: EngineName, dtype: str, *changes: str, updates: int = 4) -> EngineCheck:
    return UpdateCheck(subject(config, engine, dtype, *changes), None, lambda _: None).check(updates)


def fitted_to(rule: str, changes: list[str]) -> list[str]:
    """Changes of a config as a rule bears them: one for whole batches has them, and no schedule.

    RAdam's first steps are as short as the clipped gradient; a larger η lets them be judged in float32.
    """
    if rule == "radam":
        return ["optimizer.learning_rate=0.05", *changes]
    if rule not in OPTIMIZERS or not OPTIMIZERS[rule].batch_only:
        return changes
    kept = [one for one in changes if not one.startswith(("optimizer.mode", "optimizer.batch_size", "optimizer.sch"))]
    return [*kept, "optimizer.mode=batch", "optimizer.batch_size=null"]


slow = pytest.mark.slow

CHAINS = [
    ["penalties=[{name: ridge, strength: 0.1}]"],
    ["optimizer.clip=norm_limit"],
    ["penalties=[ridge]", "optimizer.clip={name: norm_limit, limit: 0.2}", "optimizer.schedule=decaying"],
]


ONE_BY_ONE = ["optimizer.mode=sgd", "optimizer.batch_size=null"]


@every_engine
@pytest.mark.parametrize("rule", [*STEP_RULES, "look_ahead", "fading"])
@pytest.mark.parametrize(
    "chains", [[CHAINS[-1]], pytest.param([[], *CHAINS[:-1], ONE_BY_ONE], marks=slow)], ids=["all", "apart"]
)
def test_every_rules_updates_agree(config: Path, engine: EngineName, rule: str, chains: list[list[str]]) -> None:
    for dtype in PRECISIONS:
        for changes in chains:
            fitting = fitted_to(rule, changes)
            found = check(config, engine, dtype, f"optimizer.name={rule}", *fitting)
            assert found.passed, (dtype, changes, found.wrong, found.unjudged, found.scaled, found.rates)
            if dtype == "float64":
                assert all(one.judged == one.entries for one in found.arrays)


VARIANTS = [
    ["momentum", "rate_in=step"],
    ["nesterov", "rate_in=step"],
    ["nesterov", "look_ahead=true"],
    ["nesterov", "look_ahead=true", "rate_in=step"],
    ["adagrad", "initial_sum=0.1"],
    ["rmsprop", "centered=true", "decay=0.9"],
    ["rmsprop", "momentum=0.9"],
    ["rmsprop", "centered=true", "momentum=0.5", "learning_rate=0.01"],
    ["adam", "epsilon_at=uncorrected", "epsilon=0.001"],
    ["adamw", "weight_decay=1", "learning_rate=0.01"],
    ["nadam", "momentum_decay=0.5"],
    ["radam", "beta2=0.9", "learning_rate=0.01"],
    ["lion", "weight_decay=1", "learning_rate=0.01"],
]
"""Settings that change a rule's equations, or reach what the defaults do not within a few updates."""


@every_engine
def test_the_updates_of_every_form_of_a_rule_agree(config: Path, engine: EngineName) -> None:
    for rule, *settings in VARIANTS:
        changes = [f"optimizer.name={rule}", *(f"optimizer.{one}" for one in settings), "optimizer.schedule=decaying"]
        for dtype in PRECISIONS:
            found = check(config, engine, dtype, *changes, updates=7)
            assert found.passed, (rule, settings, dtype, found.wrong[:1], found.unjudged, found.at_once)


@every_engine
def test_updates_go_on_through_epochs_and_short_batches(config: Path, engine: EngineName) -> None:
    found = check(config, engine, "float64", "optimizer.name=adam", updates=11)
    assert found.passed
    assert [(one.number, one.epoch, len(one.batch)) for one in found.updates[3:7]] == [
        (4, 1, 12),
        (5, 1, 2),
        (6, 2, 12),
        (7, 2, 12),
    ]
    rows = np.concatenate([one.batch for one in found.updates[:5]])
    assert sorted(rows.tolist()) == list(range(50))


def test_the_updates_are_those_of_the_training(config: Path) -> None:
    given = subject(config, "numpy", "float32", "optimizer.name=momentum")
    updates = given.updates(8, lambda _: None)
    state = given.open_state()
    steps = given.engine.steps(given.recipe, state, given.examples)
    for epoch in (1, 2):
        steps.run(given.recipe.plan.order(epoch, given.examples.size), 12, np.inf)
        state.begin_epoch(epoch)
    assert state.optimizer.step == 10
    assert updates[4].after.step == 5
    np.testing.assert_array_equal(given.updates(10, lambda _: None)[-1].after.theta, state.theta)


def test_updates_go_on_from_the_middle_of_an_epoch(config: Path) -> None:
    given = subject(config, "numpy", "float64", "optimizer.name=adam")
    whole = given.updates(7, lambda _: None)
    state = given.open_state()
    steps = given.engine.steps(given.recipe, state, given.examples)
    steps.run(given.recipe.plan.order(1, given.examples.size)[:24], 12, np.inf)
    tensors, counters = state.tensors(), state.counters()
    assert counters["position"] == 24

    def restored() -> TrainingState:
        other = given.open_state()
        other.restore(tensors, counters)
        return other

    later = replace(given, open_state=restored).updates(5, lambda _: None)
    for one, other in zip(later, whole[2:], strict=True):
        assert (one.number, one.epoch) == (other.number, other.epoch)
        np.testing.assert_array_equal(one.batch, other.batch)
        np.testing.assert_array_equal(one.after.theta, other.after.theta)
    assert UpdateCheck(replace(given, open_state=restored), None, lambda _: None).check(5).passed


def test_a_layer_that_draws_numbers_draws_those_of_the_update(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bpcli.nn.layers import LAYERS

    monkeypatch.setitem(LAYERS, "dropping", Dropping)
    hidden = "network.hidden=[{name: dropping, units: 4, activation: tanh}]"
    for rule in STEP_RULES:
        assert check(config, "numpy", "float64", hidden, f"optimizer.name={rule}", *fitted_to(rule, [])).passed


def test_shards_agree(config: Path) -> None:
    given = subject(config, "numpy", "float64", "optimizer.name=momentum")
    sharded = replace(given, engine=Engine("numpy", shards=3))
    assert UpdateCheck(sharded, None, lambda _: None).check(6).passed


@dataclass(frozen=True)
class Normalised:
    """θ ← θ − η g/|g|: a rule that adds up over all of θ."""

    learning_rate: float = 0.1

    batch_only: ClassVar[bool] = False
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation(
            NEW_THETA,
            "Update",
            "<theta>",
            r"<theta> <minus> \eta \cdot \frac{<gradient>}{\sqrt{\sum (<gradient>)^2}}",
        ),
    )

    def memory(self, size: int) -> dict[str, Memory]:
        return {}

    def buffers(self, size: int) -> dict[str, tuple[int, ...]]:
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        added = gradient(theta, state.dtheta, 1.0)
        np.multiply(state.dtheta, rate / np.sqrt(np.dot(state.dtheta, state.dtheta)), state.dtheta)
        np.subtract(theta, state.dtheta, theta)
        return added


def test_some_entries_are_enough_except_for_a_rule_that_adds_up_over_all(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPTIMIZERS, "normalised", Normalised)
    for rule, entries in (("adam", 3 + 3 + 3 + 3), ("normalised", 27)):
        given = subject(config, "numpy", "float64", f"optimizer.name={rule}")
        found = UpdateCheck(given, 3, lambda _: None).check(2)
        assert found.passed
        assert sum(one.entries for one in found.arrays if one.update == 1 and one.array == NEW_THETA) == entries


# What is changed is found: θ and memory after an update.


ALTERATIONS: dict[str, Callable[[Update], Any]] = {
    "zeros": lambda one: np.zeros_like(one.after.theta),
    "unchanged": lambda one: one.before.theta,
    "noise": lambda one: one.after.theta + np.random.default_rng(1).normal(0, 1e-4, one.after.theta.size).astype("f4"),
    "shuffled": lambda one: np.random.default_rng(1).permutation(one.after.theta),
    "reversed": lambda one: 2 * one.before.theta - one.after.theta,
    "a step 1 % too long": lambda one: one.before.theta + np.float32(1.01) * (one.after.theta - one.before.theta),
    "one entry": lambda one: np.where(np.arange(one.after.theta.size) == 7, one.before.theta, one.after.theta),
    "not a number": lambda one: np.where(np.arange(one.after.theta.size) == 7, np.nan, one.after.theta),
}


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_whatever_else_theta_may_be_is_wrong(config: Path, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, alter in ALTERATIONS.items():
        given = subject(config, "numpy", dtype, "optimizer.name=adam")
        updates = [replace(one, after=replace(one.after, theta=alter(one))) for one in given.updates(3, lambda _: None)]
        with monkeypatch.context() as patched:
            patched.setattr(Subject, "updates", lambda *_, found=updates: found)
            found = UpdateCheck(given, None, lambda _: None).check(3)
        assert {one.update for one in found.wrong} == {1, 2, 3}, name
        assert not found.passed


def test_memory_that_is_not_kept_is_wrong_although_theta_is_right(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = subject(config, "numpy", "float64", "optimizer.name=momentum")
    updates = [
        replace(one, after=replace(one.after, memory={"velocity": 0 * one.after.theta}))
        for one in given.updates(2, lambda _: None)
    ]
    monkeypatch.setattr(Subject, "updates", lambda *_: updates)
    found = UpdateCheck(given, None, lambda _: None).check(2)
    assert {one.array for one in found.wrong} == {"velocity"}


# Slips in the code of bp's own rules, in both engines.

RULE_SLIPS = [
    ("gradient_descent", "gradient(theta, dtheta, rate)", "gradient(theta, dtheta, 1.0)"),
    ("gradient_descent", "gradient(theta, dtheta, rate)", "gradient(theta, dtheta, -rate)"),
    ("gradient_descent", "gradient(theta, dtheta, rate)", "gradient(theta, dtheta, 1.001 * rate)"),
    ("gradient_descent", "gradient(theta, dtheta, rate)", "gradient(theta, dtheta, rate * rate)"),
    ("gradient_descent", "np.subtract(theta, dtheta, theta)", "np.add(theta, dtheta, theta)"),
    ("gradient_descent", "np.subtract(theta, dtheta, theta)", "np.subtract(theta, dtheta, theta);" * 2),
    ("gradient_descent", "np.subtract(theta, dtheta, theta)", "np.subtract(dtheta, theta, theta)"),
    ("gradient_descent", "np.subtract(theta, dtheta, theta)", "pass"),
    ("momentum", "rate if in_velocity else 1.0", "1.0"),
    ("momentum", "rate if in_velocity else 1.0", "rate * (1 - self.momentum)"),
    ("momentum", "np.multiply(v, self.momentum, v)", "pass"),
    ("momentum", "np.multiply(v, self.momentum, v)", "np.multiply(v, 1 - self.momentum, v)"),
    ("momentum", "np.multiply(v, self.momentum, v)", "np.multiply(v, 0.999 * self.momentum, v)"),
    ("momentum", "np.subtract(v, dtheta, v)", "np.add(v, dtheta, v)"),
    ("momentum", "np.add(theta, v, theta)", "np.subtract(theta, v, theta)"),
    ("momentum", "np.add(theta, v, theta)", "np.subtract(theta, dtheta, theta)"),
    ("momentum", "np.add(theta, v, theta)", "np.multiply(v, self.momentum, v); np.add(theta, v, theta)"),
    ("adam", "gradient(theta, dtheta, 1.0)", "gradient(theta, dtheta, rate)"),
    ("adam", "average(m, self.beta1,", "average(m, self.beta2,"),
    ("adam", "np.multiply(new, 1 - decay, scratch)", "np.multiply(new, decay, scratch)"),
    ("adam", "np.multiply(new, 1 - decay, scratch)", "np.multiply(new, 1.0, scratch)"),
    ("adam", "average_square(v, self.beta2,", "average_square(v, self.beta1,"),
    (
        "adam",
        "np.multiply(new, new, scratch)",
        "np.multiply(new, new, scratch); np.multiply(scratch, scratch, scratch)",
    ),
    ("adam", "np.multiply(scratch, 1 - decay, scratch)", "pass"),
    ("adam", "np.sqrt(v, out)", "np.add(v, epsilon, out); np.sqrt(out, out)"),
    ("adam", "np.sqrt(v, out)", "np.sqrt(m * m, out)"),
    ("adam", "(1 - beta2**step) ** -0.5", "1.0"),
    ("adam", "(1 - beta2**step) ** -0.5", "(1 - beta2**step) ** 0.5"),
    ("adam", "(1 - self.beta1**state.step)", "(1 - self.beta1)"),
    ("adam", "(1 - self.beta1**state.step)", "(1 - self.beta1**(state.step + 1))"),
    ("adam", "np.add(out, epsilon, out)", "np.add(out, 1e-4, out)"),
    ("adam", "over_corrected_root(m, v,", "over_corrected_root(dtheta, v,"),
    ("adam", "np.multiply(scratch, rate / ", "np.multiply(scratch, 0.999 * rate / "),
    ("adam", "np.subtract(theta, scratch, theta)", "np.add(theta, scratch, theta)"),
    ("nesterov", "np.multiply(v, self.momentum, scratch)", "np.copyto(scratch, v)"),
    ("adagrad", "np.add(v, scratch, v)", "np.copyto(v, scratch)"),
    ("rmsprop", 'average_square(memory["square"], self.decay', 'average_square(memory["square"], 0.9'),
    ("adadelta", "np.multiply(change, dtheta, change)", "np.multiply(change, v, change)"),
    ("amsgrad", "np.maximum(u, v, out=u)", "np.minimum(u, v, out=u)"),
    ("nadam", "self._momentum(state.step + 1)", "self._momentum(state.step)"),
    ("nadam", "np.multiply(product, mu, product)", "np.multiply(product, nu, product)"),
    ("radam", "trusted * (1 - self.beta2", "(1 - self.beta2"),
    ("lion", "average(m, self.beta2", "average(m, self.beta1"),
    ("lion", "np.sign(direction, direction)", "pass"),
    ("rprop", "np.maximum(turn, self.decrease, out=turn)", "pass"),
    ("rprop", "np.multiply(dtheta, scratch, previous)", "np.copyto(previous, dtheta)"),
    ("adamw", "shrink(state.weights, 1 - rate", "shrink([theta], 1 - rate"),
    ("adamw", "shrink(state.weights, 1 - rate", "shrink(state.weights[1:], 1 - rate"),
    ("adamw", "shrink(state.weights, 1 - rate", "shrink(state.weights, 1 - 0.99 * rate"),
    ("adamw", "shrink(state.weights, 1 - rate * self.weight_decay)", "pass"),
]


def in_config(rule: str) -> list[str]:
    """A rule with settings that show every slip in float32 too."""
    more = {"adamw": ["optimizer.weight_decay=5"], "rprop": ["optimizer.learning_rate=0.5"]}.get(rule, [])
    return [f"optimizer.name={rule}", *more, *fitted_to(rule, [])]


def with_slip(rule: str, right: str, wrong: str) -> Callable[..., Any]:
    """The rule's step with something else in its text, or in that of the functions that it shares with others."""
    place: dict[str, Any] = dict(vars(sys.modules[OPTIMIZERS[rule].__module__]))
    shared = [one for one in place.values() if inspect.isfunction(one) and one.__module__ == means.__name__]
    functions: list[Any] = [*shared, OPTIMIZERS[rule].step]
    texts = [inspect.getsource(one) for one in functions]
    text = "\n".join(map(textwrap.dedent, texts))
    assert text.count(right) == 1, right
    exec(text.replace(right, wrong), place)
    step: Callable[..., Any] = place["step"]
    return step


@pytest.mark.parametrize("dtype", [pytest.param("float64", marks=slow), "float32"])
def test_every_slip_in_a_rules_code_is_found(config: Path, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missed = []  # in the engine that runs the text itself; compiled code is tried with the named slips below
    for rule, right, wrong in RULE_SLIPS:
        with monkeypatch.context() as patched:
            patched.setattr(OPTIMIZERS[rule], "step", with_slip(rule, right, wrong))
            found = check(config, "numpy", dtype, *in_config(rule), updates=3)
            missed += [] if found.wrong else [(rule, right, wrong)]
    assert missed == []


NAMED_SLIPS = {
    ("gradient_descent", "np.subtract(theta, dtheta, theta)", "np.add(theta, dtheta, theta)"): "sign of the gradient",
    ("momentum", "np.multiply(v, self.momentum, v)", "pass"): "velocity: the factor μ is left out",
    ("adam", "(1 - beta2**step) ** -0.5", "1.0"): "update: without the division by 1 − β₂ᵗ",
    ("adam", "np.multiply(new, 1 - decay, scratch)", "np.multiply(new, 1.0, scratch)"): "1 − β₁ is left out",
    ("adam", "np.add(out, epsilon, out)", "np.add(out, 2.5e-4, out)"): "",
    ("adamw", "shrink(state.weights, 1 - rate", "shrink([theta], 1 - rate"): "the biases decay too, by λ",
    ("adamw", "shrink(state.weights, 1 - rate * self.weight_decay)", "pass"): "λ · θ is left out",
}


@every_engine
def test_a_slip_in_a_rules_code_is_named(config: Path, engine: EngineName, monkeypatch: pytest.MonkeyPatch) -> None:
    for (rule, right, wrong), name in NAMED_SLIPS.items():
        with monkeypatch.context() as patched:
            patched.setattr(OPTIMIZERS[rule], "step", with_slip(rule, right, wrong))
            for dtype in PRECISIONS:
                found = check(config, engine, dtype, *in_config(rule), *CHAINS[0])
                assert name in ", or ".join(found.mistakes), (rule, wrong, dtype, found.mistakes)
                assert bool(found.mistakes) == bool(name)


Step = Callable[..., Any]


def changed_rate(more: float) -> Callable[[Step], Step]:
    """A step with η times 1 + ``more``."""
    return lambda right: lambda self, theta, state, g, rate: right(self, theta, state, g, rate * (1 + more))


def afterwards(change: Callable[[Array, Array, float], None]) -> Callable[[Step], Step]:
    """A step that changes θ once more, given θ as it was before and η."""

    def changed(right: Step) -> Step:
        def step(self: Any, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
            before = theta.copy()
            added = right(self, theta, state, gradient, rate)
            change(theta, before, float(rate))
            return added

        return step

    return changed


def noisy_gradient(right: Step) -> Step:
    """A step whose gradient has noise in its last digits."""
    rng = np.random.default_rng(1)

    def step(self: Any, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        def noisy(at: Array, out: Array, factor: Any) -> Any:
            added = gradient(at, out, factor)
            out *= 1 + 1e-11 * rng.normal(size=out.size)
            return added

        return right(self, theta, state, noisy, rate)

    return step


def other_epsilon(epsilon: float) -> Callable[[Step], Step]:
    """Adam's step with another ε."""
    return lambda right: lambda self, *given: right(replace(self, epsilon=epsilon), *given)


def moved(theta: Array, _: Array, __: float) -> None:
    theta += 1e-12


def one_entry_scaled(theta: Array, _: Array, __: float) -> None:
    theta[5] *= 1 + 2e-14


def one_entry_moved(theta: Array, _: Array, __: float) -> None:
    theta[5] += 2e-6


def decayed(strength: float) -> Callable[[Array, Array, float], None]:
    def decay(theta: Array, before: Array, rate: float) -> None:
        theta -= (rate * strength * before).astype(theta.dtype)

    return decay


SMALL_MISTAKES: list[tuple[str, str, int, Callable[[Step], Step], str]] = [
    ("gradient_descent", "float64", 4, changed_rate(1e-9), "the learning rate is 1.000000001 times"),
    ("gradient_descent", "float64", 4, afterwards(moved), ""),
    ("gradient_descent", "float64", 4, noisy_gradient, ""),
    ("gradient_descent", "float32", 4, changed_rate(1e-5), ""),
    ("gradient_descent", "float64", 4, afterwards(one_entry_scaled), ""),
    ("gradient_descent", "float32", 1, afterwards(one_entry_moved), ""),
    ("adam", "float32", 4, other_epsilon(1e-7), ""),
    ("adam", "float32", 4, afterwards(decayed(1e-4)), ""),
    ("adam", "float32", 4, afterwards(decayed(3e-4)), ""),
    ("adam", "float64", 4, afterwards(decayed(1e-4)), "0.0001 · θ, is subtracted from θ (decoupled)"),
]
"""Rule, precision, updates, a small mistake, and its name where the numbers show one."""


def test_a_small_mistake_does_not_get_the_name_of_one_that_these_numbers_do_not_show(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for k, (rule, dtype, updates, mistake, name) in enumerate(SMALL_MISTAKES):
        with monkeypatch.context() as patched:
            patched.setattr(OPTIMIZERS[rule], "step", mistake(OPTIMIZERS[rule].step))
            found = check(config, "numpy", dtype, f"optimizer.name={rule}", updates=updates)
        assert found.wrong, k
        assert name in ", or ".join(found.mistakes), (k, found.mistakes)
        assert bool(found.mistakes) == bool(name), (k, found.mistakes)


@every_engine
def test_updates_that_are_counted_twice_are_found(
    config: Path, engine: EngineName, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(rule: Any, theta: Any, state: Any, gradient: Any, rate: Any) -> Any:
        state.step += 2
        return rule.step(theta, state, gradient, rate)

    room: ModuleType = updating if engine == "numpy" else recording
    monkeypatch.setattr(room, "update", update)
    assert check(config, engine, "float64", "optimizer.name=adam").wrong


@every_engine
def test_a_schedule_that_is_one_update_late_is_found(
    config: Path, engine: EngineName, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Recipe.rates
    monkeypatch.setattr(
        Recipe, "rates", lambda self, first, count, course: right(self, max(first - 1, 0), count, course)
    )
    found = check(config, engine, "float64", "optimizer.schedule=decaying")
    assert [rate.update for rate in found.rates if not rate.passed] == [2, 3, 4]
    assert {one.update for one in found.wrong} == {2, 3, 4}


def test_a_schedules_wrong_rates_are_found(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decaying, "rates", lambda self, base, updates, *_: base * self.factor ** (updates + 1.0))
    assert not check(config, "numpy", "float64", "optimizer.schedule=decaying").passed


CHAIN_SLIPS: list[tuple[type[Any], str, Callable[..., Any]]] = [
    (
        Ridge,
        "penalties=[ridge]",
        lambda self, parameters, gradient, *_: gradient.theta.__iadd__(self.strength * parameters.theta).sum() * 0,
    ),
    (Ridge, "penalties=[ridge]", lambda *_: 0.0),
    (NormLimit, "optimizer.clip=norm_limit", lambda *_: 0.0),
    (
        NormLimit,
        "optimizer.clip=norm_limit",
        lambda self, _, gradient, *__: np.clip(gradient.theta, -self.limit, self.limit, gradient.theta).sum() * 0,
    ),
]


@pytest.mark.parametrize("rules", [["gradient_descent", "adamw", "nesterov"], pytest.param(STEP_RULES, marks=slow)])
def test_a_penalty_or_clipping_other_than_it_says_is_found(
    config: Path, rules: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, change, apply in CHAIN_SLIPS:
        with monkeypatch.context() as patched:
            patched.setattr(kind, "apply", apply)
            for rule in rules:
                assert check(config, "numpy", "float64", change, *in_config(rule)).wrong, (kind, rule)


def test_updates_that_differ_when_taken_in_one_call_are_found(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bpcli.training.shards import Gradients

    right = Gradients.at
    monkeypatch.setattr(
        Gradients,
        "at",
        lambda self, examples, slot=0: right(self, examples[::-1] + 0 * slot if not slot else examples * 0, slot),
    )
    found = check(config, "numpy", "float64")
    assert not found.at_once
    assert not found.passed


# What cannot be judged or is not stated.


def test_steps_below_the_last_bits_are_not_judged_in_float32(config: Path) -> None:
    tiny = "optimizer.learning_rate=1e-9"
    found = check(config, "numpy", "float32", tiny)
    assert not found.passed
    assert not found.wrong
    assert "W1" in found.unjudged
    assert check(config, "numpy", "float64", tiny).passed


BEYOND = [
    ("gradient_descent", "float32", "1e30"),
    ("gradient_descent", "float64", "1e300"),
    ("gradient_descent", "float32", "1e-44"),
    ("gradient_descent", "float32", "1e-300"),
    ("gradient_descent", "float64", "1e-320"),
    ("momentum", "float32", "1e-40"),
    ("adam", "float32", "3e38"),
    ("adam", "float64", "1e308"),
]
"""Rules, precisions and learning rates with which numbers over- or underflow."""


@every_engine
def test_updates_beyond_the_precisions_range_are_not_judged(config: Path, engine: EngineName) -> None:
    for rule, dtype, rate in BEYOND:
        with np.errstate(all="ignore"):
            found = check(config, engine, dtype, f"optimizer.name={rule}", f"optimizer.learning_rate={rate}")
        assert found.beyond, (rule, dtype, rate)
        assert not found.passed
        assert not found.wrong, (rule, dtype, rate, found.wrong[0])
        assert not found.scaled, (rule, dtype, rate)


def test_a_wrong_factor_of_the_gradient_within_the_range_is_found(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bpcli.training.shards import Batch

    right = Batch._begin

    def with_wrong_factor(self: Batch, theta: Array, out: Array, factor: float) -> None:
        right(self, theta, out, factor if factor == 1 else 1.01 * factor)

    for rate in ("1e-20", "0.05", "1e20"):
        with monkeypatch.context() as patched:
            patched.setattr(Batch, "_begin", with_wrong_factor)
            found = check(config, "numpy", "float32", f"optimizer.learning_rate={rate}", updates=1)
        assert found.scaled == (1,), rate
        assert not found.beyond


def test_parameters_that_do_not_move_are_judged(config: Path) -> None:
    found = check(config, "numpy", "float64", "network.initializer=zeros")
    assert found.passed


def test_a_choice_that_states_no_formula_is_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [
        (LookAhead, "equations", "optimizer.name=look_ahead", "rule look_ahead states no equations"),
        (Ridge, "term", "penalties=[ridge]", "penalty ridge states no term"),
        (NormLimit, "formula", "optimizer.clip=norm_limit", "clipping norm_limit states no formula"),
        (Decaying, "formula", "optimizer.schedule=decaying", "schedule decaying states no formula"),
    ]
    for kind, attribute, change, words in cases:
        with monkeypatch.context() as patched:
            patched.delattr(kind, attribute)
            with pytest.raises(NotStatedError, match=words):
                check(config, "numpy", "float64", change)

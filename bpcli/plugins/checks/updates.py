"""An update is what its rule states, and a learning rate what its schedule states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.checking.updates.comparison import UpdateCheck
from bpcli.checking.updates.equations import NotStatedError, stated_rate
from bpcli.checking.updates.subject import Subject
from bpcli.checking.updates.verdicts import name_of_array
from bpcli.nn import Array
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.metrics import tallies_for
from bpcli.nn.optimizers import start, update
from bpcli.nn.schedules import Course
from bpcli.nn.tallies import Judging
from bpcli.plugins import samples
from bpcli.training import state as training_state
from bpcli.training.engines import Engine

UPDATES = 4
"""Updates that a rule takes in the check."""

TOLERANCE = 1e-9
"""The relative error of a learning rate in float64 from which on it differs: far above rounding."""


def faults_of_rule(kind: type[Any]) -> Iterator[str]:
    """Its updates against its equations, where it states them; and whether its memory is all that it needs."""
    rule = kind()
    network = samples.network_with()
    examples, recipe = samples.examples_for(HalfSquaredError.targets), samples.recipe_for(network, rule)

    def opened() -> Any:
        return training_state.start(recipe, samples.first_theta(network), tallies_for({}, Judging(2, "residuals")))

    yield from _memory_faults(rule)
    subject = Subject(recipe, Engine(), examples, opened)
    try:
        checked = UpdateCheck(subject, None, lambda _: None).check(UPDATES)
    except NotStatedError:
        return  # it is explained by its name, and bp stepcheck refuses it
    for one in checked.wrong[:1]:
        yield (
            f"update {one.update} is not its stated equations: {name_of_array(one)}[{one.row}, {one.column}] "
            f"is {one.found:.9g}, by the equations {one.right:.9g}"
        )
    if not checked.at_once:
        yield "several updates in one call give other bits than one at a time"


def _memory_faults(rule: Any) -> Iterator[str]:
    """A rule that continues from a copy of its declared memory goes the same way."""
    rng = np.random.default_rng(samples.SEED)
    theta, gradients = rng.normal(size=6), rng.normal(size=(UPDATES, 6))
    state = start(rule, theta)
    copied: tuple[Array, Any] | None = None
    for k, gradient in enumerate(gradients):
        if k == UPDATES // 2:
            other = theta.copy()
            copied = other, start(rule, other)
            copied[1].step = state.step
            for name, array in state.memory.items():
                copied[1].memory[name][...] = array
        _take(rule, theta, state, gradient)
        if copied is not None:
            _take(rule, *copied, gradient)
    assert copied is not None
    if not np.array_equal(theta, copied[0], equal_nan=True):
        yield (
            "it keeps something besides its declared memory: "
            f"continued from a copy, θ[0] is {copied[0][0]:.9g}, not {theta[0]:.9g}"
        )


def _take(rule: Any, theta: Array, state: Any, gradient: Array) -> None:
    def given(_theta: Array, out: Array, factor: Any) -> Any:
        np.multiply(gradient, factor, out)
        return 0.0

    with np.errstate(all="ignore"):
        update(rule, theta, state, given, 0.01)


def faults_of_schedule(kind: type[Any]) -> Iterator[str]:
    """Rates are finite, not negative, do not depend on how many are asked for, and are those of the formula."""
    schedule, course = kind(), Course(updates=60, per_epoch=6, examples=24)
    rates = np.asarray(schedule.rates(0.1, np.arange(60), course))
    if rates.shape != (60,) or not np.isfinite(rates).all() or (rates < 0).any():
        yield f"the rates of 60 updates are {rates.shape}, from {rates.min():.6g} to {rates.max():.6g}"
        return
    pieces = np.concatenate([schedule.rates(0.1, np.arange(k, k + 10), course) for k in range(0, 60, 10)])
    if not np.array_equal(rates, pieces):
        k = int(np.flatnonzero(rates != pieces)[0])
        yield f"the rate of update {k} is {rates[k]:.9g} among 60, {pieces[k]:.9g} among 10"
    try:
        wanted = [float(stated_rate(schedule, 0.1, k, course).value) for k in range(60)]
    except NotStatedError:
        return
    wrong = np.flatnonzero(~np.isclose(rates, wanted, rtol=TOLERANCE))
    if len(wrong):
        yield f"the rate of update {wrong[0]} is {rates[wrong[0]]:.9g}, by its formula {wanted[wrong[0]]:.9g}"

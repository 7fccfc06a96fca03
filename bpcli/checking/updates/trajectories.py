"""Where a rule leads: θ after each of some updates with given gradients, by right or mistaken equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

import numpy as np

from bpcli.checking.rewriting import nodes, with_node
from bpcli.checking.updates.bounds import Bounded, Precision, exactly, precision_of
from bpcli.checking.updates.equations import GRADIENT, RATE, STEP, THETA, StatedRule
from bpcli.checking.updates.reference import Snapshot, right_update, values_before
from bpcli.nn import Array, IndexArray
from bpcli.nn.expressions import Floats, Number, Power, Product, evaluate, symbol_names
from bpcli.nn.markup import NEW_THETA
from bpcli.nn.parameters import Layout, Parameters


@dataclass(frozen=True)
class Task:
    """What another program is given: where it starts, and the gradient and η of each update.

    ``first`` are the values of the memory before a training's first update, ``batches`` the updates' numbers of
    examples, ``base`` the rule's η before a schedule. ``layout`` is θ's; ``places`` are the
    entries of θ that the arrays hold.
    """

    rule: StatedRule
    start: Snapshot
    first: Mapping[str, float]
    gradients: tuple[Array, ...]
    rates: tuple[float, ...]
    batches: tuple[int, ...]
    base: float
    layout: Layout
    places: IndexArray

    @property
    def count(self) -> int:
        """The number of updates."""
        return len(self.gradients)

    @cached_property
    def weights(self) -> Array:
        """Which of the entries belong to a W."""
        found = np.zeros(self.layout.count, bool)
        for W in Parameters(self.layout, found).W[1:]:
            W[...] = True
        return found[self.places]

    @property
    def steps(self) -> tuple[int, ...]:
        """The number of each update, from 1."""
        return tuple(self.start.step + k for k in range(1, self.count + 1))

    def at(self, places: IndexArray) -> Task:
        """The same of some entries of θ alone; memory of another shape stays whole."""
        size, start = self.start.theta.size, self.start
        memory = {name: array[places] if array.shape == (size,) else array for name, array in start.memory.items()}
        chosen = replace(start, theta=start.theta[places], memory=memory)
        gradients = tuple(gradient[places] for gradient in self.gradients)
        return replace(self, start=chosen, gradients=gradients, places=self.places[places])


@dataclass(frozen=True)
class Way:
    """A way to take a task's updates, right or mistaken: the rule, and each update's gradient, η and number.

    ``forgets`` are the updates, from 0, that find the memory as it is at first; ``late`` the arrays of memory
    that θ reads as they were before the update; ``shared`` two arrays that are one; ``idle`` the entries of θ that
    stay as they are. Each update is taken ``repeats`` times, or not at all where it is among ``skips``.
    Where ``from_start`` holds, every update changes the first θ. ``opening`` is the rule of the first update, if it
    is another. ``saved`` says which θ is given for each update: that after it, that before it, or the last of
    all, as where one array is saved again and again. Settings may be arrays here, one number for each entry of θ.
    """

    rule: StatedRule
    gradients: tuple[Array, ...]
    rates: tuple[float, ...]
    steps: tuple[int, ...]
    forgets: frozenset[int] = frozenset()
    late: frozenset[str] = frozenset()
    shared: tuple[str, str] | None = None
    idle: Array | None = None
    repeats: int = 1
    skips: frozenset[int] = frozenset()
    from_start: bool = False
    opening: StatedRule | None = None
    saved: Literal["after", "before", "last"] = "after"


def right_way(task: Task) -> Way:
    """The updates as they should be."""
    return Way(task.rule, task.gradients, task.rates, task.steps)


def walked(task: Task, way: Way) -> Iterator[Array]:
    """θ as it is saved for each update, in float64."""
    if way.saved == "after":
        return _walked(task, way)
    path = [task.start.theta, *_walked(task, way)]
    return iter(path[:-1] if way.saved == "before" else path[-1:] * task.count)


def _walked(task: Task, way: Way) -> Iterator[Array]:
    """θ after each update."""
    theta, memory = task.start.theta.astype(np.float64), dict(task.start.memory)
    for k in range(task.count):
        rule = way.opening if way.opening is not None and k == 0 else way.rule
        if k in way.forgets:
            memory = {name: np.full_like(array, task.first[name]) for name, array in memory.items()}
        for _ in range(0 if k in way.skips else way.repeats):
            before = task.start.theta if way.from_start else theta
            numbers = {**rule.settings, RATE: way.rates[k], STEP: way.steps[k]}
            numbers |= {name: task.weights * rule.settings[name] for name in rule.of_weights}
            inputs = {name: np.asarray(number, np.float64)[()] for name, number in numbers.items()}  # these overflow
            inputs |= {THETA: before, GRADIENT: way.gradients[k]}
            theta, memory = _updated(way, rule, inputs, memory)
        if way.idle is not None:
            theta = np.where(way.idle, task.start.theta, theta)
        yield theta


def _updated(
    way: Way, rule: StatedRule, inputs: dict[str, Any], memory: dict[str, Array]
) -> tuple[Array, dict[str, Array]]:
    """θ and the memory after an update; each equation reads what those before it gave."""
    names, arithmetic = rule.memory, Floats()
    known = inputs | {symbol: memory[name] for name, symbol in names.items()}
    new: dict[str, Array] = {}
    for line in rule.equations:
        if line.name == NEW_THETA:
            known |= {names[name]: memory[name] for name in way.late}
        value = known[line.symbol] = evaluate(line.expression, known, arithmetic)
        if line.working:
            continue
        new[line.name] = value
        if way.shared is not None and line.name in way.shared:
            for name in way.shared:
                new[name] = known[names[name]] = value
    return new.pop(NEW_THETA), new


FLOAT64 = precision_of(np.float64)


def right_path(task: Task, precision: Precision) -> Iterator[Bounded]:
    """θ after each update in decimals, with a bound of what rounding does to it in a program of this precision.

    Its inputs, which are float64, are rounded to its precision too.
    """
    unit = precision.unit if precision.unit > FLOAT64.unit else 0.0
    start = task.start
    theta = _rounded_input(exactly(start.theta), unit)
    memory = {name: _rounded_input(exactly(array), unit) for name, array in start.memory.items()}
    for gradient, rate, step in zip(task.gradients, task.rates, task.steps, strict=True):
        before = replace(start, step=step - 1)
        values = values_before(task.rule, before, Bounded(Decimal(rate)), task.weights, precision)
        values |= {THETA: theta, **{symbol: memory[name] for name, symbol in task.rule.memory.items()}}
        new = right_update(task.rule, values, _rounded_input(exactly(gradient), unit), precision)
        theta = new.pop(NEW_THETA)
        memory = new
        yield theta


def _rounded_input(value: Bounded, unit: float) -> Bounded:
    return Bounded(value.value, value.error + unit * value.size)


NUDGED = "1.00000001"
"""The factor that shows which way a power moves θ."""


def power_ways(task: Task) -> Iterator[Way]:
    """The updates with a power of the update's number nudged, for each such power in the equations."""
    right, lines = right_way(task), task.rule.equations
    for k, line in enumerate(lines):
        for place, node in enumerate(nodes(line.expression)):
            if isinstance(node, Power) and symbol_names(node.exponent) == {STEP}:
                nudged = replace(line, expression=with_node(line.expression, place, Product(Number(NUDGED), node)))
                yield replace(right, rule=replace(task.rule, equations=(*lines[:k], nudged, *lines[k + 1 :])))

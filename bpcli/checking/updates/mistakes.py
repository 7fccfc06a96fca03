"""The known mistakes on the way through a task's updates: the wrong gradient, η, number or memory at each.

Those in the equations themselves are in :mod:`bpcli.checking.updates.mistaken_rules`, those of weight decay in
:mod:`bpcli.checking.updates.mistaken_decays`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, combinations, product

import numpy as np

from bpcli.checking.updates.equations import StatedRule
from bpcli.checking.updates.mistaken_decays import decayed_otherwise, decays, foreign_decays
from bpcli.checking.updates.mistaken_rules import DAMPENING, mistaken_rules, other_settings
from bpcli.checking.updates.trajectories import Task, Way, right_way
from bpcli.checking.updates.wording import written
from bpcli.nn import Array
from bpcli.nn.expressions import Symbol, symbol_names
from bpcli.nn.parameters import Parameters

FOREIGN = "foreign decay"
"""The name of a weight decay that the rule does not have; no setting can have it."""

USUAL_DECAYS = (0.1, 0.05, 0.01, 1e-3, 1e-4, 5e-4, 1e-5)
"""Values that weight decay often has."""


@dataclass(frozen=True)
class Mistake:
    """A mistaken way through a task's updates, in words; of two with the same numbers the lower ``rank`` is named."""

    words: str
    way: Way
    rank: int = 1


def mistakes(task: Task) -> Iterator[Mistake]:
    """Every known mistake."""
    right = right_way(task)
    ways = (_wrong_gradients(task), _wrong_rates(task), _wrong_numbers(task), _wrong_memory(task))
    for words, way in (*(one for each in ways for one in each), *_wrong_course(task), *_wrong_parts(task)):
        yield Mistake(words, way)
    for words, rule in (*mistaken_rules(task.rule), *decayed_otherwise(task.rule)):
        yield Mistake(words, replace(right, rule=rule))
        if DAMPENING in words:
            yield Mistake(f"{words}, not in the first update", replace(right, rule=rule, opening=task.rule))
    for words, rule in _decayed(task):
        yield Mistake(words, replace(right, rule=rule), rank=2)
    for words, rule in other_settings(task.rule):
        yield Mistake(words, replace(right, rule=rule), rank=2)


def _decayed(task: Task) -> Iterator[tuple[str, StatedRule]]:
    """Weight decay that the config does not have, or of the weights alone where the rule decays the biases too."""
    weights = task.weights.astype(np.float64)
    for name in task.rule.of_weights:
        yield f"the biases decay too, by {written(Symbol(name))}", replace(task.rule, of_weights=frozenset())
    for name in (one for one in decays(task.rule) if one not in task.rule.of_weights):
        settings = {**task.rule.settings, name: task.rule.settings[name] * weights}
        yield f"{written(Symbol(name))} is 0 for the biases", replace(task.rule, settings=settings)
    for words, rule in foreign_decays(task.rule, FOREIGN):
        scopes = ((" of the weights alone", weights), ("", np.ones_like(weights)))
        for value, (of, entries) in product(USUAL_DECAYS, scopes):
            settings = {**rule.settings, FOREIGN: value * entries}
            yield (
                f"a weight decay{of} that the config does not have, {value:g} · θ, is {words}",
                replace(rule, settings=settings),
            )


def _wrong_gradients(task: Task) -> Iterator[tuple[str, Way]]:
    """The wrong gradient in every update."""
    right, g, batches = right_way(task), task.gradients, task.batches
    for words, given in _given_gradients(task, g, batches):
        yield words, replace(right, gradients=tuple(given))


def _given_gradients(
    task: Task, g: tuple[Array, ...], batches: tuple[int, ...]
) -> Iterator[tuple[str, Iterable[Array]]]:
    sizes = tuple(zip(g, batches, strict=True))
    stale = "the gradient is that of the update before (stale)"
    yield "the sign of the gradient is turned", (-one for one in g)
    yield "the gradient is divided by the m examples once too often", (one / m for one, m in sizes)
    yield "the gradient is not divided by the m examples", (one * m for one, m in sizes)
    yield "the gradient is doubled", (2 * one for one in g)
    yield "the gradient is halved", (one / 2 for one in g)
    yield stale, (0 * g[0], *g[:-1])
    yield f"{stale}, the first one used twice", (g[0], *g[:-1])
    yield "the gradient is that of the next update", (*g[1:], 0 * g[0])
    yield "every update takes the first gradient", (g[0],) * len(g)
    yield "the gradients of all updates are added up (not set to zero between updates)", accumulate(g)
    yield "the gradient is laid out by columns where θ is by rows", (_by_columns(task, one) for one in g)
    yield "the gradient is divided by its length", (one / np.sqrt(np.sum(one * one)) for one in g)


def _by_columns(task: Task, gradient: Array) -> Array:
    """The gradient whose matrices are laid out by columns; it has to be whole."""
    if gradient.size != task.layout.count:
        return gradient
    return np.concatenate([array.T.reshape(-1) for array in Parameters(task.layout, gradient).named().values()])


def _wrong_rates(task: Task) -> Iterator[tuple[str, Way]]:
    """The wrong η in every update."""
    right, rates, steps = right_way(task), task.rates, task.steps
    late = "the schedule is one update late"
    for words, given in (
        ("the learning rate is left out", [1.0] * len(rates)),
        ("the learning rate is doubled", [2 * rate for rate in rates]),
        ("the learning rate is halved", [rate / 2 for rate in rates]),
        ("the learning rate is squared", [rate * rate for rate in rates]),
        ("the learning rate is divided by t", [rate / t for rate, t in zip(rates, steps, strict=True)]),
        ("the learning rate is divided by √t", [rate / t**0.5 for rate, t in zip(rates, steps, strict=True)]),
        (late, [task.base, *rates[:-1]]),
        (f"{late}, its first rate used twice", [rates[0], *rates[:-1]]),
        ("the schedule is one update early", [*rates[1:], rates[-1]]),
        ("the schedule is not used", [task.base] * len(rates)),
    ):
        yield words, replace(right, rates=tuple(given))


def _wrong_numbers(task: Task) -> Iterator[tuple[str, Way]]:
    """The wrong number of every update."""
    right, steps = right_way(task), task.steps
    for words, numbers in (
        ("t counts from 0", [t - 1 for t in steps]),
        ("t is one too large", [t + 1 for t in steps]),
        ("t does not count: it is always 1", [1] * len(steps)),
        ("t starts at 1 again, not restored", range(1, len(steps) + 1)),
    ):
        yield words, replace(right, steps=tuple(numbers))


def _wrong_memory(task: Task) -> Iterator[tuple[str, Way]]:
    """Memory that is lost, read too early, or shared."""
    right, names = right_way(task), task.rule.memory
    if not names:
        return
    steps = task.steps
    for k in range(task.count):
        again = (*steps[:k], *range(1, task.count - k + 1))
        where = f"before update {k + 1}"
        yield f"the memory is lost {where} (state not restored)", replace(right, forgets=frozenset({k}))
        yield (
            f"memory and t are lost {where} (state not restored)",
            replace(right, forgets=frozenset({k}), steps=again),
        )
    every = frozenset(range(task.count))
    yield "the memory is lost before every update", replace(right, forgets=every)
    yield "memory and t are lost before every update", replace(right, forgets=every, steps=(1,) * task.count)
    used = [name for name, symbol in names.items() if symbol in symbol_names(task.rule.new_theta.expression)]
    for name in used:
        words = f"θ is updated before {written(Symbol(names[name]))}"
        yield words, replace(right, late=frozenset({name}))
    if len(used) > 1:
        yield "θ is updated before the memory", replace(right, late=frozenset(used))
    for one, other in combinations(names, 2):
        words = f"{written(Symbol(names[one]))} and {written(Symbol(names[other]))} are one array in memory (aliased)"
        yield words, replace(right, shared=(one, other))


def _wrong_course(task: Task) -> Iterator[tuple[str, Way]]:
    """Updates taken twice, left out, or all of the first θ."""
    right = right_way(task)
    yield "every update is taken twice", replace(right, repeats=2)
    for k in range(task.count):
        yield f"update {k + 1} is left out", replace(right, skips=frozenset({k}))
    yield "no update is taken", replace(right, skips=frozenset(range(task.count)))
    yield "every second update is left out", replace(right, skips=frozenset(range(1, task.count, 2)))
    yield "every update starts from the first θ", replace(right, from_start=True)
    yield "θ was saved before each update, not after it", replace(right, saved="before")
    yield "every θ saved is the last one: the same array, not a copy of it", replace(right, saved="last")


def _wrong_parts(task: Task) -> Iterator[tuple[str, Way]]:
    """Arrays of θ that are left as they are."""
    right, size = right_way(task), task.layout.count
    named = Parameters(task.layout, np.arange(size)).named()
    layers = range(1, len(task.layout.sizes))
    groups = {f"{name} is not updated": [name] for name in named}
    groups |= {f"layer {l} is not updated": list(task.layout.names(l)) for l in layers}
    groups |= {"no bias is updated": [f"b{l}" for l in layers], "no weight is updated": [f"W{l}" for l in layers]}
    for words, names in groups.items():
        idle = np.zeros(size, bool)
        for name in names:
            idle[named[name].reshape(-1)] = True
        yield words, replace(right, idle=idle[task.places])

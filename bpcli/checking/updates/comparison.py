"""An engine's updates against the right ones: for each update and array a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from bpcli.checking.decimals import exact, precision
from bpcli.checking.known_mistakes.factors import TOLERANCES
from bpcli.checking.subject import ParameterGroup, parameter_groups
from bpcli.checking.updates.bounds import ROUNDINGS, Bounded, Precision, bounded, exactly, precision_of
from bpcli.checking.updates.diagnosis import MOST_NAMED, named
from bpcli.checking.updates.equations import Stated, stated, stated_rate
from bpcli.checking.updates.reference import DIGITS, Snapshot, after_chain, right_update, values_before
from bpcli.checking.updates.rewriting import nodes
from bpcli.checking.updates.subject import GradientKeeper, Say, Subject, Update, term_sizes
from bpcli.checking.updates.trajectories import Task
from bpcli.checking.updates.verdicts import ArrayCheck, EngineCheck, RateCheck, judge, whole
from bpcli.nn import Array, IndexArray
from bpcli.nn.expressions import Symbol, Total
from bpcli.nn.markup import NEW_THETA
from bpcli.nn.parameters import count
from bpcli.streams import stream
from bpcli.training.engines import Engine

ADDED_TOGETHER = 5
"""Examples whose products compiled code adds to an array at once, where it stores no gradient; the rest one by one."""

NUDGE, NUDGES, SPREAD = 2, 2, 8
"""Where the gradient is not that at θ, its point may be off by so many last bits; so many such points are tried, and
how far they move the gradient may be exceeded so many times."""


class _Gradient(NamedTuple):
    """The gradient as a rule gets it, (P,), and whether η times it is what the factor η gives."""

    bounded: Bounded
    scaled: bool


@dataclass(frozen=True)
class UpdateCheck:
    """The check of one engine's updates; ``per_group`` entries of each array, where the network is large.

    Raises:
        NotStatedError: a choice of the recipe states no formula.
    """

    subject: Subject
    per_group: int | None
    say: Say

    @cached_property
    def stated(self) -> Stated:
        """What the recipe's choices state."""
        return stated(self.subject.recipe)

    @cached_property
    def groups(self) -> list[ParameterGroup]:
        """The entries that are checked: all of them where a rule adds up over θ."""
        network, rule = self.subject.recipe.network, self.stated.rule
        adds = any(isinstance(node, Total) for line in rule.equations for node in nodes(line.expression))
        return parameter_groups(
            network, count(network.sizes) if adds else self.per_group, self.subject.recipe.plan.seed
        )

    @cached_property
    def places(self) -> IndexArray:
        """The places in θ of all of them."""
        return np.concatenate([group.places for group in self.groups])

    @cached_property
    def keeper(self) -> GradientKeeper:
        """The engine's gradient."""
        return GradientKeeper(self.subject, self.subject.engine, self.say)

    @cached_property
    def other(self) -> GradientKeeper | None:
        """The reference's gradient beside compiled code's: how far they differ shows what rounding does to it."""
        return None if self.subject.engine.name == "numpy" else GradientKeeper(self.subject, Engine(), self.say)

    def check(self, number: int) -> EngineCheck:
        """Take so many updates and judge them."""
        subject = self.subject
        updates = subject.updates(number, self.say)
        arrays: list[ArrayCheck] = []
        rates, scaled = [], []
        with np.errstate(all="ignore"), precision(DIGITS):
            stated_rates = [self.rate(update) for update in updates]
            for update, rate in zip(updates, stated_rates, strict=True):
                gradient = self.gradient(update)
                rates.append(RateCheck(update.number, float(rate), update.rate))
                scaled += [] if gradient.scaled else [update.number]
                arrays += self.judged(update, rate, gradient.bounded)
        together = subject.at_once(number, self.say)
        return EngineCheck(
            subject.engine.name,
            subject.dtype.name,
            tuple(updates),
            tuple(arrays),
            tuple(rates),
            tuple(scaled),
            _same(together, updates[-1].after),
            self._mistakes(updates, arrays),
        )

    def _mistakes(self, updates: Sequence[Update], arrays: Sequence[ArrayCheck]) -> tuple[str, ...]:
        """The known mistakes that lead where the updates led, if θ is wrong."""
        if not any(one.array == NEW_THETA and one.verdict == "wrong" for one in arrays):
            return ()
        return tuple(named(self.task(updates), [one.after.theta for one in updates])[:MOST_NAMED])

    def task(self, updates: Sequence[Update]) -> Task:
        """The updates as a task: the gradients that the engine got, to take the updates with again."""
        recipe, start = self.subject.recipe, updates[0].before
        keeper = GradientKeeper(self.subject, self.subject.engine, self.say, chained=True)
        return Task(
            rule=self.stated.rule,
            start=start,
            first={name: memory.first for name, memory in recipe.optimizer.memory(start.theta.size).items()},
            gradients=tuple(keeper.at(self.point(one), one)[0] for one in updates),
            rates=tuple(float(self.rate(one)) for one in updates),
            batches=tuple(len(one.batch) for one in updates),
            base=recipe.optimizer.learning_rate,
            sizes=recipe.network.sizes,
            places=np.arange(start.theta.size),
        )

    def rate(self, update: Update) -> Decimal:
        """The learning rate by the schedule's formula."""
        recipe, size = self.subject.recipe, self.subject.examples.size
        base, plan = recipe.optimizer.learning_rate, recipe.plan
        return stated_rate(recipe.schedule, base, update.before.step, plan.updates(size), plan)

    def rounding(self, update: Update) -> Precision:
        """The precision of the engine; compiled code may add the examples' products to an array one after another."""
        additions = sum(divmod(len(update.batch), ADDED_TOGETHER)) if self.subject.engine.name == "numba" else 0
        return precision_of(self.subject.dtype, ROUNDINGS + additions)

    def gradient(self, update: Update) -> _Gradient:
        """The gradient as the rule gets it, with what rounding makes of it in the engine's own order of operations.

        A rule asks for it with a factor, 1 or η, which is multiplied in early; so the two may round differently.
        """
        theta, rate, chain = update.before.theta, update.rate, self.stated.chain
        at = self.point(update)
        plain, scaled = self.keeper.at(at, update)
        sizes, error = term_sizes(self.subject, update), np.zeros(theta.size)
        right = True
        if rate and not chain:
            error = 1.01 * np.abs(scaled / rate - plain).astype(np.float64)  # with its own rounding
            right = self._proportional(scaled / rate, plain, sizes)
        if self.other is not None:
            rounding, m = self.rounding(update), len(update.batch)
            apart = np.abs(self.other.at(at, update)[0] - plain)
            error = error + 4 * self._largest(apart) + rounding.unit * rounding.terms * m**0.5 * sizes
        point = exactly(at)
        if not _is_theta(self.stated):
            error = error + self._spread(at, plain, update)
            point = replace(point, error=NUDGE * np.spacing(np.abs(at)).astype(np.float64))
        found = Bounded(exact(plain), error)
        weights = np.zeros(theta.size, bool)
        for W in self.subject.recipe.network.parameters(np.arange(theta.size)).W[1:]:
            weights[W] = True
        return _Gradient(after_chain(chain, point, found, weights, self.rounding(update)), right)

    def point(self, update: Update) -> Array:
        """Where the rule takes the gradient."""
        theta = update.before.theta
        if _is_theta(self.stated):
            return theta
        values = values_before(self.stated.rule, update.before, Decimal(update.rate), self.rounding(update))
        return np.asarray(bounded(self.stated.rule.point, values, self.rounding(update)).value, theta.dtype)

    def _spread(self, at: Array, plain: Array, update: Update) -> Array:
        """How far the gradient moves where its point is rounded otherwise, the largest of each array."""
        rng, moved = stream(0, "gradient check"), np.zeros(at.size)
        for _ in range(NUDGES):
            nudged = at + np.spacing(at) * rng.choice([-NUDGE, NUDGE], at.size).astype(at.dtype)
            moved = np.maximum(moved, np.abs(self.keeper.at(nudged, update)[0] - plain))
        return SPREAD * self._largest(moved)

    def _largest(self, values: Array) -> Array:
        """The largest value of each array of θ, at each of its entries."""
        found = values.astype(np.float64)
        for array in self.subject.recipe.network.parameters(found).named().values():
            array[...] = array.max()
        return found

    def _proportional(self, found: Array, plain: Array, sizes: Array) -> bool:
        """Whether two gradients agree within the tolerance of the gradients of other programs."""
        allowed = TOLERANCES[plain.dtype.str[1:]] * self._largest(sizes)
        return bool((np.abs(found - plain) <= allowed).all()) or not np.isfinite(plain).all()

    def judged(self, update: Update, rate: Decimal, gradient: Bounded) -> Iterator[ArrayCheck]:
        """The verdict on every array after the update."""
        rule, places, size = self.stated.rule, self.places, update.before.theta.size
        rounding = self.rounding(update)
        chosen = Bounded(gradient.value[places], np.broadcast_to(gradient.error, (size,))[places])
        values = values_before(rule, _at(update.before, places, size), rate, rounding)
        right = right_update(rule, values, chosen, rounding)
        for name, one in right.items():
            before, after = _array(update.before, name), _array(update.after, name)
            if before.size != size:
                yield judge(whole(before.size), name, update, before, after, one, rounding)
                continue
            start = 0
            for group in self.groups:
                part = slice(start, start + len(group.places))
                start = part.stop
                own = Bounded(one.value[part], np.broadcast_to(one.error, one.value.shape)[part])
                yield judge(group, name, update, before[group.places], after[group.places], own, rounding)


def _array(state: Snapshot, name: str) -> Array:
    return state.theta if name == NEW_THETA else state.memory[name].reshape(-1)


def _at(state: Snapshot, places: IndexArray, size: int) -> Snapshot:
    """The state's entries at some places of θ; memory of another shape whole."""
    memory = {name: array[places] if array.shape == (size,) else array for name, array in state.memory.items()}
    return replace(state, theta=state.theta[places], memory=memory)


def _is_theta(stated: Stated) -> bool:
    """Whether the gradient is that at θ itself."""
    return stated.rule.point == Symbol("theta")


def _same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two states have the same bits; where a training diverges they need not."""
    if not np.isfinite(other.theta).all():
        return True
    pairs: list[tuple[Any, Any]] = [(one.theta, other.theta)]
    pairs += [(one.memory[name], other.memory[name]) for name in other.memory]
    return one.step == other.step and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)

"""An engine's updates against the right ones: for each update and array a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bpcli.checking.decimals import precision
from bpcli.checking.rewriting import nodes
from bpcli.checking.subject import ParameterGroup, parameter_groups
from bpcli.checking.updates.bounds import Bounded, Precision
from bpcli.checking.updates.diagnosis import MOST_NAMED, named
from bpcli.checking.updates.equations import Stated, stated, stated_rate
from bpcli.checking.updates.gradients import BoundedGradients
from bpcli.checking.updates.reference import DIGITS, Snapshot, after_constraint, right_update, values_before
from bpcli.checking.updates.subject import GradientKeeper, Say, Subject, Update
from bpcli.checking.updates.trajectories import Task
from bpcli.checking.updates.verdicts import ArrayCheck, EngineCheck, RateCheck, judge, whole
from bpcli.nn import Array, IndexArray
from bpcli.nn.expressions import Total
from bpcli.nn.markup import NEW_THETA


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
        found = parameter_groups(
            network, network.layout.count if adds else self.per_group, self.subject.recipe.plan.seed
        )
        constrained = self.stated.constraints
        return [of_whole_rows(one) if one.layer in constrained and one.kind == "W" else one for one in found]

    @cached_property
    def places(self) -> IndexArray:
        """The places in θ of all of them."""
        return np.concatenate([group.places for group in self.groups])

    @cached_property
    def gradients(self) -> BoundedGradients:
        """The gradients of the updates."""
        return BoundedGradients(self.subject, self.stated, self.say)

    def check(self, number: int) -> EngineCheck:
        """Take so many updates and judge them."""
        subject = self.subject
        updates = subject.updates(number, self.say)
        arrays: list[ArrayCheck] = []
        rates, scaled, beyond = [], [], []
        with np.errstate(all="ignore"), precision(DIGITS):
            stated_rates = [self.rate(update) for update in updates]
            for update, rate in zip(updates, stated_rates, strict=True):
                gradient = self.gradients.of(update)
                rates.append(RateCheck(update.number, float(rate.value), update.rate, float(rate.error)))
                scaled += [update.number] if gradient.scaling == "wrong" else []
                if gradient.scaling == "beyond range" or not np.isfinite(update.after.theta).all():
                    beyond.append(update.number)
                arrays += self.judged(update, rate, gradient.bounded)
        together = subject.at_once(number, self.say)
        return EngineCheck(
            subject.engine.name,
            subject.dtype.name,
            tuple(updates),
            tuple(arrays),
            tuple(rates),
            tuple(scaled),
            tuple(beyond),
            _same(together, updates[-1].after),
            self._mistakes(updates, arrays),
        )

    def _mistakes(self, updates: Sequence[Update], arrays: Sequence[ArrayCheck]) -> tuple[str, ...]:
        """The known mistakes that lead where the updates led, if θ is wrong and nothing but the rule changes it."""
        wrong = any(one.array == NEW_THETA and one.verdict == "wrong" for one in arrays)
        if not wrong or self.stated.constraints:
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
            gradients=tuple(keeper.at(self.gradients.point(one), one)[0] for one in updates),
            rates=tuple(float(self.rate(one).value) for one in updates),
            batches=tuple(len(one.batch) for one in updates),
            base=recipe.optimizer.learning_rate,
            layout=recipe.network.layout,
            places=np.arange(start.theta.size),
        )

    def rate(self, update: Update) -> Bounded:
        """The learning rate by the schedule's formula, after the reductions that there were until then."""
        recipe, size = self.subject.recipe, self.subject.examples.size
        course = recipe.course(size, update.reductions)
        return stated_rate(recipe.schedule, recipe.optimizer.learning_rate, update.before.step, course)

    def _constrained(self, group: ParameterGroup, entries: Bounded, rounding: Precision) -> Bounded:
        """A group's entries of W after the constraint of their layer."""
        shape = (-1, group.shape[1])
        rows = Bounded(entries.value.reshape(shape), np.asarray(entries.error).reshape(shape))
        found = after_constraint(self.stated.constraints[group.layer], rows, rounding)
        return Bounded(found.value.reshape(-1), np.asarray(found.error).reshape(-1))

    def judged(self, update: Update, rate: Bounded, gradient: Bounded) -> Iterator[ArrayCheck]:
        """The verdict on every array after the update."""
        rule, places, size = self.stated.rule, self.places, update.before.theta.size
        rounding = self.gradients.rounding(update)
        chosen = Bounded(gradient.value[places], np.broadcast_to(gradient.error, (size,))[places])
        values = values_before(rule, _at(update.before, places, size), rate, self.gradients.weights[places], rounding)
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
                if name == NEW_THETA and group.kind == "W" and group.layer in self.stated.constraints:
                    own = self._constrained(group, own, rounding)
                yield judge(group, name, update, before[group.places], after[group.places], own, rounding)


def of_whole_rows(group: ParameterGroup) -> ParameterGroup:
    """The group with the first of its rows, whole, that have about as many entries as it checks."""
    width = group.shape[1]
    rows = np.unique((group.places - group.start) // width)[: max(1, len(group.places) // width)]
    return replace(group, places=(group.start + rows[:, None] * width + np.arange(width)).reshape(-1))


def _array(state: Snapshot, name: str) -> Array:
    return state.theta if name == NEW_THETA else state.memory[name].reshape(-1)


def _at(state: Snapshot, places: IndexArray, size: int) -> Snapshot:
    """The state's entries at some places of θ; memory of another shape whole."""
    memory = {name: array[places] if array.shape == (size,) else array for name, array in state.memory.items()}
    return replace(state, theta=state.theta[places], memory=memory)


def _same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two states have the same bits; where a training diverges they need not."""
    if not np.isfinite(other.theta).all():
        return True
    pairs: list[tuple[Any, Any]] = [(one.theta, other.theta)]
    pairs += [(one.memory[name], other.memory[name]) for name in other.memory]
    return one.step == other.step and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)

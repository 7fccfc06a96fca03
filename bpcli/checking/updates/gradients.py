"""The gradient as a rule gets it, with a bound of what rounding makes of it in the engine's own order of operations."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from bpcli.checking.decimals import exact
from bpcli.checking.precisions import TOLERANCES
from bpcli.checking.updates.bounds import ROUNDINGS, Bounded, Precision, bounded, exactly, precision_of
from bpcli.checking.updates.equations import THETA, Stated
from bpcli.checking.updates.reference import after_chain, values_before
from bpcli.checking.updates.subject import GradientKeeper, Say, Subject, Update, term_sizes
from bpcli.nn import Array
from bpcli.nn.expressions import Symbol
from bpcli.streams import stream
from bpcli.training.engines import Engine

ADDED_TOGETHER = 5
"""Examples whose products compiled code adds to an array at once, where it stores no gradient; the rest one by one."""

SUMS = 4
"""How many times the largest difference of two engines' gradients a third order of summation may be off."""

NUDGE, NUDGES, SPREAD = 2, 2, 8
"""Where the gradient is not that at θ, its point may be off by so many last bits; so many such points are tried, and
how far they move the gradient may be exceeded so many times."""


Scaling = Literal["right", "wrong", "beyond range"]
"""Whether η times a gradient is what the factor η gives; beyond the precision's range it need not be."""


class BoundedGradient(NamedTuple):
    """The gradient after the chain, (P,), and what the factor η makes of it."""

    bounded: Bounded
    scaling: Scaling


@dataclass(frozen=True)
class BoundedGradients:
    """The gradients of an engine's updates."""

    subject: Subject
    stated: Stated
    say: Say

    @property
    def at_theta(self) -> bool:
        """Whether the gradient is that at θ itself."""
        return self.stated.rule.point == Symbol(THETA)

    @cached_property
    def keeper(self) -> GradientKeeper:
        """The engine's gradient."""
        return GradientKeeper(self.subject, self.subject.engine, self.say)

    @cached_property
    def other(self) -> GradientKeeper | None:
        """The reference's gradient beside compiled code's: how far they differ shows what rounding does to it."""
        return None if self.subject.engine.name == "numpy" else GradientKeeper(self.subject, Engine(), self.say)

    def rounding(self, update: Update) -> Precision:
        """The precision of the engine; compiled code may add the examples' products to an array one after another."""
        additions = sum(divmod(len(update.batch), ADDED_TOGETHER)) if self.subject.engine.name == "numba" else 0
        return precision_of(self.subject.dtype, ROUNDINGS + additions)

    def of(self, update: Update) -> BoundedGradient:
        """The gradient as the rule gets it.

        A rule asks for it with a factor, 1 or η, which is multiplied in early; so the two may round differently.
        """
        at = self.point(update)
        plain, scaled = self.keeper.at(at, update)
        divided = scaled / update.rate if update.rate and not self.stated.chain else plain
        sizes, rounding = term_sizes(self.subject, update), self.rounding(update)
        error = 1.01 * np.abs(divided - plain).astype(np.float64)  # with its own rounding
        error = error + self._other_order(at, plain, sizes, update) + self._spread(at, plain, update)
        point = Bounded(exact(at), 0.0 if self.at_theta else NUDGE * np.spacing(np.abs(at)).astype(np.float64))
        weight, given = self._weight_of(update), Bounded(exact(plain), error)
        found = after_chain(self.stated.chain, point, given, self.weights, weight, rounding)
        return BoundedGradient(found, self._scaling(self._apart(divided, plain, sizes), update, sizes))

    def _weight_of(self, update: Update) -> Bounded:
        """The number of a batch's examples, or the sum of their weights with its error."""
        weights = self.subject.examples.weights
        if weights is None:
            return Bounded(Decimal(len(update.batch)))
        own = weights[update.batch]
        unit = float(np.finfo(own.dtype).eps)
        return Bounded(Decimal(float(own.sum(dtype=np.float64))), len(own) * unit * float(np.abs(own).sum()))

    @cached_property
    def weights(self) -> Array:
        """Which entries of θ belong to a W."""
        network = self.subject.recipe.network
        found = np.zeros(network.layout.count, bool)
        for W in network.parameters(found).W[1:]:
            W[...] = True
        return found

    def _other_order(self, at: Array, plain: Array, sizes: Array, update: Update) -> Array | float:
        """What a second program of compiled code may round otherwise: it may add up the examples in another order."""
        if self.other is None:
            return 0.0
        rounding, apart = self.rounding(update), np.abs(self.other.at(at, update)[0] - plain)
        return np.asarray(
            SUMS * self._largest(apart) + rounding.unit * rounding.terms * len(update.batch) ** 0.5 * sizes
        )

    def point(self, update: Update) -> Array:
        """Where the rule takes the gradient."""
        theta = update.before.theta
        if self.at_theta:
            return theta
        rule, rounding = self.stated.rule, self.rounding(update)
        values = values_before(rule, update.before, exactly(update.rate), self.weights, rounding)
        return np.asarray(bounded(rule.point, values, rounding).value, theta.dtype)

    def _spread(self, at: Array, plain: Array, update: Update) -> Array:
        """How far the gradient moves where its point is rounded otherwise, the largest of each array; 0 at θ itself."""
        if self.at_theta:
            return np.zeros(at.size)
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

    def _scaling(self, apart: Array, update: Update, sizes: Array) -> Scaling:
        """What to say of the factor where it leaves these entries apart."""
        if not apart.any():
            return "right"
        return "wrong" if (apart & self._in_range(update, sizes)).any() else "beyond range"

    def _apart(self, found: Array, plain: Array, sizes: Array) -> Array:
        """Where two gradients differ by more than the tolerance of the gradients of other programs."""
        allowed = TOLERANCES[plain.dtype.name] * self._largest(sizes)
        apart: Array = ~(np.abs(found - plain) <= allowed) & np.isfinite(plain).all()
        return apart

    def _in_range(self, update: Update, sizes: Array) -> Array:
        """Where no number between the loss and η times the gradient over- or underflows.

        Every layer in between may enlarge a derivative by as much as its weights add up to. A number is too small
        where what it loses below the smallest one is more than its last bits.
        """
        limits, widths = np.finfo(self.subject.dtype), self.subject.recipe.network.sizes
        enlarged = max(1.0, max(widths) * float(np.abs(update.before.theta).max())) ** (len(widths) - 2)
        most = update.rate * float(sizes.max()) * enlarged
        least = update.rate * self._largest(sizes) / len(update.batch)
        return np.asarray((most < limits.max) & (least > limits.tiny / limits.eps))

"""The right update: θ and the rule's memory after it, by the stated equations, from those before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from bpcli.checking.updates.bounds import ROUNDINGS, Bounded, Precision, bounded, exactly
from bpcli.checking.updates.equations import (
    GRADIENT,
    RATE,
    STEP,
    THETA,
    WEIGHT,
    WEIGHT_OF_BATCH,
    StatedConstraint,
    StatedLink,
    StatedRule,
)
from bpcli.nn import Array
from bpcli.nn.expressions import symbol_names

DIGITS = 50
"""The decimal digits computed with: float64 has 16, so what they leave out never counts."""


@dataclass(frozen=True)
class Snapshot:
    """θ, (P,), and the rule's memory by name, after ``step`` updates."""

    theta: Array
    memory: Mapping[str, Array]
    step: int


def values_before(
    rule: StatedRule, before: Snapshot, rate: Bounded, weights: Array, precision: Precision
) -> dict[str, Bounded]:
    """The values of the symbols as the update numbered ``before.step`` + 1 finds them, without the gradient.

    ``weights`` says which entries belong to a W.
    """
    settings = {name: Bounded(Decimal(value)) for name, value in rule.settings.items()}
    for name in rule.of_weights:
        settings[name] = Bounded(settings[name].value * weights.astype(int).astype(object))
    memory = {symbol: exactly(before.memory[name]) for name, symbol in rule.memory.items()}
    error = max(4 * precision.single * abs(float(rate.value)), float(rate.error))
    inputs = {THETA: exactly(before.theta), STEP: Bounded(Decimal(before.step + 1)), RATE: Bounded(rate.value, error)}
    return {**settings, **memory, **inputs}


def after_chain(
    chain: tuple[StatedLink, ...],
    point: Bounded,
    gradient: Bounded,
    weights: Array,
    weight_of_batch: Bounded,
    precision: Precision,
) -> Bounded:
    """The gradient at ``point``, (P,), after penalties and clipping; ``weights`` says which entries belong to a W."""
    for link in chain:
        settings = {name: Bounded(Decimal(value)) for name, value in link.settings.items()}
        values = {**settings, THETA: point, GRADIENT: gradient, WEIGHT_OF_BATCH: weight_of_batch}
        found = bounded(link.expression, values, precision)
        concerned = weights if link.weights_alone else np.ones_like(weights)
        gradient = Bounded(
            np.where(concerned, found.value, gradient.value), np.where(concerned, found.error, gradient.error)
        )
    return gradient


def after_constraint(constraint: StatedConstraint, rows: Bounded, precision: Precision) -> Bounded:
    """Whole rows of W, (k, n_l-1), after the constraint that follows an update."""
    settings = {name: Bounded(Decimal(value)) for name, value in constraint.settings.items()}
    value, error = np.empty_like(rows.value), np.empty(np.shape(rows.value))
    for unit, (own, own_error) in enumerate(zip(rows.value, np.broadcast_to(rows.error, error.shape), strict=True)):
        found = bounded(constraint.expression, {**settings, WEIGHT: Bounded(own, own_error)}, precision)
        value[unit], error[unit] = found.value, found.error
    return Bounded(value, error)


def right_update(
    rule: StatedRule, values: Mapping[str, Bounded], gradient: Bounded, precision: Precision
) -> dict[str, Bounded]:
    """θ, under ``new``, and the memory by name, after the update; each equation reads what those before it gave."""
    known = {**values, GRADIENT: gradient}
    found = {}
    for line in rule.equations:
        own = precision if GRADIENT in symbol_names(line.expression) else replace(precision, terms=ROUNDINGS)
        value = known[line.symbol] = bounded(line.expression, known, own)
        if not line.working:
            found[line.name] = value
    return found

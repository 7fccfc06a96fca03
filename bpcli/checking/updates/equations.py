"""What the choices of a recipe state, ready to be evaluated: the rule, the schedule, the penalties and the clipping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

import numpy as np

from bpcli.checking.rewriting import substituted
from bpcli.checking.updates.bounds import Bounded, bounded, precision_of
from bpcli.checking.updates.derivatives import derivative
from bpcli.choices import Registry
from bpcli.nn.clipping import CLIPPINGS
from bpcli.nn.expressions import Expression, FormulaError, Sum, Symbol, symbol_names
from bpcli.nn.formulas import parse
from bpcli.nn.layers import LAYERS, Layer
from bpcli.nn.markup import NEW_THETA
from bpcli.nn.optimizers import OPTIMIZERS, Optimizer
from bpcli.nn.optimizers.rule import greek_settings, rule_statements
from bpcli.nn.penalties import PENALTIES
from bpcli.nn.schedules import SCHEDULES, Course, Schedule
from bpcli.nn.schedules.course import Leading, schedule_statements
from bpcli.training.recipe import Recipe

THETA, GRADIENT, STEP, RATE = "theta", "gradient", "step", r"\eta"
"""The names in a rule's equations that are no settings and no memory."""

WEIGHT, WEIGHT_OF_BATCH = "w", "weight"
"""What penalties and constraints call an entry of W, and penalties the batch's number of examples or Σ of weights."""


class NotStatedError(Exception):
    """A choice states no formula, or one that cannot be evaluated; the message says which and why."""


@dataclass(frozen=True)
class StatedEquation:
    """``symbol`` ← ``expression``; ``name`` is that of the array in the rule's memory, or ``NEW_THETA``.

    A ``working`` quantity is neither: later equations of the same update read it.
    """

    name: str
    title: str
    symbol: str
    expression: Expression
    working: bool = False


@dataclass(frozen=True)
class StatedRule:
    """A rule's equations, its settings by symbol, and the point at which it takes the gradient.

    Settings ``of_weights`` are 0 for every entry of θ that is not a weight: those of decoupled decay.
    """

    equations: tuple[StatedEquation, ...]
    settings: Mapping[str, Any]
    point: Expression
    of_weights: frozenset[str] = frozenset()

    @property
    def memory(self) -> dict[str, str]:
        """The symbol of each array of the memory, by its name."""
        return {line.name: line.symbol for line in self.equations if not line.working and line.name != NEW_THETA}

    @property
    def new_theta(self) -> StatedEquation:
        """The equation that gives θ."""
        return self.equations[-1]


@dataclass(frozen=True)
class StatedLink:
    """An entry of the gradient after a penalty or a clipping."""

    expression: Expression
    settings: Mapping[str, float]
    weights_alone: bool


@dataclass(frozen=True)
class StatedConstraint:
    """An entry of a layer's W after the constraint that follows an update."""

    expression: Expression
    settings: Mapping[str, float]


@dataclass(frozen=True)
class Stated:
    """All that a recipe's choices state of an update; ``constraints`` by layer, from 1."""

    rule: StatedRule
    chain: tuple[StatedLink, ...]
    constraints: Mapping[int, StatedConstraint]


def stated(recipe: Recipe) -> Stated:
    """What the recipe's choices state.

    Raises:
        NotStatedError: one of them states no formula.
    """
    links = [_stated_penalty(penalty) for penalty in recipe.penalties]
    links += [] if recipe.clip is None else [_stated_clipping(recipe.clip)]
    network = recipe.network
    constraints = {l: _stated_constraint(network.layers[l - 1]) for l in network.constrained}
    return Stated(stated_rule(recipe.optimizer), tuple(links), constraints)


def stated_rule(rule: Optimizer) -> StatedRule:
    """The rule's equations.

    Raises:
        NotStatedError: it states none, or they do not give θ and every array of its memory.
    """
    called = f"rule {_name(OPTIMIZERS, rule)}"
    given = rule_statements(rule)
    if not given.equations:
        raise NotStatedError(f"{called} states no equations")
    of_weights, remembered = given.weight_term, {NEW_THETA, *rule.memory(1)}
    lines = [
        StatedEquation(
            line.name,
            line.title,
            _symbol(line.symbol, called),
            _expression(line.formula.replace("<weight_term>", of_weights), called),
            working=line.name not in remembered,
        )
        for line in given.equations
    ]
    if lines[-1].name != NEW_THETA or not {line.name for line in lines} >= remembered:
        raise NotStatedError(f"{called} does not state an equation for every array of its memory and, last, for θ")
    point = _expression(given.gradient_at, called)
    settings = _settings(rule) | greek_settings(rule)
    known = {THETA, GRADIENT, STEP, RATE, *settings, *(line.symbol for line in lines)}
    _require(called, known, *(line.expression for line in lines), point)
    used = set[str]().union(*(symbol_names(line.expression) for line in lines), symbol_names(point))
    settings = {name: value for name, value in settings.items() if name in used}
    alone = symbol_names(_expression(of_weights, called)) - {RATE, THETA} if of_weights else set()
    return StatedRule(tuple(lines), settings, point, frozenset(alone))


def stated_rate(schedule: Schedule, base: float, update: int, course: Course) -> Bounded:
    """The learning rate of an update, from 0, by the schedule's formula, and how far float64 may lie from it.

    Raises:
        NotStatedError: the schedule states no formula.
    """
    called = f"schedule {_name(SCHEDULES, schedule)}"
    if not hasattr(schedule, "formula"):
        raise NotStatedError(f"{called} states no formula")
    known = {RATE: base, **_settings(schedule), "update": update, "epoch": update // course.per_epoch}
    quantities = schedule_statements(schedule).quantities(np.array([update]), course)
    known |= {"epochs": course.epochs, **vars(course), **_single(quantities)}
    values = {name: Bounded(Decimal(value)) for name, value in known.items()}
    if isinstance(schedule, Leading):
        following, left = schedule.following(np.array([update]), course)
        values["then"] = stated_rate(schedule.then, base, int(following[0]), left)
    expression = _expression(schedule.formula, called)
    _require(called, set(values), expression)
    found = bounded(expression, values, precision_of(np.float64))
    return Bounded(np.asarray(found.value, object).item(), float(np.asarray(found.error)))


def _single(numbers: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a single update, which may be arrays of one."""
    return {name: np.asarray(number).reshape(-1)[0].item() for name, number in numbers.items()}


def _stated_penalty(penalty: Any) -> StatedLink:
    """The gradient plus the derivative of what each weight adds to the loss."""
    called = f"penalty {_name(PENALTIES, penalty)}"
    if not hasattr(penalty, "term"):
        raise NotStatedError(f"{called} states no term")
    term, settings = _expression(penalty.term, called), _settings(penalty)
    _require(called, {WEIGHT, WEIGHT_OF_BATCH, *settings}, term)
    slope = substituted(derivative(term, WEIGHT), {WEIGHT: Symbol(THETA)})
    return StatedLink(Sum(((1, Symbol(GRADIENT)), (1, slope))), settings, weights_alone=True)


def _stated_clipping(clipping: Any) -> StatedLink:
    """An entry of the gradient afterwards."""
    called = f"clipping {_name(CLIPPINGS, clipping)}"
    if not hasattr(clipping, "formula"):
        raise NotStatedError(f"{called} states no formula")
    expression, settings = _expression(clipping.formula, called), _settings(clipping)
    _require(called, {THETA, GRADIENT, *settings}, expression)
    return StatedLink(expression, settings, weights_alone=False)


def _stated_constraint(layer: Layer) -> StatedConstraint:
    """An entry of W afterwards."""
    called = f"layer {_name(LAYERS, layer)}"
    expression, settings = _expression(layer.constraint, called), _settings(layer)
    _require(called, {WEIGHT, *settings}, expression)
    return StatedConstraint(expression, settings)


def _name(registry: Registry, choice: Any) -> str:
    """The choice's name in its registry, else that of its class."""
    return next((name for name, kind in registry.items() if kind is type(choice)), type(choice).__name__)


def _settings(choice: Any) -> dict[str, float]:
    """The choice's settings that are numbers, by name."""
    found = {one.name: getattr(choice, one.name) for one in fields(choice)}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def _expression(formula: str, called: str) -> Expression:
    """The formula, <gradient> being ∂L/∂θ, read."""
    try:
        return parse(formula.replace("<plus>", "+").replace("<minus>", "-").replace("<sign>", ""))
    except FormulaError as error:
        raise NotStatedError(f"{called} states {formula}, which cannot be read: {error}") from error


def _symbol(markup: str, called: str) -> str:
    found = _expression(markup, called)
    if not isinstance(found, Symbol):
        raise NotStatedError(f"{called} states the symbol {markup}, which is none")
    return found.name


def _require(called: str, known: set[str], *expressions: Expression) -> None:
    """Refuse a formula that contains another symbol than the known ones."""
    for name in sorted(set[str]().union(*map(symbol_names, expressions)) - known):
        raise NotStatedError(f"{called} states {name}, which is neither a setting nor among its symbols")

"""What an update rule is: θ and a gradient in, a new θ in the same memory out.

A rule's fields are its hyperparameters. It declares the arrays that it keeps from
step to step, its memory, by name, shape and first value; :func:`start` makes them, as
an :class:`OptimizerState`, so a checkpoint can save them without knowing the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from bpcli.choices import optional_statements
from bpcli.nn import Array
from bpcli.nn.markup import AT_THETA, RuleEquation

Gradient = Callable[[Array, Array, Any], Any]
"""gradient(θ, out, factor): writes factor · ∂L/∂θ into ``out``; returns what the chain adds to the loss.

The rule returns this value. The factor costs nothing, because it is multiplied into
dZ_L together with the loss's own, and saves a pass over ``out``.
"""


class Memory(NamedTuple):
    """An array that a rule keeps from step to step: its shape, and the value of its entries before the first."""

    shape: tuple[int, ...]
    first: float = 0.0


@dataclass
class OptimizerState:
    """The arrays of a rule in training, and its number of updates, ``step``, which :func:`update` counts.

    ``memory`` holds the arrays that the next step reads; ``dtheta``, (P,), is the buffer
    of the gradient; a step fills the arrays of ``buffers`` before it reads them, so
    these need not be saved. ``weights`` are views of θ, its matrices W: what decoupled decay reaches, and nothing else.
    """

    memory: dict[str, Array]
    buffers: dict[str, Array]
    dtheta: Array
    weights: tuple[Array, ...] = ()
    step: int = 0


class Remembering(Protocol):
    """What every rule says of the arrays that it needs, whether it takes steps or is of second order."""

    def memory(self, size: int) -> Mapping[str, Memory]:
        """The arrays that it keeps from step to step, by name, for θ of length ``size``."""
        ...

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """The shapes of the buffers, by name, that a step needs besides the gradient's."""
        ...


class Optimizer(Remembering, Protocol):
    """A choice of update rule; :class:`RuleStatements` has what else it may say of itself."""

    @property
    def batch_only(self) -> bool:
        """Whether it works on all examples at once and on nothing less, so in mode batch alone; a class says it."""
        ...

    @property
    def learning_rate(self) -> float:
        """η before a schedule changes it."""
        ...

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned.

        ``state.step`` is the number of the update, from 1. The loss and the metrics of the step are those at the θ
        of the last call of ``gradient``: a rule that looks ahead is judged where it looks.
        """
        ...


@dataclass(frozen=True)
class RuleStatements:
    """What a rule may state, and what holds of one that does not.

    One that states its ``equations`` is explained and checked by them. ``symbols`` then names the settings that they
    write as Greek letters, η excepted, and ``gradient_at`` the point at which the gradient is taken; ``weight_term``
    is a term of θ's equation that weights alone have, by settings that stand nowhere else.

    ``takes_schedule`` is False where η does not multiply the steps; ``ordered`` are pairs of settings of which the
    first may not be above the second.

    ``elementwise`` says that an entry of a step follows from the same entry of θ, of the gradient and of every array
    in its memory, and that a step asks for the gradient once: so a step on parts of these, one after the other, gives
    the same bits as on the whole.
    """

    equations: tuple[RuleEquation, ...] = ()
    symbols: Mapping[str, str] = field(default_factory=dict)
    gradient_at: str = AT_THETA
    weight_term: str = ""
    takes_schedule: bool = True
    ordered: tuple[tuple[str, str], ...] = ()
    elementwise: bool = False


def rule_statements(rule: Any) -> RuleStatements:
    """What a rule, or its class, states."""
    return optional_statements(RuleStatements, rule)


def greek_settings(rule: Any) -> dict[str, float]:
    """The settings that a rule's equations write as Greek letters, by letter."""
    return {letter: float(getattr(rule, name)) for letter, name in rule_statements(rule).symbols.items()}


def start(rule: Remembering, theta: Array, weights: Iterable[Array] | None = None) -> OptimizerState:
    """The state before the first step; ``weights`` are views of ``theta``, by default all of it."""
    size, dtype = theta.size, theta.dtype
    with np.errstate(over="ignore"):  # a first value out of the precision's range is infinite, and training diverges
        memory = {name: np.full(shape, first, dtype) for name, (shape, first) in rule.memory(size).items()}
    buffers = {name: np.empty(shape, dtype) for name, shape in rule.buffers(size).items()}
    return OptimizerState(memory, buffers, np.zeros_like(theta), (theta,) if weights is None else tuple(weights))


def shrink(weights: Iterable[Array], factor: Any) -> None:
    """W ← ``factor`` · W: decoupled decay, which leaves biases and the parameters of activations as they are."""
    for W in weights:
        np.multiply(W, factor, W)


def update(rule: Optimizer, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
    """Count an update and let the rule make it: ``state.step`` is its number, from 1, while the rule works."""
    state.step += 1
    return rule.step(theta, state, gradient, rate)

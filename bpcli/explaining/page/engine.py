"""What bp computes in an update, as programs: from the formulas that activation, loss and rule state.

These are the numbers of the drawing and of training on the page, whatever notation is chosen. Forward and backward
are those of :mod:`bpcli.checking.reference`, where derivatives come from the stated formulas by the chain rule, and a
loss that takes log a and log(1 − a) has them from the odds a/(1 − a).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.checking.reference import substituted_logarithms
from bpcli.checking.updates.equations import GRADIENT, RATE, STEP, THETA, stated_rule
from bpcli.explaining.page.inputs import Inputs
from bpcli.explaining.recording.entrywise import equal
from bpcli.explaining.recording.formulas import recorded, recorded_expression, recorded_value
from bpcli.explaining.recording.tape import Tape
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.activations.protocol import activation_statements
from bpcli.nn.formulas import parse
from bpcli.nn.losses.forms import loss_statements
from bpcli.nn.markup import NEW_THETA

Slopes = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Quantity:
    """An array of bp's: its name, its layer or 0, and the places of its entries on the tape."""

    name: str
    layer: int
    places: Array


def quantities(trace: Trace, inputs: Inputs, tape: Tape) -> tuple[Quantity, ...]:
    """Z, A, loss, dA, dZ, dW, db, then θ and the rule's memory after the update.

    Each reads those before it as slots.

    Raises:
        NotStatedError: the rule states no equations.
        FormulaError: a formula has what no tape can hold.
    """
    engine = _Engine(trace, inputs, tape)
    engine.forward()
    engine.loss()
    engine.backward()
    engine.update()
    return tuple(engine.found)


def new_theta(found: tuple[Quantity, ...], tape: Tape) -> Any:
    """θ after the update, for steps beside which these quantities are computed."""
    first = 0
    for one in found:
        if one.name == NEW_THETA:
            return tape.borrowed(first, one.places.shape)
        first += one.places.size
    raise AssertionError("a rule gives θ")


def own_numbers(trace: Trace, found: tuple[Quantity, ...]) -> list[list[float] | None]:
    """bp's own numbers of quantities; None of what a rule's equations have on the way and training does not keep."""
    layers = {
        "Z": trace.Z,
        "A": trace.A,
        "dA": trace.dA,
        "dZ": trace.dZ,
        "dW": trace.gradient.W,
        "db": trace.gradient.b,
    }
    single = {"loss": np.array([trace.loss]), NEW_THETA: trace.after.theta, **trace.memory_after}
    arrays = (layers[one.name][one.layer] if one.name in layers else single.get(one.name) for one in found)
    return [None if array is None else np.ravel(array).tolist() for array in arrays]


class _Engine:
    """Records quantities in order."""

    def __init__(self, trace: Trace, inputs: Inputs, tape: Tape) -> None:
        self.trace, self.inputs, self.tape = trace, inputs, tape
        self.found: list[Quantity] = []
        self.slots = 0
        self.parameters = trace.network.parameters(inputs.theta)
        self.gradient = np.zeros(inputs.theta.shape, object)
        self.views = trace.network.parameters(self.gradient)
        self.A, self.Z = [inputs.X], [inputs.X]

    def take(self, name: str, layer: int, numbers: Any) -> Any:
        """Add a quantity; what later ones read of it."""
        numbers = self.tape.array(numbers)
        places = np.asarray(np.frompyfunc(lambda number: number.place, 1, 1)(numbers), int)
        self.found.append(Quantity(name, layer, places))
        first, self.slots = self.slots, self.slots + numbers.size
        return self.tape.slots(first, numbers.shape)

    def forward(self) -> None:
        """Z_l = W_l A_{l-1} + b_l and A_l = f_l(Z_l)."""
        for l in range(1, self.trace.last + 1):
            Z = self.take("Z", l, self.parameters.W[l].dot(self.A[l - 1]) + self.parameters.b[l])
            self.Z.append(Z)
            self.A.append(self.take("A", l, self._activated(l)[0]))

    def _activated(self, l: int) -> tuple[Any, Slopes]:
        activation = self.trace.network.activations[l - 1]
        formula = activation_statements(activation).stable_formula or activation.formula
        Z, own = self.Z[l], self.parameters.own[l]
        owned = {name: np.full(Z.shape, value) for name, value in zip(activation.owned, own, strict=True)}
        return recorded(formula, activation, self.tape, z=Z, **owned)

    def loss(self) -> None:
        """L, and dA and dZ of the output."""
        loss, A, (n, m) = self.trace.network.head.loss, self.A[-1], self.A[-1].shape
        targets = self.inputs.targets
        Y = equal(targets, np.arange(n)[:, None]) if targets.ndim == 1 else targets
        traced = self.inputs.trace(self.trace)
        weights = np.ones(m) if traced.weights is None else traced.weights
        scale = self.trace.network.scale(weights.sum()) * (-1 if loss.likelihood else 1)
        share = self.tape.array(np.broadcast_to(weights * scale, A.shape))
        given = {name: self.tape.array(value)[()] for name, value in loss_statements(loss).of_outputs(n).items()}
        terms, slopes = recorded(loss.term, loss, self.tape, y=Y, a=A, **given)
        self.dA = self.take("dA", self.trace.last, slopes(share)["a"])
        head = self.trace.network.head
        odds = "" if head.activation.owned else activation_statements(head.activation).odds
        of_odds = substituted_logarithms(parse(loss.term)) if odds else None
        if of_odds is None:
            self.dZ = self._through(self.trace.last)
        else:
            ratio, through = recorded(odds, head.activation, self.tape, z=self.Z[-1])
            terms, slopes = recorded_expression(of_odds, loss, self.tape, y=Y, odds=ratio, **given)
            self.dZ = self.take("dZ", self.trace.last, through(slopes(share)["odds"])["z"])
        self.take("loss", 0, np.asarray((terms * share).sum()))

    def _through(self, l: int) -> Any:
        """dZ_l of dA_l, and the gradient of what the layer's activation owns."""
        slopes = self._activated(l)[1](self.dA)
        for entry, name in enumerate(self.trace.network.activations[l - 1].owned):
            self.views.own[l][entry] = slopes[name].sum()
        return self.take("dZ", l, slopes["z"])

    def backward(self) -> None:
        """dW_l, db_l, and dA and dZ of the layer below; the gradient is taken before dA is."""
        views = self.views
        for l in range(self.trace.last, 0, -1):
            views.W[l][...] = self.take("dW", l, self.dZ.dot(self.A[l - 1].T))
            views.b[l][...] = self.take("db", l, self.dZ.sum(axis=1, keepdims=True))
            if l > 1:
                self.dA = self.take("dA", l - 1, self.parameters.W[l].T.dot(self.dZ))
                self.dZ = self._through(l - 1)

    def update(self) -> None:
        """The rule's equations, in their order; θ's is the last."""
        rule, inputs = stated_rule(self.trace.optimizer), self.inputs
        known: dict[str, Any] = {THETA: inputs.theta, GRADIENT: self.gradient, RATE: inputs.rate, STEP: inputs.step}
        weights = self._weights()
        for name, value in rule.settings.items():
            known[name] = self.tape.constant(value)
            if name in rule.of_weights:
                known[name] = self.tape.array(weights.astype(float)) * known[name]
        known |= {symbol: inputs.memory[name] for name, symbol in rule.memory.items()}
        for line in rule.equations:
            value = np.asarray(recorded_value(line.expression, known, self.tape), object)
            known[line.symbol] = self.take(line.name, 0, value)

    def _weights(self) -> Array:
        """Which entries of θ are weights."""
        found = np.zeros(self.inputs.theta.size, bool)
        for W in self.trace.network.parameters(found).W[1:]:
            W[...] = True
        return found

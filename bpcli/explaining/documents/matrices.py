"""The walk that three of the documents share: W and b as bp has them, examples in columns, layers 0 … L.

What differs between them is their table of equations, what divides where, and
how much of the output's chain rule they spell out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bpcli.explaining.documents.reductions import Factor
from bpcli.explaining.documents.steps import Equation, Page, Stage, activation_names, derivative, function_note
from bpcli.explaining.documents.updates import Block, add_updates
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.parameters import Parameters

LEARNING_RATE = Equation("Learning rate", "from the config", r"\eta")


@dataclass(frozen=True)
class Walk:
    """How one document goes: ``error`` and ``gradient`` turn bp's dA, dZ and bp's dW, db into its own.

    ``output`` are the keys of its chain rule at the output, ``update`` the place
    where it writes the update down with its notes, ``remark`` what its loss has to say of bp's,
    ``function`` its letter for a layer's activation where that is not fixed.
    """

    page: Page
    trace: Trace
    error: float
    gradient: Factor
    output: tuple[str, ...]
    remark: tuple[str, ...]
    update: str
    function: str = ""
    update_notes: tuple[str, ...] = ()

    def steps(self) -> None:
        """Set all of them."""
        self._given()
        self._forward()
        self.page.add("loss", "loss", self.trace.last, self.trace.loss * self.gradient.document, notes=self.remark)
        for key in self.output:
            self._back(key, self.trace.last)
        self._gradients(self.trace.last)
        for l in range(self.trace.last - 1, 0, -1):
            for key in ("activation_gradient", "slope", "error"):
                self._back(key, l)
            self._gradients(l)
        add_updates(self.page, self.trace, self._blocks(), self.gradient, self.update, self.update_notes)

    def _add(self, stage: Stage, key: str, l: int, value: Array, notes: tuple[str, ...] = ()) -> None:
        self.page.add(stage, self._variant(key, l), l, value, notes=notes)

    def _variant(self, key: str, l: int) -> str:
        """The key of the output layer's own equation where there is one."""
        variant = f"{key}/output"
        return variant if l == self.trace.last and variant in self.page.equations else key

    def _given(self) -> None:
        trace, page = self.trace, self.page
        page.add("given", "inputs", 0, trace.A[0])
        page.add("given", "targets", trace.last, trace.targets)
        for l in range(1, trace.last + 1):
            page.add("given", "weights", l, trace.before.W[l])
            page.add("given", "biases", l, trace.before.b[l])
        page.set(LEARNING_RATE, "given", "learning_rate", None, trace.optimizer.learning_rate, ())

    def _forward(self) -> None:
        for l in range(1, self.trace.last + 1):
            self._add("forward", "pre_activation", l, self.trace.Z[l])
            known = self._variant("activation", l) != "activation"
            notes = () if known else function_note(self.function, l, self.names[l])
            self._add("forward", "activation", l, self.trace.A[l], notes)

    @property
    def names(self) -> list[str]:
        """The activations' names by layer."""
        return activation_names(self.trace.network)

    def _back(self, key: str, l: int) -> None:
        trace = self.trace
        if key == "slope":
            slope, said = trace.slopes[l], self.page.equations[self._variant(key, l)]
            assert slope is not None, "a document expresses no softmax here"
            self.page.add("backward", self._variant(key, l), l, slope, formula=said.formula or self._derivative(l))
        else:
            values = trace.dA[l] if key == "activation_gradient" else trace.dZ[l]
            self._add("backward", key, l, values * self.error)

    def _derivative(self, l: int) -> str:
        z, a = (self.page.equations[key].symbol for key in ("pre_activation", "activation"))
        return derivative(self.names[l], z, a)

    def _gradients(self, l: int) -> None:
        self._add("backward", "weight_gradient", l, self.trace.gradient.W[l] * self.gradient.document)
        self._add("backward", "bias_gradient", l, self.trace.gradient.b[l] * self.gradient.document)

    def _blocks(self) -> list[Block]:
        found = []
        for l in range(1, self.trace.last + 1):
            found.append(Block("weights", "weight_gradient", l, _weights(l)))
            found.append(Block("biases", "bias_gradient", l, _biases(l)))
        return found


def _weights(l: int) -> Callable[[Parameters], Array]:
    return lambda parameters: parameters.W[l]


def _biases(l: int) -> Callable[[Parameters], Array]:
    return lambda parameters: parameters.b[l]

"""The steps of the three documents with W and b as bp has them, examples in columns, layers 0 … L.

They differ in their table of equations, in what divides where, and in how much of
the output's chain rule they write out.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpcli.explaining.documents.blocks import ParameterBlock, weights_and_biases
from bpcli.explaining.documents.reductions import GradientRatio
from bpcli.explaining.documents.steps import LEARNING_RATE, Stage, StepBuilder, function_note, slope_formula
from bpcli.explaining.documents.updates import add_updates
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.activations import Activation


@dataclass(frozen=True)
class MatrixSteps:
    """Appends one document's steps to its builder.

    ``error`` times bp's dA and dZ are the document's, ``gradient`` relates dW and db.
    ``output`` are the keys of its chain rule at the output, ``loss_notes`` are
    shown at the loss. ``update`` is where it has the update, ``update_notes`` are
    shown there; ``function`` is its letter for a layer's activation where that is not fixed.
    ``example_losses`` are the losses of single examples, (1, m), where the document's is of one.
    """

    builder: StepBuilder
    trace: Trace
    error: float
    gradient: GradientRatio
    output: tuple[str, ...]
    loss_notes: tuple[str, ...]
    update: str
    function: str = ""
    update_notes: tuple[str, ...] = ()
    example_losses: Array | None = None

    def append_all(self) -> None:
        """Given, forward, loss, backward, update."""
        self._given()
        self._forward()
        self._loss()
        for key in self.output:
            self._back(key, self.trace.last)
        self._gradients(self.trace.last)
        for l in range(self.trace.last - 1, 0, -1):
            for key in ("activation_gradient", "slope", "error"):
                self._back(key, l)
            self._gradients(l)
        add_updates(self.builder, self.trace, self._blocks(), self.gradient, self.update, self.update_notes)

    def _add(self, stage: Stage, key: str, l: int, value: Array, notes: tuple[str, ...] = ()) -> None:
        self.builder.add(stage, self._variant(key, l), l, value, notes=notes)

    def _variant(self, key: str, l: int) -> str:
        """The key of the output layer's own equation where there is one."""
        variant = f"{key}/output"
        return variant if l == self.trace.last and variant in self.builder.equations else key

    def _given(self) -> None:
        trace, builder = self.trace, self.builder
        builder.add("given", "inputs", 0, trace.A[0])
        builder.add("given", "targets", trace.last, trace.targets)
        for l in range(1, trace.last + 1):
            builder.add("given", "weights", l, trace.before.W[l])
            builder.add("given", "biases", l, trace.before.b[l])
        builder.append(LEARNING_RATE, "given", "learning_rate", None, trace.learning_rate, ())

    def _forward(self) -> None:
        for l in range(1, self.trace.last + 1):
            self._add("forward", "pre_activation", l, self.trace.Z[l])
            known = self._variant("activation", l) != "activation"
            notes = () if known else function_note(self.function, l, self._activation(l))
            self._add("forward", "activation", l, self.trace.A[l], notes)

    def _loss(self) -> None:
        """The loss, after that of each example where the document has both."""
        if self.example_losses is not None:
            self.builder.add("loss", "example_loss", self.trace.last, self.example_losses)
        loss = self.trace.loss * self.gradient.document
        self.builder.add("loss", "loss", self.trace.last, loss, notes=self.loss_notes)

    def _activation(self, l: int) -> Activation:
        return self.trace.network.activations[l - 1]

    def _back(self, key: str, l: int) -> None:
        trace = self.trace
        if key == "slope":
            formula = self.builder.equations[self._variant(key, l)].formula or self._slope_formula(l)
            self.builder.add("backward", self._variant(key, l), l, trace.slope(l), formula=formula)
        else:
            values = trace.dA[l] if key == "activation_gradient" else trace.dZ[l]
            self._add("backward", key, l, values * self.error)

    def _slope_formula(self, l: int) -> str:
        z, a = (self.builder.equations[key].symbol for key in ("pre_activation", "activation"))
        return slope_formula(self._activation(l), z, a)

    def _gradients(self, l: int) -> None:
        self._add("backward", "weight_gradient", l, self.trace.gradient.W[l] * self.gradient.document)
        self._add("backward", "bias_gradient", l, self.trace.gradient.b[l] * self.gradient.document)

    def _blocks(self) -> list[ParameterBlock]:
        return [block for l in range(1, self.trace.last + 1) for block in weights_and_biases(l)]

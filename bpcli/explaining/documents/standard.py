r"""The standard notation, for every network that bp trains: z before and a after activation, δ, ∇W.

No derivation in print: the equations are made of the formulas that activations, losses, rules, penalties and
clippings state, so one that is listed is explained. δ is ∂L/∂z of the whole batch: what divides by
the outputs, the examples or their weights is in it already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bpcli.choices import name_of
from bpcli.explaining.documents import standard_equations as table
from bpcli.explaining.documents.blocks import ParameterBlock, weights_and_biases
from bpcli.explaining.documents.reductions import GradientRatio
from bpcli.explaining.documents.standard_writing import Writing, own_key, varying
from bpcli.explaining.documents.steps import LEARNING_RATE, DerivationStep, Document, StepBuilder, with_layer
from bpcli.explaining.documents.sums import with_bounds
from bpcli.explaining.documents.updates import add_updates
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.pairs import pair_statements
from bpcli.nn.parameters import Parameters

ONE_HOT = "The class of each example is 1 in its own row of $y$ and 0 in the others."
NORMED = r"$\delta$ is the derivative of $L$ itself: what $L$ divides by is in it already."
WEIGHED = r"$\omega_i$ is the weight of example $i$, by its class, its column of weights, or both."


def steps(trace: Trace) -> tuple[DerivationStep, ...]:
    """Given, forward, loss, backward, update."""
    standard = _StandardSteps(StepBuilder(table.equations(trace)), trace, Writing(trace))
    standard.given()
    standard.forward()
    standard.loss()
    for l in range(trace.last, 0, -1):
        standard.back(l)
    add_updates(standard.builder, trace, standard.blocks(), GradientRatio(1, 1, ""), complete=True)
    return tuple(standard.builder.steps)


@dataclass(frozen=True)
class _StandardSteps:
    """Appends the steps of each stage."""

    builder: StepBuilder
    trace: Trace
    writing: Writing

    def given(self) -> None:
        """Inputs, targets, weights of examples, parameters, η."""
        trace, add = self.trace, self.builder.add
        one_hot = (ONE_HOT,) if trace.network.head.loss.targets.class_indices else ()
        add("given", "inputs", 0, trace.A[0])
        add("given", "targets", trace.last, trace.targets, notes=one_hot)
        if trace.weights is not None:
            add(
                "given",
                "example_weights",
                None,
                trace.weights[None, :] if self.writing.several else trace.weights[0],
                notes=(WEIGHED,),
            )
        for name, value in varying(trace).items():
            add("given", name, trace.last, value)
        for l in range(1, trace.last + 1):
            for block in self.blocks_of(l):
                add("given", block.key, l, block.view(trace.before))
        self.builder.append(LEARNING_RATE, "given", "learning_rate", None, trace.learning_rate, ())

    def forward(self) -> None:
        """Every z and a."""
        for l in range(1, self.trace.last + 1):
            self.builder.add("forward", "pre_activation", l, self.trace.Z[l])
            self.builder.add("forward", "activation", l, self.trace.A[l], notes=(self._function(l),))

    def _function(self, l: int) -> str:
        """What f of a layer is."""
        activation = self.activation(l)
        name = name_of(ACTIVATIONS, activation).replace("_", " ")
        if activation.elementwise:
            formula, left = table.of_activation(activation.formula, activation, "x"), f"f_{l}(x)"
        else:
            bounded = with_bounds(activation.formula, rf"_{{k=1}}^{{n_{{{l}}}}}", lambda one: one.replace("<z>", "x_k"))
            formula, left = table.of_activation(bounded, activation, "x_j"), f"f_{l}(x)_j"
        return rf"$f_{l}$ is {name}: ${left} = {with_layer(formula, l)}$."

    def loss(self) -> None:
        """The loss of each example, and of all."""
        trace = self.trace
        if self.writing.several:
            share = 1 / trace.outputs if trace.network.head.loss.outputs == "mean" else 1.0
            self.builder.add("loss", "example_loss", trace.last, trace.terms[None, :] * share)
        self.builder.add("loss", "loss", trace.last, trace.loss)

    def back(self, l: int) -> None:
        """From ∂L/∂a of a layer to its gradients."""
        trace, activation = self.trace, self.activation(l)
        output = l == trace.last
        self.builder.add("backward", "activation_gradient/output" if output else "activation_gradient", l, trace.dA[l])
        self._derivative(l)
        pair = output and bool(pair_statements(trace.network.head).error)
        key = "error/pair" if pair else "error" if activation.elementwise else "error/joint"
        self.builder.add("backward", key, l, trace.dZ[l], notes=(NORMED,) if output else ())
        self.builder.add("backward", "weight_gradient", l, trace.gradient.W[l])
        self.builder.add("backward", "bias_gradient", l, trace.gradient.b[l])
        for k, name in enumerate(activation.owned):
            formula = with_layer(table.gradient_of_own(self.writing, activation, name), l)
            self.builder.add("backward", f"{own_key(name)}_gradient", l, trace.gradient.own[l][k], formula=formula)

    def _derivative(self, l: int) -> None:
        """f′ of a layer, or the Jacobian of each example where units act on one another."""
        activation = self.activation(l)
        if activation.elementwise:
            formula = with_layer(table.slope(self.writing, activation), l)
            self.builder.add("backward", "slope", l, self.trace.slope(l), formula=formula)
            return
        formula = with_layer(table.jacobian(self.writing, activation), l)
        each = self.trace.jacobians[l]
        assert each is not None, "a trace has the Jacobians of units that act on one another"
        for example, jacobian in enumerate(each, start=1):
            number = example if self.writing.several else None
            self.builder.add("backward", "jacobian", l, jacobian, formula=formula, example=number)

    def activation(self, l: int) -> Activation:
        """f of a layer."""
        return self.trace.network.activations[l - 1]

    def blocks(self) -> list[ParameterBlock]:
        """The parameters of every layer."""
        return [block for l in range(1, self.trace.last + 1) for block in self.blocks_of(l)]

    def blocks_of(self, l: int) -> list[ParameterBlock]:
        """W, b and what the activation owns."""
        found = weights_and_biases(l)
        for k, name in enumerate(self.activation(l).owned):
            key = own_key(name)
            found.append(ParameterBlock(key, f"{key}_gradient", l, _own(l, k), weights=False))
        return found


def _own(l: int, k: int) -> Callable[[Parameters], Array]:
    return lambda parameters: parameters.own[l][k : k + 1].reshape(())


DOCUMENT = Document(
    name="standard",
    title="Standard notation, z before and a after activation",
    expresses="every activation, loss and update rule that bp has",
    losses=(),
    conventions=(
        r"Layers count from 0, the inputs, and stand above a symbol in parentheses: $W^{(2)}$ leads into layer 2.",
        "Examples are columns. Row $j$ is unit $j$ of the layer, column $i$ is example $i$.",
        r"$z$ is a layer before, $a$ after activation; $\delta$ is the derivative of the loss by $z$.",
        r"$\nabla Q$ is the derivative of the loss by $Q$, in the shape of $Q$.",
        r"$\cdot$ between matrices is their product, $\odot$ the product entry by entry; $f$ acts entry by entry.",
    ),
    notation=(
        ("x, y", "inputs and targets"),
        ("n_l", "the number of units of layer $l$"),
        ("m", "the number of examples"),
        ("W^l, b^l", "weights, units by inputs, and biases"),
        (r"z^l = W^l \cdot a^{l-1} + b^l", "layer $l$ before activation"),
        ("a^l = f_l(z^l)", "layer $l$ after activation; $a^0 = x$"),
        ("L", "the loss"),
        (r"\delta^l", r"the error of layer $l$, $\frac{\partial L}{\partial z^l}$"),
        (r"\nabla W^l, \nabla b^l", "the gradients"),
        (r"\eta", "the learning rate"),
        (r"\omega_i", "the weight of example $i$, where examples have any"),
        (r"\mathbf{1}_m", "a column of $m$ ones"),
        ("I_{k,j}", "1 where $k = j$, else 0"),
    ),
    objection=lambda _: "",
    steps=steps,
    complete=True,
)

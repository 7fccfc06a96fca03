"""The general case: any cost c of each output, any activation f; w transposed; sums over examples, no 1/P.

Layers count from 0 to L; w^l multiplies the activations of layer l, so it is
the transpose of bp's W_(l+1). Sections and their equations: §1 any c and f, (9)
and (10); §2 sigmoids, c the log-likelihood, (11); §3 one output, (12); §4 both,
(13); §5 the output layer being the second, (14) to the closed form (17).

A log-likelihood is to be raised, so those gradients point uphill. What the
document keeps apart for each output n_L is shown added up over n_L, which obeys
the same recursion and is what the gradients need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bpcli.explaining.documents.blocks import ParameterBlock
from bpcli.explaining.documents.general_equations import (
    LAST_WEIGHTS,
    SLIPS,
    STATED,
    Z_SYMBOL,
    Wording,
    equations,
    output_symbol,
)
from bpcli.explaining.documents.objections import all_layers, derives, of_joint_outputs, of_joint_units
from bpcli.explaining.documents.reductions import DocumentReduction, GradientRatio, gradient_ratio, loss_notes
from bpcli.explaining.documents.steps import (
    LEARNING_RATE,
    DerivationStep,
    Document,
    StepBuilder,
    activation_names,
    function_note,
    own_letter,
    slope_of_numbers,
)
from bpcli.explaining.documents.updates import add_updates
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.losses import BinaryCrossEntropy
from bpcli.nn.network import Network
from bpcli.nn.pairs import SigmoidBinaryCrossEntropy
from bpcli.nn.parameters import Parameters


def objection(network: Network) -> str:
    """Why the document cannot express ``network``."""
    return of_joint_outputs(network) or of_joint_units(network, "f", all_layers(network))


def wording(network: Network) -> Wording:
    """The words of the most special section that covers the network."""
    loss, names = network.head.loss, activation_names(network)
    derived = derives(loss, BinaryCrossEntropy)
    sigmoids = derived and set(names[1:]) == {"sigmoid"}
    short = derived and isinstance(network.head, SigmoidBinaryCrossEntropy)
    section, letter = _section(network.sizes, sigmoids=sigmoids), own_letter("f", network)
    return Wording(section, network.sizes[-1], loss, derived, short, letter)


def _section(sizes: tuple[int, ...], *, sigmoids: bool) -> int:
    """Sections 2, 4 and 5 have sigmoids and their log-likelihood, 3 to 5 one output, 5 one hidden layer."""
    if sizes[-1] != 1:
        return 2 if sigmoids else 1
    if not sigmoids:
        return 3
    return 5 if len(sizes) == 3 else 4


def steps(trace: Trace) -> tuple[DerivationStep, ...]:
    """Given, forward, cost, backward, update."""
    words = wording(trace.network)
    reduction = DocumentReduction("sum", "sum", "N_L", "P", -1 if words.loss.likelihood else 1, loss="C")
    ratio = gradient_ratio(trace, reduction)
    general = _GeneralSteps(StepBuilder(equations(words)), trace, words, ratio)
    general.given()
    general.forward()
    general.builder.add("loss", "loss", trace.last, trace.loss * ratio.document, notes=loss_notes(trace, reduction))
    general.output()
    for l in range(trace.last, 0, -1):
        if l < trace.last:
            general.down(l)
        general.gradients(l - 1)
    blocks = []
    for l in range(trace.last):
        blocks.append(ParameterBlock("biases", "bias_gradient", l, biases(l), weights=False))
        blocks.append(ParameterBlock("weights", "weight_gradient", l, weights(l), weights=True))
    add_updates(general.builder, trace, blocks, ratio)
    return tuple(general.builder.steps)


def weights(l: int) -> Callable[[Parameters], Array]:
    """w^l, (N_l, N_(l+1))."""
    return lambda parameters: parameters.W[l + 1].T


def biases(l: int) -> Callable[[Parameters], Array]:
    """w_0^l, (1, N_(l+1))."""
    return lambda parameters: parameters.b[l + 1].T


@dataclass(frozen=True)
class _GeneralSteps:
    """Appends the steps of each stage; ``ratio`` relates bp's gradient and the document's."""

    builder: StepBuilder
    trace: Trace
    wording: Wording
    ratio: GradientRatio

    def given(self) -> None:
        """Inputs, true outputs, weights."""
        trace, builder = self.trace, self.builder
        builder.add("given", "inputs", 0, trace.A[0])
        builder.add("given", "targets", trace.last, trace.targets)
        for l in range(trace.last):
            builder.add("given", "biases", l, biases(l)(trace.before))
            builder.add("given", "weights", l, weights(l)(trace.before))
        builder.append(LEARNING_RATE, "given", "learning_rate", None, trace.learning_rate, ())

    def forward(self) -> None:
        """Every z and a."""
        for l, activation in enumerate(self.trace.network.activations, start=1):
            key = "activation/output" if l == self.trace.last else "activation"
            self.builder.add("forward", "pre_activation", l, self.trace.Z[l])
            notes = function_note(self.wording.function, l, activation)
            self.builder.add("forward", key, l, self.trace.A[l], notes=notes)

    def output(self) -> None:
        """∂c/∂z of the outputs: y − h for the log-likelihood of sigmoids, else by the chain rule."""
        l = self.trace.last
        if not self.wording.short:
            self.builder.add("backward", "activation_gradient/output", l, self.trace.dA[l] * self.ratio.document)
            self._slope(l)
        self.builder.add("backward", "error/output", l, self.trace.dZ[l] * self.ratio.document)

    def down(self, l: int) -> None:
        """From layer l + 1 to layer l."""
        self.builder.add("backward", "activation_gradient", l, self.trace.dA[l] * self.ratio.document)
        self._slope(l)
        self.builder.add("backward", "error", l, self.trace.dZ[l] * self.ratio.document)

    def gradients(self, l: int) -> None:
        """By the weights from layer l to layer l + 1."""
        variant = "/closed" if self.wording.section == 5 and l == 0 else ""
        notes = (LAST_WEIGHTS,) if l == self.trace.last - 1 else ()
        gradient, ratio = self.trace.gradient, self.ratio.document
        self._gradient(f"bias_gradient{variant}", l, biases(l)(gradient) * ratio, notes)
        self._gradient(f"weight_gradient{variant}", l, weights(l)(gradient) * ratio)

    def _gradient(self, key: str, l: int, value: Array, notes: tuple[str, ...] = ()) -> None:
        """One gradient; only (9) states those of the last weights."""
        self.builder.add("backward", key, l, value, notes=notes)
        if l == self.trace.last - 1:
            self.builder.steps[-1] = replace(self.builder.steps[-1], reference=STATED)

    def _slope(self, l: int) -> None:
        last = l == self.trace.last
        a = self.builder.equations["activation/output" if last else "activation"].symbol
        z = output_symbol(self.wording) if last else Z_SYMBOL
        formula = slope_of_numbers(self.trace.network.activations[l - 1], z, a)
        self.builder.add("backward", "slope/output" if last else "slope", l, self.trace.slope(l), formula=formula)


DOCUMENT = Document(
    name="general",
    title="Derivation of backpropagation equations in the general case",
    expresses="any activations and any cost of each output by itself; not softmax",
    losses=(),
    conventions=(
        r"Layers count from 0, the inputs, to $L$; $w^l$ leads from layer $l$ to $l + 1$ and is $N_l \times N_{l+1}$.",
        r"In place of the letter a layer's number is in parentheses, $w^{(2)}$: without them it would be a power.",
        "The bias weights $w_0^l$ are a row.",
        r"$C$ and its gradients are sums over the $P$ data points, without $\frac{1}{P}$; data points are columns.",
        "Where $c$ is a log-likelihood, $C$ is to be raised and its gradient points uphill.",
    ),
    notation=(
        ("P", "the number of data points"),
        ("N_l", "the number of nodes of layer $l$"),
        (r"z_{n_l}^{p,l}", "the value of node $n_l$ for data point $p$ before activation"),
        (r"a_{n_l}^{p,l}", "the same after activation by $f$"),
        (r"w_{n_l n_{l+1}}^l", r"the weight in layer $l$ that multiplies $a_{n_l}^{p,l}$"),
        (r"w_{0 n_{l+1}}^l", "the bias weight"),
        (r"h_{n_L}^p, y_{n_L}^p", "the output and the true output"),
        ("c, C", "the cost of one output for one data point, and their sum"),
    ),
    objection=objection,
    steps=steps,
    slips=SLIPS,
)

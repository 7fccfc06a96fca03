"""Half of the mean squared error: δ, ∇W, W − η ∇W, layers as superscripts, mean over the outputs.

Sections: §1 cost, §2 activation, §3 pre-activation, then "Error" and
"Gradients". The document derives one example and updates after it (stochastic
gradient descent); batch and mini-batch average the gradients of their examples.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bpcli.explaining.documents.matrices import MatrixSteps
from bpcli.explaining.documents.objections import all_layers, of_joint_units, of_loss
from bpcli.explaining.documents.reductions import DocumentReduction, gradient_ratio, loss_notes
from bpcli.explaining.documents.steps import DerivationStep, Document, Equation, StepBuilder, own_letter
from bpcli.explaining.trace import Mode, Trace
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.network import Network

REDUCTION = DocumentReduction("mean", "mean", "n_L", "m", loss="C")
EACH = DocumentReduction("mean", "sum", "n_L", "m")
"""δ belongs to one example: it is not divided by their number."""

DERIVED = (HalfSquaredError,)

GIVEN = r"The document does not say it: the activation of layer 0 is the input, $a^{(0)} = x$."
BEFORE = r"Every $\delta$ uses the weights as they were before the update."
DOWNHILL = r"$-\delta$ points downhill, not $\delta$."
AVERAGE = "The average over the batch, of which the document speaks in its last paragraph."
EXAMPLES = "The document has one example; here each has an index $i$ and is a column, $C_i$ its cost."
AVERAGED = "$C$, whose gradients update the weights, is the average of the examples' costs $C_i$."
ONE_SIGMA = r"The document has one $\sigma$; here the layers' functions differ, so each has its layer's number."
DIFFERENTIAL = r"\frac{\partial \sigma}{\partial z^<l>}"
ABOVE = r"(W^<l+1>)^\top \cdot \delta^<l+1>"
MODES: dict[Mode, str] = {
    "sgd": "Stochastic gradient descent: an update after each example, in an order that the document leaves open.",
    "mini_batch": "Mini-batch gradient descent: the gradient is averaged over some examples, here those chosen.",
    "batch": "Batch gradient descent: the gradient is averaged over all training examples, here over those chosen.",
}
ERROR = "Error"
GRADIENTS = "Gradients"

ONE = {
    "inputs": Equation("Input", "§3", "a^<l>", "x", "k", notes=(GIVEN,)),
    "targets": Equation("Expected output", "§1", "y", rows="j"),
    "weights": Equation("Weights into layer <l>", "§3", "W^<l>", rows="j", columns="k"),
    "biases": Equation("Biases of layer <l>", "§3", "b^<l>", rows="j"),
    "pre_activation": Equation("Layer <l> before activation", "§3", "z^<l>", r"W^<l> \cdot a^<l-1> + b^<l>", "j"),
    "activation": Equation("Activation of layer <l>", "§2", "a^<l>", r"\sigma(z^<l>)", "j"),
    "loss": Equation("Cost", "§1", "C", r"\frac{1}{n_L} \sum_{j=1}^{n_L} \frac{1}{2} (a_j^<l> - y_j)^2"),
    "activation_gradient/output": Equation(
        "Cost by the output", "§1", r"\frac{d C}{d a^<l>}", r"\frac{1}{n_L} (a^<l> - y)", "j"
    ),
    "slope": Equation("Derivative of layer <l>'s activation", "§2", DIFFERENTIAL, "", "j"),
    "error/output": Equation(
        "Error of the output layer",
        GRADIENTS,
        r"\delta^<l>",
        rf"\frac{{1}}{{n_L}} (a^<l> - y) \odot {DIFFERENTIAL}",
        "j",
        notes=(DOWNHILL,),
    ),
    "activation_gradient": Equation(
        "Cost by the activation of layer <l>", ERROR, r"\frac{\partial C}{\partial a^<l>}", ABOVE, "j", notes=(BEFORE,)
    ),
    "error": Equation("Error of layer <l>", GRADIENTS, r"\delta^<l>", rf"({ABOVE}) \odot {DIFFERENTIAL}", "j"),
    "weight_gradient": Equation(
        "Gradient of layer <l>'s weights", GRADIENTS, r"\nabla W^<l>", r"\delta^<l> \cdot (a^<l-1>)^\top", "j", "k"
    ),
    "bias_gradient": Equation("Gradient of layer <l>'s biases", GRADIENTS, r"\nabla b^<l>", r"\delta^<l>", "j"),
}

OF_EXAMPLE = re.compile(r"(?<![\\\w])([azxyC])(?![\w{])|(\\delta)(?![\w{])")
"""The symbols that each example has its own of."""


def _of_example(equation: Equation) -> Equation:
    """An equation of one example as that of example i, the column."""
    symbol, formula = (OF_EXAMPLE.sub(r"\1\2_i", markup) for markup in (equation.symbol, equation.formula))
    return replace(equation, symbol=symbol, formula=formula, columns="i")


COLUMNS = {
    key: _of_example(equation)
    for key, equation in ONE.items()
    if not key.endswith(("weights", "biases", "weight_gradient", "bias_gradient", "loss"))
}

SEVERAL = (
    ONE
    | COLUMNS
    | {
        "example_loss": Equation(
            "Cost of each example",
            "§1",
            "C_i",
            r"\frac{1}{n_L} \sum_{j=1}^{n_L} \frac{1}{2} (a_{j,i}^<l> - y_{j,i})^2",
            columns="i",
            notes=(EXAMPLES,),
        ),
        "loss": Equation(
            "Cost, averaged over the batch", "Gradients", "C", r"\frac{1}{m} \sum_{i=1}^{m} C_i", notes=(AVERAGED,)
        ),
        "weight_gradient": Equation(
            "Gradient of layer <l>'s weights",
            GRADIENTS,
            r"\nabla W^<l>",
            r"\frac{1}{m} \sum_{i=1}^{m} \delta_i^<l> \cdot (a_i^<l-1>)^\top",
            "j",
            "k",
            (AVERAGE,),
        ),
        "bias_gradient": Equation(
            "Gradient of layer <l>'s biases",
            GRADIENTS,
            r"\nabla b^<l>",
            r"\frac{1}{m} \sum_{i=1}^{m} \delta_i^<l>",
            "j",
        ),
    }
)


def objection(network: Network) -> str:
    """Why the document cannot express ``network``."""
    return of_loss(network, *DERIVED) or of_joint_units(network, "σ", all_layers(network))


def steps(trace: Trace) -> tuple[DerivationStep, ...]:
    """Given, forward, cost, backward, update."""
    builder, ratio = StepBuilder(_equations(trace)), gradient_ratio(trace, REDUCTION)
    output = ("activation_gradient", "slope", "error")
    error = gradient_ratio(trace, EACH).document
    notes, mode = loss_notes(trace, REDUCTION), (MODES[trace.mode],)
    letter = own_letter(r"\sigma", trace.network)
    costs = None if trace.m == 1 else trace.terms[None, :] / trace.outputs
    MatrixSteps(builder, trace, error, ratio, output, notes, GRADIENTS, letter, mode, costs).append_all()
    return tuple(builder.steps)


def _equations(trace: Trace) -> dict[str, Equation]:
    """The table, each layer's σ with its number where they differ."""
    table = ONE if trace.m == 1 else SEVERAL
    letter = own_letter(r"\sigma", trace.network)
    if letter == r"\sigma":
        return table
    own = {
        key: replace(one, symbol=one.symbol.replace(r"\sigma", letter), formula=one.formula.replace(r"\sigma", letter))
        for key, one in table.items()
    }
    return own | {"activation": replace(own["activation"], notes=(ONE_SIGMA,))}


DOCUMENT = Document(
    name="half-squared-error",
    title="Backpropagation of half the mean squared error",
    expresses="half squared error, any activations that act unit by unit (the document has the sigmoid)",
    losses=DERIVED,
    conventions=(
        r"Layers are superscripts and count from 0, the input, to $L$; $W^l$ leads into layer $l$, neurons by inputs.",
        r"The cost is a mean over the $n_L$ outputs; $\delta$ belongs to one example, a column.",
        r"In place of the letter a layer's number is in parentheses, $a^{(2)}$: without them it would be a power.",
        "The gradients of several examples are averaged.",
        r"$\odot$ is the product entry by entry.",
    ),
    notation=(
        ("a^l", r"the activation of layer $l$, $a^l = \sigma(z^l)$"),
        ("z^l", "layer $l$ before activation"),
        ("W^l, b^l", "the weights and biases into layer $l$"),
        ("y", "the expected output"),
        ("n_L", "the number of outputs"),
        (r"\delta^l", "the error of layer $l$, the derivative of $C$ by $z^l$"),
        (r"\nabla W^l, \nabla b^l", "the gradients"),
        (r"\eta", "the learning rate"),
    ),
    objection=objection,
    steps=steps,
    slips=frozenset({GIVEN, DOWNHILL}),
)

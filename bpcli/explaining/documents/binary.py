"""Binary cross-entropy with a sigmoid in every layer: z, a, W, b, layers 0 … L, mean over the N objects.

Sections: §1 notation, §2 gradient derivation. The document derives one object; for
several, 1/N is a factor at the output and the bias gradients add up the columns.
"""

from __future__ import annotations

from dataclasses import replace

from bpcli.explaining.documents.blocks import UNWRITTEN
from bpcli.explaining.documents.matrices import MatrixSteps
from bpcli.explaining.documents.objections import clash, of_loss
from bpcli.explaining.documents.reductions import DocumentReduction, gradient_ratio, loss_notes
from bpcli.explaining.documents.steps import DerivationStep, Document, Equation, StepBuilder, activation_names
from bpcli.explaining.trace import Trace
from bpcli.nn.losses import BinaryCrossEntropy
from bpcli.nn.network import Network

REDUCTION = DocumentReduction("sum", "mean", "n_L", "N", loss="F")
DERIVED = (BinaryCrossEntropy,)

Z, A = r"\frac{\partial F}{\partial z_<l>}", r"\frac{\partial F}{\partial a_<l>}"
ABOVE = r"W_<l+1>^\top \cdot \frac{\partial F}{\partial z_<l+1>}"
SLOPE = r"\sigma(z_<l>) \ast (1 - \sigma(z_<l>))"
ODDS = r"\frac{a_<l> - y}{a_<l> (1 - a_<l>)}"
ODDS_OF_ALL = r"\frac{a_<l> - y}{a_<l> \ast (1 - a_<l>)}"
FINAL = "§2, final formulas"

SUBSCRIPTS = "$b$ with an index is a vector of biases; without one the document calls all parameters $b$."
MEAN = r"Derived for $N = 1$ only; $F$ is a mean, so over several objects the factor $\frac{1}{N}$ belongs here."
PRECEDENCE = r"The document leaves out the parentheses: $\ast$ acts after $\cdot$."
CHAIN = r"The chain rule to this formula is printed with $\partial L$, four times; $\partial F$ is meant."
FINAL_SLIP = (
    r"Printed with $\frac{\partial F}{\partial z_L}$ for every layer $l$; it must be "
    r"$\frac{\partial F}{\partial z_l}$, or the shapes do not match."
)
SHORTHAND = r"$\frac{\partial z_l}{\partial W_l} = a_{l-1}^\top$ in the document is shorthand for a tensor."
ONES = r"$\mathbf{1}_N$ is a column of $N$ ones: the biases are added to every column. The document has one object."
COLUMNS = "Over several objects the columns are added up; the document has one column."

ONE = {
    "inputs": Equation("Inputs", "§1", "a_<l>", rows="i", columns="k"),
    "targets": Equation("True label", "§1", "y", columns="k"),
    "weights": Equation("Weights into layer <l>", "§1", "W_<l>", rows="i", columns="j"),
    "biases": Equation("Biases of layer <l>", "§1", "b_<l>", rows="i", notes=(SUBSCRIPTS,)),
    "pre_activation": Equation("Layer <l> before activation", "§1", "z_<l>", r"W_<l> \cdot a_<l-1> + b_<l>", "i", "k"),
    "activation": Equation("Output of layer <l>", "§1", "a_<l>", r"\sigma(z_<l>)", "i", "k"),
    "loss": Equation("Cost", "§2", "F", r"-y \ln a_<l> - (1 - y) \ln (1 - a_<l>)"),
    "activation_gradient/output": Equation("Cost by the output", "§2", A, ODDS, "i", "k"),
    "slope/output": Equation(
        "Derivative of the output's sigmoid",
        "§2",
        r"\frac{\partial a_<l>}{\partial z_<l>}",
        r"a_<l> (1 - a_<l>)",
        "i",
        "k",
    ),
    "error/output": Equation("Cost by the output before activation", "§2", Z, "a_<l> - y", "i", "k"),
    "weight_gradient": Equation(
        "Gradient of layer <l>'s weights",
        FINAL,
        r"\frac{\partial F}{\partial W_<l>}",
        rf"{Z} \cdot a_<l-1>^\top",
        "i",
        "j",
        (FINAL_SLIP, SHORTHAND),
    ),
    "bias_gradient": Equation("Gradient of layer <l>'s biases", FINAL, r"\frac{\partial F}{\partial b_<l>}", Z, "i"),
    "activation_gradient": Equation("Cost by layer <l>'s output", "§2", A, ABOVE, "i", "k", (CHAIN,)),
    "slope": Equation(
        "Derivative of layer <l>'s sigmoid", "§2", r"\frac{\partial a_<l>}{\partial z_<l>}", SLOPE, "i", "k"
    ),
    "error": Equation(
        "Cost by layer <l> before activation", "§2", Z, rf"({ABOVE}) \ast ({SLOPE})", "i", "k", (PRECEDENCE,)
    ),
}

SEVERAL = ONE | {
    "targets": Equation("True labels", "§1", "y", columns="k"),
    "pre_activation": Equation(
        "Layer <l> before activation",
        "§1",
        "z_<l>",
        r"W_<l> \cdot a_<l-1> + b_<l> \cdot \mathbf{1}_N^\top",
        "i",
        "k",
        (ONES,),
    ),
    "loss": Equation(
        "Cost",
        "§1",
        "F",
        r"-\frac{1}{N} \sum_{k=1}^{N} \left[ y_k \ln p_k + (1 - y_k) \ln (1 - p_k) \right]",
        notes=("$p_k$ is the output for object $k$.",),
    ),
    "activation_gradient/output": Equation(
        "Cost by the output", "§2", A, rf"\frac{{1}}{{N}} \cdot {ODDS_OF_ALL}", "i", "k", (MEAN,)
    ),
    "slope/output": replace(ONE["slope/output"], formula=r"a_<l> \ast (1 - a_<l>)"),
    "error/output": Equation("Cost by the output before activation", "§2", Z, r"\frac{1}{N} (a_<l> - y)", "i", "k"),
    "bias_gradient": Equation(
        "Gradient of layer <l>'s biases",
        FINAL,
        r"\frac{\partial F}{\partial b_<l>}",
        rf"\sum_{{k=1}}^{{N}} \left( {Z} \right)_k",
        "i",
        notes=(COLUMNS,),
    ),
}


def objection(network: Network) -> str:
    """Why the document cannot express ``network``."""
    outputs = network.sizes[-1]
    several = clash("one output", str(outputs)) if outputs != 1 else ""
    return of_loss(network, *DERIVED) or several or _not_sigmoid(network)


def _not_sigmoid(network: Network) -> str:
    """The clash where a layer has another activation than the sigmoid."""
    for l, name in enumerate(activation_names(network)[1:], start=1):
        if name != "sigmoid":
            return clash("sigmoid in every layer", f"{name} in layer {l}")
    return ""


def steps(trace: Trace) -> tuple[DerivationStep, ...]:
    """Given, forward, cost, backward, update."""
    builder, ratio = StepBuilder(ONE if trace.m == 1 else SEVERAL), gradient_ratio(trace, REDUCTION)
    output = ("activation_gradient", "slope", "error")
    notes = loss_notes(trace, REDUCTION)
    MatrixSteps(builder, trace, ratio.document, ratio, output, notes, UNWRITTEN).append_all()
    return tuple(builder.steps)


DOCUMENT = Document(
    name="binary",
    title="Derivation of backpropagation",
    expresses="one sigmoid output under binary cross-entropy, sigmoid hidden layers",
    losses=DERIVED,
    conventions=(
        r"Layers count from 0, the inputs, to $L$; $W_l$ leads into layer $l$ and is $n_l \times n_{l-1}$.",
        r"Objects are columns; $F$ is their mean.",
        r"$\cdot$ is the matrix product, $\ast$ the product entry by entry.",
    ),
    notation=(
        ("N", "the number of objects in the batch"),
        ("n_l", "the size of layer $l$"),
        ("a_l", "the output of layer $l$, $a_0$ the input"),
        ("z_l", "layer $l$ before activation"),
        ("W_l, b_l", "the weights and biases into layer $l$"),
        ("y, p", "the true label and the network's output"),
        (r"\sigma", r"the sigmoid, $\sigma(x) = \frac{1}{1 + e^{-x}}$"),
        ("F", "the binary cross-entropy"),
    ),
    objection=objection,
    steps=steps,
    slips=frozenset({SUBSCRIPTS, MEAN, PRECEDENCE, CHAIN, FINAL_SLIP, SHORTHAND}),
)

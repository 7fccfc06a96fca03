"""Biswas, "Backpropagation": a softmax output under the average sparse categorical cross-entropy.

Sections: §2 set-up, §3 fundamentals, 4.3 the derivation for one data point, 5.1
its summary, 5.2 the whole X with examples as columns, 6.1 derivatives. A is the
pre-activation, H the activation, E the one-hot labels. One example is shown by
5.1, several by 5.2, where 1/m stands in the output's gradient.
"""

from __future__ import annotations

from dataclasses import replace

from bpcli.explaining.documents.blocks import UNWRITTEN
from bpcli.explaining.documents.matrices import MatrixSteps
from bpcli.explaining.documents.objections import hidden_layers, of_joint_units, of_loss, of_output
from bpcli.explaining.documents.reductions import DocumentReduction, gradient_ratio, loss_notes
from bpcli.explaining.documents.steps import DerivationStep, Document, Equation, StepBuilder
from bpcli.explaining.trace import Trace
from bpcli.nn.losses import CrossEntropy
from bpcli.nn.network import Network

REDUCTION = DocumentReduction("sum", "mean", "p", "m", loss=r"\mathcal{L}")
WHOLE = replace(REDUCTION, loss="L")
"""The loss of one data point (4.3) and the mean (§3) have different letters."""

DERIVED = (CrossEntropy,)

ASSUMES = "5.2 prints $A_0 = X$, but the recursion uses $H_0$: $H_0 = X$."
OWN_G = "The document's backward has one $g'$ where its forward has $g_k$; each layer's own is meant."
CASES = r"The case form in 4.3.1 lacks the minus sign; its indicator form, shown here, is right."
SUM_TO = r"In 4.3.2 the first sum is printed up to $p$; it runs over the $n_{k+1}$ units of the layer above."
COLUMN = r"4.3.2 writes $\nabla h \odot [\ldots g' \ldots]$ as a column by a row; both are columns."
PRECEDENCE = r"The document leaves out the parentheses: $\odot$ acts after the matrix product."
EACH_CLASS = (
    r"§3 prints $\hat{y}_l$ under the sum over $i$; each example has a true class of its own, $\ell_i$, and an output "
    r"for it, $\hat{y}_{\ell_i,i}$."
)
APPENDIX = "6.1 derives the logistic function and tanh only. At 0 the derivative of relu counts as 0."

ONE = {
    "inputs": Equation("Input", "§2", r"\underline{h}_<l>", r"\underline{x}", "i"),
    "targets": Equation("One-hot label", "4.3.1", r"\underline{e}_\ell", rows="i"),
    "weights": Equation("Weights into layer <l>", "§2", "W_<l>", rows="i", columns="j"),
    "biases": Equation("Biases of layer <l>", "§2", r"\underline{b}_<l>", rows="i"),
    "pre_activation": Equation(
        "Pre-activation of layer <l>",
        "§2",
        r"\underline{a}_<l>",
        r"W_<l> \cdot \underline{h}_<l-1> + \underline{b}_<l>",
        "i",
    ),
    "activation": Equation("Activation of layer <l>", "§2", r"\underline{h}_<l>", r"g_<l>(\underline{a}_<l>)", "i"),
    "activation/output": Equation(
        "Output", "§2, 4.3.1", r"\underline{\hat{y}}", r"\mathrm{softmax}(\underline{a}_<l>)", "i"
    ),
    "loss": Equation("Loss", "4.3.1", r"\mathcal{L}", r"-\log \hat{y}_\ell"),
    "activation_gradient/output": Equation(
        "Gradient of the output",
        "4.3.1",
        r"\nabla_{\underline{\hat{y}}}",
        r"-\frac{1}{\hat{y}_\ell} \underline{e}_\ell",
        "i",
        notes=(CASES,),
    ),
    "error/output": Equation(
        "Gradient of the output's pre-activation",
        "5.1",
        r"\nabla_{\underline{a}_<l>}",
        r"-(\underline{e}_\ell - \underline{\hat{y}})",
        "i",
    ),
    "weight_gradient": Equation(
        "Gradient of layer <l>'s weights",
        "5.1",
        r"\nabla_{W_<l>}",
        r"\nabla_{\underline{a}_<l>} \cdot \underline{h}_<l-1>^\top",
        "i",
        "j",
    ),
    "bias_gradient": Equation(
        "Gradient of layer <l>'s biases", "5.1", r"\nabla_{\underline{b}_<l>}", r"\nabla_{\underline{a}_<l>}", "i"
    ),
    "activation_gradient": Equation(
        "Gradient of layer <l>'s activation",
        "5.1, 4.3.2",
        r"\nabla_{\underline{h}_<l>}",
        r"W_<l+1>^\top \cdot \nabla_{\underline{a}_<l+1>}",
        "i",
        notes=(SUM_TO,),
    ),
    "slope": Equation(
        "Derivative of layer <l>'s activation", "6.1", r"g_<l>'(\underline{a}_<l>)", "", "i", notes=(APPENDIX,)
    ),
    "error": Equation(
        "Gradient of layer <l>'s pre-activation",
        "5.1, 4.3.2",
        r"\nabla_{\underline{a}_<l>}",
        r"(W_<l+1>^\top \cdot \nabla_{\underline{a}_<l+1>}) \odot g_<l>'(\underline{a}_<l>)",
        "i",
        notes=(COLUMN, OWN_G, PRECEDENCE),
    ),
}

SEVERAL = {
    "inputs": Equation("Inputs", "5.2", "H_<l>", "X", "j", "i", (ASSUMES,)),
    "targets": Equation("One-hot labels", "5.2", "E", rows="j", columns="i"),
    "weights": ONE["weights"],
    "biases": ONE["biases"],
    "pre_activation": Equation(
        "Pre-activations of layer <l>",
        "5.2",
        "A_<l>",
        r"W_<l> \cdot H_<l-1> + \underline{b}_<l> \cdot \mathbf{1}_m^\top",
        "j",
        "i",
    ),
    "activation": Equation("Activations of layer <l>", "5.2", "H_<l>", "g_<l>(A_<l>)", "j", "i"),
    "activation/output": Equation("Outputs", "5.2", r"\hat{Y}", r"\mathrm{softmax}(A_<l>)", "j", "i"),
    "loss": Equation("Loss", "§3", "L", r"\frac{1}{m} \sum_{i=1}^{m} -\log \hat{y}_{\ell_i,i}", notes=(EACH_CLASS,)),
    "error/output": Equation(
        "Gradient of the output's pre-activations", "5.2", r"\nabla A_<l>", r"\frac{1}{m} (\hat{Y} - E)", "j", "i"
    ),
    "weight_gradient": Equation(
        "Gradient of layer <l>'s weights", "5.2", r"\nabla W_<l>", r"\nabla A_<l> \cdot H_<l-1>^\top", "i", "j"
    ),
    "bias_gradient": Equation(
        "Gradient of layer <l>'s biases", "5.2", r"\nabla \underline{b}_<l>", r"\nabla A_<l> \cdot \mathbf{1}_m", "i"
    ),
    "activation_gradient": Equation(
        "Gradient of layer <l>'s activations",
        "5.2",
        r"\nabla H_<l>",
        r"W_<l+1>^\top \cdot \nabla A_<l+1>",
        "j",
        "i",
        (SUM_TO,),
    ),
    "slope": Equation("Derivative of layer <l>'s activation", "6.1", "g_<l>'(A_<l>)", "", "j", "i", (APPENDIX,)),
    "error": Equation(
        "Gradient of layer <l>'s pre-activations",
        "5.2",
        r"\nabla A_<l>",
        r"(W_<l+1>^\top \cdot \nabla A_<l+1>) \odot g_<l>'(A_<l>)",
        "j",
        "i",
        (OWN_G, PRECEDENCE),
    ),
}


def objection(network: Network) -> str:
    """Why the document cannot express ``network``."""
    return (
        of_loss(network, *DERIVED)
        or of_output(network, "softmax")
        or of_joint_units(network, "g", hidden_layers(network))
    )


def steps(trace: Trace) -> tuple[DerivationStep, ...]:
    """Given, forward, loss, backward, update: 5.1 for one example, else 5.2."""
    one = trace.m == 1
    builder, reduction = StepBuilder(ONE if one else SEVERAL), REDUCTION if one else WHOLE
    ratio = gradient_ratio(trace, reduction)
    output = ("activation_gradient", "error") if one else ("error",)
    notes = loss_notes(trace, reduction)
    MatrixSteps(builder, trace, ratio.document, ratio, output, notes, UNWRITTEN, function="g_<l>").append_all()
    return tuple(builder.steps)


DOCUMENT = Document(
    name="biswas",
    title="Ananda Biswas: Backpropagation",
    expresses="a softmax output under cross-entropy, any hidden activations that act unit by unit",
    losses=DERIVED,
    conventions=(
        r"Layers count from 0, the inputs, to $L$; $W_k$ leads into layer $k$ and is $n_k \times n_{k-1}$.",
        "Examples are columns: one by itself in underlined small letters (5.1), all of them in capitals (5.2).",
        r"The loss is a mean: $\frac{1}{m}$ stands in the output's gradient.",
        r"$\nabla Q$ is the gradient of the loss by $Q$; $\odot$ is the product entry by entry.",
    ),
    notation=(
        ("m, p", "the numbers of examples and of classes"),
        ("n_k", "the number of neurons of layer $k$"),
        (r"\underline{a}_k, A_k", "the pre-activation of layer $k$"),
        (r"\underline{h}_k, H_k", "its activation, by $g_k$"),
        (r"W_k, \underline{b}_k", "the weights and biases into layer $k$"),
        (r"\underline{\hat{y}}, \hat{Y}", "the output, the softmax of the last pre-activation"),
        (r"\underline{e}_\ell, E", r"the one-hot label, 1 at the true class $\ell$; $\ell_i$ is that of example $i$"),
        (r"\mathbf{1}_m", "a column of $m$ ones"),
    ),
    objection=objection,
    steps=steps,
    slips=frozenset({ASSUMES, OWN_G, CASES, SUM_TO, COLUMN, PRECEDENCE, EACH_CLASS}),
)

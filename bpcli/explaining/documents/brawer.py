"""Brawer, "Derivation of Back Propagation Equations" (2017): K sigmoid outputs, the bias as node 0 of each layer.

Layers count from 1, the inputs, to L, so bp's layer l is layer l + 1 here.
θ^(l), s_(l+1) × (s_l + 1), leads out of layer l, its column 0 from the bias
node; z is a node's value before h; C undoes h at the bias node, Ψ is h′, M the
factor that carries δ down. δ belongs to one sample, gradients are means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bpcli.explaining.documents.blocks import ParameterBlock
from bpcli.explaining.documents.brawer_equations import EQUATIONS, SLIPS, UNLIKE, hidden_h
from bpcli.explaining.documents.objections import clash, hidden_layers, of_joint_units, of_loss, of_output
from bpcli.explaining.documents.reductions import DocumentReduction, gradient_ratio, loss_notes
from bpcli.explaining.documents.steps import (
    LEARNING_RATE,
    DerivationStep,
    Document,
    StepBuilder,
    activation_names,
    slope_of_numbers,
)
from bpcli.explaining.documents.updates import add_updates
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies.brawer import at_one
from bpcli.nn import Array
from bpcli.nn.losses import BinaryCrossEntropy
from bpcli.nn.markup import filled
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters

REDUCTION = DocumentReduction("sum", "mean", "K", "m", loss="J")
EACH = DocumentReduction("sum", "sum", "K", "m")
"""δ belongs to one sample: it is not divided by their number."""

DERIVED = (BinaryCrossEntropy,)


def objection(network: Network) -> str:
    """Why the document cannot express ``network``."""
    return (
        of_loss(network, *DERIVED)
        or of_output(network, "sigmoid")
        or of_joint_units(network, "h", hidden_layers(network))
        or _no_reciprocal(network)
    )


def _no_reciprocal(network: Network) -> str:
    """The clash where C of a layer, 1/h(1), would be 1/0."""
    names = activation_names(network)
    for l in hidden_layers(network):
        if at_one(network.activations[l - 1]) == 0:
            return clash("an h with h(1) other than 0, for (7)", f"{names[l]} in layer {l}")
    return ""


def theta(l: int) -> Callable[[Parameters], Array]:
    """θ^(l) of parameters: the biases as column 0, then the weights."""
    return lambda parameters: np.hstack([parameters.b[l], parameters.W[l]])


def steps(trace: Trace) -> tuple[DerivationStep, ...]:
    """Given, forward, cost, backward, update."""
    builder, ratio, last = StepBuilder(EQUATIONS), gradient_ratio(trace, REDUCTION), trace.last + 1
    _given(builder, trace)
    _forward(builder, trace)
    builder.add("loss", "loss", last, trace.loss * ratio.document, notes=loss_notes(trace, REDUCTION))
    builder.add("backward", "error/output", last, trace.dZ[-1] * gradient_ratio(trace, EACH).document)
    _gradient(builder, trace, last - 1)
    for l in range(last - 1, 1, -1):
        _carry(builder, trace, l)
        _gradient(builder, trace, l - 1)
    blocks = [ParameterBlock("theta", "theta_gradient", l, theta(l), weights=None) for l in range(1, last)]
    add_updates(builder, trace, blocks, ratio)
    return tuple(builder.steps)


def _given(builder: StepBuilder, trace: Trace) -> None:
    builder.add("given", "inputs", 1, _with_bias_node(trace.A[0], 1))
    builder.add("given", "targets", trace.last + 1, trace.targets)
    for l in range(1, trace.last + 1):
        builder.add("given", "theta", l, theta(l)(trace.before))
    builder.append(LEARNING_RATE, "given", "learning_rate", None, trace.learning_rate, ())


def _with_bias_node(values: Array, bias: float) -> Array:
    """Nodes 0 … s of every sample, node 0 being ``bias``."""
    return np.vstack([np.full((1, values.shape[1]), bias), values])


def _forward(builder: StepBuilder, trace: Trace) -> None:
    """h of a layer and its C, then z of the next; layer 1 has h(z) = z."""
    for l in range(1, trace.last + 1):
        hidden = l > 1
        bias = at_one(trace.network.activations[l - 2]) if hidden else 1.0
        notes = hidden_h(l, trace.network.activations[l - 2]) if hidden else ()
        builder.add(
            "forward",
            "activation" if hidden else "activation/input",
            l,
            _with_bias_node(trace.A[l - 1], bias),
            notes=notes,
            formula=_formula(trace, l) if hidden else "",
        )
        coefficients = np.ones((1, trace.A[l - 1].shape[0] + 1))
        coefficients[0, 0] = 1 / bias
        builder.add("forward", "bias_factor", l, coefficients)
        last = l == trace.last
        Z = trace.Z[l] if last else _with_bias_node(trace.Z[l], 1)
        builder.add("forward", "pre_activation/output" if last else "pre_activation", l + 1, Z)
    L = trace.last + 1
    builder.add("forward", "activation/output", L, trace.A[-1], formula=_formula(trace, L))


def _formula(trace: Trace, l: int) -> str:
    """h of a layer above the first, written out."""
    activation = trace.network.activations[l - 2]
    return filled(activation.formula, activation, z="z_k^<l>")


VARIANTS = {0: "error/last hidden", 1: "error/second last hidden"}
"""The equations of δ of the upper hidden layers, by the layers between them and the output."""


def _carry(builder: StepBuilder, trace: Trace, l: int) -> None:
    """Ψ and δ of layer l, from the layer above down to it, by M of each sample where the document has it so."""
    slope, name = trace.slope(l - 1), activation_names(trace.network)[l - 1]
    formula = slope_of_numbers(trace.network.activations[l - 2], "z_p^<l>", "h^{(<l>)}(z_p^<l>)")
    notes = () if name == "sigmoid" else (UNLIKE,)
    builder.add("backward", "slope", l, slope, formula=formula, notes=notes)
    variant = VARIANTS.get(trace.last - l, "error")
    if variant != "error":
        for i in range(trace.m):
            builder.add("backward", "carrier", l, trace.before.W[l] * slope[:, i], example=i + 1)
    builder.add("backward", variant, l, trace.dZ[l - 1] * gradient_ratio(trace, EACH).document)


def _gradient(builder: StepBuilder, trace: Trace, l: int) -> None:
    """∂J/∂θ^(l), from δ of layer l + 1."""
    reference = {0: "(26), (44)", 1: "(35), (44)", 2: "(41), (44)"}.get(trace.last - l, "(44)")
    if trace.last == 1 and trace.outputs == 1:
        reference += ", here (28), (29)"
    builder.add("backward", "theta_gradient", l, theta(l)(trace.gradient) * gradient_ratio(trace, REDUCTION).document)
    builder.steps[-1] = replace(builder.steps[-1], reference=reference)


DOCUMENT = Document(
    name="brawer",
    title="Steven Brawer: Derivation of Back Propagation Equations (2017)",
    expresses="sigmoid outputs under binary cross-entropy, one for each of K classes or labels, any hidden h",
    losses=DERIVED,
    conventions=(
        "Layers count from 1, the inputs, to $L$; node 0 of every layer but the last is the bias node, of value 1.",
        r"$\theta^{(l)}$ leads from layer $l$ to $l + 1$, is $s_{l+1} \times (s_l + 1)$, column 0 the bias node's.",
        r"In place of the letter a layer's number is in parentheses, $z^{(2)}$: without them it would be a power.",
        "$z$ is a node's value before $h$. The sample $i$, implicit in the document, is the column here.",
        r"$J$ and its gradients are means over the $m$ samples, $\delta$ belongs to one.",
    ),
    notation=(
        ("m, K", "the numbers of samples and of classes, $K = s_L$"),
        ("s_l", "the nodes of layer $l$ without the bias node"),
        ("z_k^l", "the value of node $k$ of layer $l$"),
        ("h^{(l)}", "the function of layer $l$, $h^{(1)}(z) = z$"),
        (r"\theta_{p,q}^{(l)}", "the weight from node $q$ of layer $l$ to node $p$ of layer $l + 1$"),
        ("C_{1,q}^{(l)}", "1, but at the bias node the reciprocal of $h^{(l)}(1)$"),
        (r"\Psi^{(l)}", "the derivative of $h^{(l)}$"),
        ("M_{j,k}^{(l)}", r"what carries $\delta$ from node $j$ of layer $l + 1$ to node $k$ of layer $l$"),
        (r"\delta_p^l", "the error of node $p$ of layer $l$"),
        ("J", "the cost"),
    ),
    objection=objection,
    steps=steps,
    slips=SLIPS,
)

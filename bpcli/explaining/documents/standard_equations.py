r"""The equations of the standard notation: those of any network, written with the formulas that its choices state.

:mod:`~bpcli.explaining.documents.standard_writing` has how symbols are written.
"""

from __future__ import annotations

from bpcli.checking.updates.derivatives import derivative
from bpcli.explaining.documents.standard_writing import (
    BY,
    NO_PRODUCT_SIGN,
    Writing,
    own_key,
    product,
    varying,
    written_by_outputs,
)
from bpcli.explaining.documents.steps import Equation
from bpcli.explaining.symbolic import markup, shortened
from bpcli.explaining.trace import Trace
from bpcli.nn.activations import Activation
from bpcli.nn.expressions import FormulaError
from bpcli.nn.formulas import parse
from bpcli.nn.markup import filled
from bpcli.nn.pairs import pair_statements

GIVEN, DEFINITION, CHAIN_RULE = "given", "definition", "chain rule"


def equations(trace: Trace) -> dict[str, Equation]:
    """The table."""
    writing = Writing(trace)
    return _given(writing) | _forward(writing) | losses(writing) | _backward(writing) | _gradients(writing)


def _given(writing: Writing) -> dict[str, Equation]:
    columns = writing.columns
    of_levels = {
        name: Equation(f"The loss's {name} of each output", GIVEN, rf"\mathrm{{{name}}}_j", rows="j")
        for name in varying(writing.trace)
    }
    return {
        "inputs": Equation("Inputs", GIVEN, "a^<l>", "x", "j", columns),
        "targets": Equation("Targets", GIVEN, "y", rows="j", columns=columns),
        "example_weights": Equation("Weights of the examples", GIVEN, writing.weight, columns=columns),
        "weights": Equation("Weights into layer <l>", GIVEN, "W^<l>", rows="j", columns="k"),
        "biases": Equation("Biases of layer <l>", GIVEN, "b^<l>", rows="j"),
        **of_levels,
        **{
            own_key(name): Equation(f"The {name} of layer <l>", GIVEN, rf"\mathrm{{{name}}}^<l>")
            for layer in writing.trace.network.layers
            for name in layer.activation.owned
        },
    }


def _forward(writing: Writing) -> dict[str, Equation]:
    columns = writing.columns
    bias = r"b^<l> \cdot \mathbf{1}_m^\top" if writing.several else "b^<l>"
    return {
        "pre_activation": Equation(
            "Layer <l> before activation", DEFINITION, "z^<l>", rf"W^<l> \cdot a^<l-1> + {bias}", "j", columns
        ),
        "activation": Equation("Layer <l> after activation", DEFINITION, "a^<l>", "f_<l>(z^<l>)", "j", columns),
    }


def losses(writing: Writing) -> dict[str, Equation]:
    """The loss of each example where there are several, and of all."""
    loss = writing.trace.network.head.loss
    if not written_by_outputs(writing.trace):
        of_example = r"\text{the loss of } a^<l> \text{ and } y"
    else:
        total = r"\sum_{j=1}^{n_<l>}" if writing.trace.outputs > 1 else ""
        term = writing.of_loss(loss.term, writing.unit)
        of_example = product("-" * loss.likelihood + writing.outputs_share, total, term)
    if not writing.several:
        share = writing.share
        return {"loss": Equation("Loss", DEFINITION, "L", product(share, of_example) if share else of_example)}
    if writing.divides_by_weights:
        whole = r"\frac{\sum_{i=1}^{m} \omega_i L_i}{\sum_{i=1}^{m} \omega_i}"
    else:
        weight = writing.weight if writing.trace.weights is not None else ""
        whole = product("" if weight else writing.share, r"\sum_{i=1}^{m}", weight, "L_i")
    return {
        "example_loss": Equation("Loss of each example", DEFINITION, "L_i", of_example, columns="i"),
        "loss": Equation("Loss", DEFINITION, "L", whole),
    }


def _backward(writing: Writing) -> dict[str, Equation]:
    columns, above = writing.columns, r"(W^<l+1>)^\top \cdot \delta^<l+1>"
    z, a, delta = writing.entry("z"), writing.entry("a"), writing.entry(r"\delta")
    by_a, by_k = writing.by(a), writing.by(writing.entry("a", "k"))
    jacobian = BY.format(writing.entry("a", "k"), z)
    chain = rf"{by_a} f_<l>'({z})"
    joint = rf"\sum_{{k=1}}^{{n_<l>}} {by_k} {jacobian}"
    slope, short = "f_<l>'(z^<l>)", _short(writing)
    return {
        "activation_gradient/output": Equation(
            "Loss by the outputs", "derivative of the loss", by_a, by_outputs(writing), "j", columns
        ),
        "activation_gradient": Equation(
            "Loss by layer <l> after activation", CHAIN_RULE, writing.by("a^<l>"), above, "j", columns
        ),
        "slope": Equation("Derivative of layer <l>'s activation", "derivative", f"f_<l>'({z})", "", "j", columns),
        "jacobian": Equation("Jacobian of layer <l>'s activation", "derivative", jacobian, "", "k", "j"),
        "error": Equation(
            "Error of layer <l>", CHAIN_RULE, r"\delta^<l>", rf"{writing.by('a^<l>')} \odot {slope}", "j", columns
        ),
        "error/joint": Equation("Error of layer <l>", CHAIN_RULE, delta, joint, "j", columns),
        "error/pair": Equation(
            "Error of layer <l>",
            CHAIN_RULE,
            delta,
            chain if writing.trace.network.activations[-1].elementwise else joint,
            "j",
            columns,
            more=(short,) if short else (),
        ),
    }


def by_outputs(writing: Writing) -> str:
    """∂L/∂a of an output."""
    loss = writing.trace.network.head.loss
    if not written_by_outputs(writing.trace):
        return r"\text{its derivative by } a^<l>"
    slope = writing.of_loss(loss.term_derivative, "j")
    if not loss.likelihood:
        return product(writing.share, writing.outputs_share, slope)
    return product("-" + writing.share, writing.outputs_share, slope)


def _short(writing: Writing) -> str:
    """δ of the outputs where output and loss are a pair that shortens it; empty without one."""
    stated = pair_statements(writing.trace.network.head).error
    return product(writing.share, writing.outputs_share, writing.of_loss(stated, "j")) if stated else ""


def _gradients(writing: Writing) -> dict[str, Equation]:
    ones = r" \cdot \mathbf{1}_m" if writing.several else ""
    owned = {
        f"{own_key(name)}_gradient": Equation(
            f"Gradient of layer <l>'s {name}", CHAIN_RULE, rf"\nabla \mathrm{{{name}}}^<l>", "", notes=()
        )
        for layer in writing.trace.network.layers
        for name in layer.activation.owned
    }
    return {
        "weight_gradient": Equation(
            "Gradient of layer <l>'s weights", CHAIN_RULE, r"\nabla W^<l>", r"\delta^<l> \cdot (a^<l-1>)^\top", "j", "k"
        ),
        "bias_gradient": Equation(
            "Gradient of layer <l>'s biases", CHAIN_RULE, r"\nabla b^<l>", rf"\delta^<l>{ones}", "j"
        ),
        **owned,
    }


def of_activation(formula: str, activation: Activation, z: str, a: str = "") -> str:
    """A formula of an activation in a layer ``<l>``, for single numbers, with the symbols of what it owns."""
    own = {name: rf"\mathrm{{{name}}}^<l>" for name in activation.owned}
    return filled(formula.replace(*NO_PRODUCT_SIGN), activation, z=z, a=a, **own)


def slope(writing: Writing, activation: Activation) -> str:
    """f′ of an entry of layer ``<l>``."""
    return of_activation(activation.derivative, activation, writing.entry("z"), writing.entry("a"))


def jacobian(writing: Writing, activation: Activation) -> str:
    """An entry of the Jacobian of layer ``<l>``, from the matrix that the activation states of one example."""
    column = r"a_i^<l>" if writing.several else "a^<l>"
    stated = activation.derivative.replace("<a>^", "(<a>)^")
    matrix = filled(stated, activation, z=column.replace("a", "z"), a=column)
    return rf"\left( {matrix} \right)_{{k,j}}"


def gradient_of_own(writing: Writing, activation: Activation, name: str) -> str:
    """∂L/∂own: each unit's ∂L/∂a times the derivative of its f by what the activation owns."""
    symbols = {one: rf"\mathrm{{{one}}}^<l>" for one in activation.owned}
    formula = filled(activation.formula, activation, z="<z>", **{one: f"<{one}>" for one in activation.owned})
    try:
        by_own = markup(shortened(derivative(parse(formula), name)), {"z": writing.entry("z"), **symbols})
    except FormulaError:
        by_own = BY.format(writing.entry("a"), symbols[name])
    examples = r"\sum_{i=1}^{m} " if writing.several else ""
    return examples + product(r"\sum_{j=1}^{n_<l>}", writing.by(writing.entry("a")), by_own)

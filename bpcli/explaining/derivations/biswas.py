"""The displayed equations of Biswas' derivation, in its order: of one data point, 5.2 of the whole of X."""

from __future__ import annotations

from bpcli.explaining.derivations import biswas_hidden, biswas_output
from bpcli.explaining.derivations.biswas_symbols import LOSS, NABLA, by, product_of_jacobians
from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.trace import Trace

LOGISTIC = "6.1, logistic function"
DISPLAYED = (
    r"§2, $\underline{a}_i$",
    r"§2, $\underline{h}_i$",
    r"§2, $f(\underline{x})$",
    "§3, model",
    "§3, $L$",
    "4.1, chain",
    r"4.2, $\hat{y}$",
    "4.2, chain by layers",
    *biswas_output.DISPLAYED,
    *biswas_hidden.DISPLAYED,
    "5.1, $\\nabla W_k$",
    "5.1, $\\nabla b_k$",
    "5.1, $\\nabla a_L$",
    "5.1, $\\nabla a_k$",
    "5.2, $H_0$",
    "5.2, $A_k$",
    "5.2, $H_k$",
    r"5.2, $\hat{Y}$",
    "5.2, $\\nabla W_k$",
    "5.2, $\\nabla b_k$",
    "5.2, $\\nabla A_L$",
    "5.2, $\\nabla A_k$",
    LOGISTIC,
    "6.1, tanh",
)
"""Every equation that the document displays or lists in its summary, once, in its order."""

THIN = (
    "Printed with $a_{L11}$ for $a_{L,1}$ and as a product of numbers. A softmax of one output has no gradient, so the "
    "thin network has several: at the output the factors are a row, a matrix and a column."
)
JACOBIANS = "Printed as a product of numbers: in a wide network it is one of Jacobians, the first a row."
SPEAKS = "The text then speaks to $h_L$; it is $h_{L-1}$ that the output layer reads."
INPUT = "Printed as $A_0 = X$; the recursion reads $H_0$."
OWN = "Printed with one $g'$ for every layer; each has its own."
PRECEDENCE = r"5.1 prints no parentheses: $\odot$ acts after the matrix product."

SLIPS = biswas_output.SLIPS | biswas_hidden.SLIPS | {THIN, JACOBIANS, SPEAKS, INPUT, OWN, PRECEDENCE}
"""The notes on mistakes in print."""

ONE_UNIT = "holds where every hidden layer has one unit, as with network.hidden=[1, 1]"
Z = "$z_j$ is the pre-activation $a_{1,j}$ here, as a number to try the function on."


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    return (
        *_setup(trace),
        *_chains(trace),
        *biswas_output.derived(trace),
        *biswas_hidden.derived(trace),
        *_one(trace),
        *_whole(trace),
        *_appendix(),
    )


def _setup(trace: Trace) -> tuple[Derived, ...]:
    """Sections 2 and 3."""
    every, hidden, L = _every(trace), _hidden(trace), (trace.last,)
    a, h, value = r"\underline{a}_<l>", r"\underline{h}_<l>", r"W_<l> \cdot \underline{h}_<l-1> + \underline{b}_<l>"
    mean = r"\frac{1}{m} \sum_{i=1}^{m} -\log \hat{y}_{\ell_i,i}"
    return (
        Derived("§2, $\\underline{a}_i$", "Pre-activation of layer <l>", (a, value), "i", layers=every),
        Derived("§2, $\\underline{h}_i$", "Activation of layer <l>", (h, f"g_<l>({a})"), "i", layers=hidden),
        Derived(
            "§2, $f(\\underline{x})$",
            "Output",
            (r"\underline{\hat{y}}", h, rf"\mathrm{{softmax}}({a})"),
            "i",
            layers=L,
        ),
        Derived("§3, model", "The whole network", (r"\underline{\hat{y}}", _model(trace)), "i"),
        Derived("§3, $L$", "Loss of all examples", ("L", mean), whole=True),
    )


def _model(trace: Trace) -> str:
    """The output as one expression of the input."""
    inner = r"\underline{x}"
    for l in range(1, trace.last + 1):
        inner = rf"W_{{{l}}} \cdot {inner} + \underline{{b}}_{{{l}}}"
        inner = rf"\mathrm{{softmax}}({inner})" if l == trace.last else f"g_{{{l}}}({inner})"
    return inner


def _chains(trace: Trace) -> tuple[Derived, ...]:
    """Sections 4.1 and 4.2."""
    weight = by(LOSS, "W_{1,1,1}")
    wide = [units for units in trace.network.sizes[1:-1] if units != 1]
    thin = "" if not wide and trace.last > 1 else ONE_UNIT
    return (
        Derived(
            "4.1, chain",
            "Loss by the first weight of a thin network",
            (weight, product_of_jacobians(trace.last, thin=True)),
            notes=(THIN,),
            unless=thin,
        ),
        Derived(
            r"4.2, $\hat{y}$",
            "Output of the last weights",
            (r"\underline{\hat{y}}", r"\mathrm{softmax}(W_<l> \cdot \underline{h}_<l-1> + \underline{b}_<l>)"),
            "i",
            layers=(trace.last,),
            notes=(SPEAKS,),
        ),
        Derived(
            "4.2, chain by layers",
            "Loss by the first weight, layer by layer",
            (weight, product_of_jacobians(trace.last, thin=False)),
            notes=(JACOBIANS,),
        ),
    )


def _one(trace: Trace) -> tuple[Derived, ...]:
    """5.1."""
    every, hidden = _every(trace), _hidden(trace)
    here = NABLA % r"\underline{a}_<l>"
    above = r"W_<l+1>^\top \cdot \nabla_{\underline{a}_<l+1>}"
    slope = r"g_<l>'(\underline{a}_<l>)"
    return (
        Derived(
            "5.1, $\\nabla W_k$",
            "Gradient by layer <l>'s weights",
            (NABLA % "W_<l>", rf"{here} \cdot \underline{{h}}_<l-1>^\top"),
            "i",
            "j",
            every,
        ),
        Derived(
            "5.1, $\\nabla b_k$",
            "Gradient by layer <l>'s biases",
            (NABLA % r"\underline{b}_<l>", here),
            "i",
            layers=every,
        ),
        Derived(
            "5.1, $\\nabla a_L$",
            "Gradient by the output's pre-activation",
            (here, r"-(\underline{e}_\ell - \underline{\hat{y}})"),
            "i",
            layers=(trace.last,),
        ),
        Derived(
            "5.1, $\\nabla a_k$",
            "Gradient by layer <l>'s pre-activation",
            (here, rf"\nabla_{{\underline{{h}}_<l>}} \odot {slope}", rf"({above}) \odot {slope}"),
            "i",
            layers=hidden,
            notes=(PRECEDENCE, OWN),
        ),
    )


def _whole(trace: Trace) -> tuple[Derived, ...]:
    """5.2."""
    every, hidden, L = _every(trace), _hidden(trace), (trace.last,)
    matrix = {"rows": "j", "columns": "i", "whole": True}
    value = r"W_<l> \cdot H_<l-1> + \underline{b}_<l> \cdot \mathbf{1}_m^\top"
    above, slope = r"W_<l+1>^\top \cdot \nabla A_<l+1>", "g_<l>'(A_<l>)"
    lines = (
        ("5.2, $H_0$", "Inputs", ("H_<l>", "X"), (0,), (INPUT,)),
        ("5.2, $A_k$", "Pre-activations of layer <l>", ("A_<l>", value), every, ()),
        ("5.2, $H_k$", "Activations of layer <l>", ("H_<l>", "g_<l>(A_<l>)"), hidden, ()),
        (r"5.2, $\hat{Y}$", "Outputs", (r"\hat{Y}", r"\mathrm{softmax}(A_<l>)"), L, ()),
        (
            "5.2, $\\nabla W_k$",
            "Gradient by layer <l>'s weights",
            (r"\nabla W_<l>", r"\nabla A_<l> \cdot H_<l-1>^\top"),
            every,
            (),
        ),
        (
            "5.2, $\\nabla b_k$",
            "Gradient by layer <l>'s biases",
            (r"\nabla \underline{b}_<l>", r"\nabla A_<l> \cdot \mathbf{1}_m"),
            every,
            (),
        ),
        (
            "5.2, $\\nabla A_L$",
            "Gradient by the outputs' pre-activations",
            (r"\nabla A_<l>", r"\frac{1}{m} (\hat{Y} - E)"),
            L,
            (),
        ),
        (
            "5.2, $\\nabla A_k$",
            "Gradient by layer <l>'s pre-activations",
            (r"\nabla A_<l>", rf"\nabla H_<l> \odot {slope}", rf"({above}) \odot {slope}"),
            hidden,
            (OWN,),
        ),
    )
    return tuple(
        Derived(label, title, forms, layers=layers, notes=notes, **matrix)  # type: ignore[arg-type]
        for label, title, forms, layers, notes in lines
    )


def _appendix() -> tuple[Derived, ...]:
    """6.1, each function and its derivative."""
    e, both = "1 + e^{-z_j}", r"e^{z_j} + e^{-z_j}"
    apart = r"e^{z_j} - e^{-z_j}"
    square = rf"\frac{{1}}{{({e})^2}}"
    logistic = (
        r"\frac{d}{d z_j} \sigma(z_j)",
        rf"(-1) {square} \frac{{d}}{{d z_j}} ({e})",
        rf"(-1) {square} (-e^{{-z_j}})",
        rf"\frac{{1}}{{{e}}} \left( \frac{{{e} - 1}}{{{e}}} \right)",
        r"\sigma(z_j) (1 - \sigma(z_j))",
    )
    tanh = (
        r"\frac{d}{d z_j} \tanh(z_j)",
        rf"\frac{{({both}) \frac{{d}}{{d z_j}} ({apart}) - ({apart}) \frac{{d}}{{d z_j}} ({both})}}{{({both})^2}}",
        rf"\frac{{({both})^2 - ({apart})^2}}{{({both})^2}}",
        rf"1 - \frac{{({apart})^2}}{{({both})^2}}",
        r"1 - (\tanh(z_j))^2",
    )
    return (
        Derived(LOGISTIC, "Logistic function", (r"\sigma(z_j)", rf"\frac{{1}}{{{e}}}"), "j", notes=(Z,)),
        Derived(LOGISTIC, "Its derivative", logistic, "j"),
        Derived("6.1, tanh", "Hyperbolic tangent", (r"\tanh(z_j)", rf"\frac{{{apart}}}{{{both}}}"), "j"),
        Derived("6.1, tanh", "Its derivative", tanh, "j"),
    )


def _every(trace: Trace) -> tuple[int | None, ...]:
    return tuple(range(1, trace.last + 1))


def _hidden(trace: Trace) -> tuple[int | None, ...]:
    return tuple(range(1, trace.last))

"""The displayed equations of the half squared error's derivation, in its order, for one example."""

from __future__ import annotations

from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.documents.steps import activation_names, own_letter, slope_of_numbers
from bpcli.explaining.trace import Trace

COST = "§1, $C$"
COST_BY_OUTPUT = r"§1, $C$ by $a_j^L$"
OUTPUT = "§2, $a_j^L$"
OUTPUT_BY_Z = r"§2, $a_j^L$ by $z_j^L$"
OUTPUT_Z = "§3, $z_j^L$"
Z_BY_WEIGHT = "§3, $z_j^L$ by $w_{jk}^L$"
Z_BY_BIAS = "§3, $z_j^L$ by $b_j^L$"
COST_WRITTEN_OUT = "§3, $C$ re-expressed"
CHAIN_RULE = "§3, chain rule"
COST_BY_OUTPUT_WEIGHT = "§3, $C$ by $w_{jk}^L$"
COST_BY_OUTPUT_BIAS = "§3, $C$ by $b_j^L$"
OUTPUT_ERROR = r"Error, $\delta_j^L$"
COST_BY_ACTIVATION = "Error, $C$ by $a_j^l$"
COST_BY_WEIGHT = "Error, $C$ by $w_{jk}^l$"
COST_BY_BIAS = "Error, $C$ by $b_j^l$"
OUTPUT_ERRORS = r"Gradients, $\delta^L$"
ERRORS = r"Gradients, $\delta^l$"
WEIGHT_GRADIENT = r"Gradients, $\nabla W^l$"
WEIGHT_ENTRIES = r"Gradients, $(\nabla W^l)_{jk}$"
SIZES_OF_FACTORS = "Gradients, sizes"
NEW_WEIGHTS = "Gradients, update of $W^l$"
BIAS_GRADIENT = r"Gradients, $\nabla b^l$"
NEW_BIASES = "Gradients, update of $b^l$"

DISPLAYED = (
    COST,
    COST_BY_OUTPUT,
    OUTPUT,
    OUTPUT_BY_Z,
    OUTPUT_Z,
    Z_BY_WEIGHT,
    Z_BY_BIAS,
    COST_WRITTEN_OUT,
    CHAIN_RULE,
    COST_BY_OUTPUT_WEIGHT,
    COST_BY_OUTPUT_BIAS,
    OUTPUT_ERROR,
    COST_BY_ACTIVATION,
    COST_BY_WEIGHT,
    COST_BY_BIAS,
    OUTPUT_ERRORS,
    ERRORS,
    WEIGHT_GRADIENT,
    WEIGHT_ENTRIES,
    SIZES_OF_FACTORS,
    NEW_WEIGHTS,
    BIAS_GRADIENT,
    NEW_BIASES,
)
"""Every equation that the document displays, once, in its order."""

C_BY = r"\frac{\partial C}{\partial %s}"
Z, A, B, W = "z_j^<l>", "a_j^<l>", "b_j^<l>", "w_{jk}^<l>"
A_BY_Z, Z_BY_W, Z_BY_B = (rf"\frac{{\partial {of}}}{{\partial {by}}}" for of, by in ((A, Z), (Z, W), (Z, B)))
DIFFERENCE = rf"\frac{{1}}{{n_L}} ({A} - y_j)"
DELTA, NABLA_W, NABLA_B = r"\delta^<l>", r"\nabla W^<l>", r"\nabla b^<l>"
OUTER = rf"{DELTA} \cdot (a^<l-1>)^\top"

PARTIAL = r"Printed as $\frac{d C}{d a_j^L}$; $C$ depends on every output, so the derivative is partial."
INSTANCE = (
    r"Printed for $h = f(u)$, $u = g(x)$ as $\frac{dh}{dx} = \frac{dh}{du} \frac{du}{dx}$: "
    r"here $h$ is $C$, $x$ is $b_j^L$."
)
PARENTHESES = r"Printed without parentheses around the matrix product."
SIZES = (
    r"Printed as $(n \times 1) \cdot (1 \times m) = (n \times m)$, "
    r"$n$ the neurons of layer $l$, $m$ those of layer $l - 1$."
)

SLIPS = frozenset({PARTIAL, INSTANCE, PARENTHESES, SIZES})
"""The notes on mistakes in print."""

OTHER = "The document has the sigmoid's derivative; this is the derivative of the config's function."


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    return (*_cost(trace), *_output(trace), *_errors(trace), *_gradients(trace))


def _sigma(trace: Trace) -> str:
    return own_letter(r"\sigma", trace.network)


def _slope(trace: Trace) -> str:
    """The derivative of an output by its z, as one factor."""
    return f"({slope_of_numbers(trace.network.activations[-1], Z, A)})" if _other(trace) else f"{A} (1 - {A})"


def _other(trace: Trace) -> tuple[str, ...]:
    """The note where the output is no sigmoid."""
    return () if activation_names(trace.network)[-1] == "sigmoid" else (OTHER,)


def _cost(trace: Trace) -> tuple[Derived, ...]:
    """Sections 1 to 3."""
    L, below, sigma = (trace.last,), rf"\sum_{{k=1}}^{{n_<l-1>}} w_{{jk}}^<l> a_k^<l-1> + {B}", _sigma(trace)
    value = f"{sigma}({Z})"
    slope = (_slope(trace),) if _other(trace) else (f"{value} (1 - {value})", _slope(trace))
    half = r"\frac{1}{n_L} \sum_{j=1}^{n_L} \frac{1}{2} "
    return (
        Derived(COST, "Cost", ("C", f"{half}({A} - y_j)^2"), layers=L),
        Derived(COST_BY_OUTPUT, "Cost by an output", (C_BY % A, DIFFERENCE), "j", layers=L, notes=(PARTIAL,)),
        Derived(OUTPUT, "Activation of an output", (A, value), "j", layers=L),
        Derived(OUTPUT_BY_Z, "Its derivative", (A_BY_Z, *slope), "j", layers=L, notes=_other(trace)),
        Derived(OUTPUT_Z, "Pre-activation of an output", (Z, below), "j", layers=L),
        Derived(Z_BY_WEIGHT, "Pre-activation by a weight", (Z_BY_W, "a_k^<l-1>"), "j", "k", layers=L),
        Derived(Z_BY_BIAS, "Pre-activation by the bias", (Z_BY_B, "1"), "j", layers=L),
        Derived(COST_WRITTEN_OUT, "Cost of weights and biases", ("C", f"{half}({sigma}({below}) - y_j)^2"), layers=L),
        Derived(
            CHAIN_RULE,
            "Chain rule",
            (C_BY % B, rf"{C_BY % Z} {Z_BY_B}"),
            "j",
            layers=L,
            notes=(INSTANCE,),
        ),
    )


def _output(trace: Trace) -> tuple[Derived, ...]:
    """The chains to the output's weights and biases."""
    L, chain = (trace.last,), rf"{C_BY % A} {A_BY_Z}"
    return (
        Derived(
            COST_BY_OUTPUT_WEIGHT,
            "Cost by a weight of the output layer",
            (C_BY % W, f"{chain} {Z_BY_W}", rf"{DIFFERENCE} \cdot {_slope(trace)} \cdot a_k^<l-1>"),
            "j",
            "k",
            layers=L,
        ),
        Derived(
            COST_BY_OUTPUT_BIAS,
            "Cost by a bias of the output layer",
            (C_BY % B, f"{chain} {Z_BY_B}", rf"{DIFFERENCE} \cdot {_slope(trace)} \cdot 1"),
            "j",
            layers=L,
        ),
    )


def _errors(trace: Trace) -> tuple[Derived, ...]:
    """The section "Error"."""
    every, hidden = tuple(range(1, trace.last + 1)), tuple(range(1, trace.last))
    above = r"\sum_{q=1}^{n_<l+1>} w_{qj}^<l+1> \delta_q^<l+1>"
    delta = r"\delta_j^<l>"
    return (
        Derived(
            OUTPUT_ERROR,
            "Error of an output",
            (delta, C_BY % Z, rf"{C_BY % A} {A_BY_Z}"),
            "j",
            layers=(trace.last,),
        ),
        Derived(COST_BY_ACTIVATION, "Cost by an activation of layer <l>", (C_BY % A, above), "j", layers=hidden),
        Derived(
            COST_BY_WEIGHT,
            "Cost by a weight of layer <l>",
            (C_BY % W, rf"{delta} \cdot a_k^<l-1>"),
            "j",
            "k",
            layers=every,
        ),
        Derived(COST_BY_BIAS, "Cost by a bias of layer <l>", (C_BY % B, rf"{delta} \cdot 1", delta), "j", layers=every),
    )


def _gradients(trace: Trace) -> tuple[Derived, ...]:
    """The section "Gradients"."""
    every, hidden = tuple(range(1, trace.last + 1)), tuple(range(1, trace.last))
    slope = rf"\frac{{\partial {_sigma(trace)}}}{{\partial z^<l>}}"
    return (
        Derived(
            OUTPUT_ERRORS,
            "Error of the output layer",
            (DELTA, rf"\frac{{1}}{{n_L}} (a^<l> - y) \odot {slope}"),
            "j",
            layers=(trace.last,),
        ),
        Derived(
            ERRORS,
            "Error of layer <l>",
            (DELTA, rf"((W^<l+1>)^\top \cdot \delta^<l+1>) \odot {slope}"),
            "j",
            layers=hidden,
            notes=(PARENTHESES,),
        ),
        Derived(WEIGHT_GRADIENT, "Gradient of layer <l>'s weights", (NABLA_W, OUTER), "j", "k", layers=every),
        Derived(
            WEIGHT_ENTRIES,
            "Its entries",
            (rf"({NABLA_W})_{{jk}}", r"\delta_j^<l> \cdot a_k^<l-1>", C_BY % W),
            "j",
            "k",
            layers=every,
        ),
        Derived(
            SIZES_OF_FACTORS,
            "Its size",
            (
                rf"\mathrm{{size}}({NABLA_W})",
                rf"\mathrm{{size}}({OUTER})",
                r"\begin{bmatrix} n_<l> & n_<l-1> \end{bmatrix}",
            ),
            layers=every,
            notes=(SIZES,),
        ),
        Derived(
            NEW_WEIGHTS,
            "New weights of layer <l>",
            (rf"W^<l> - \eta \cdot {NABLA_W}", rf"W^<l> - \eta \cdot {OUTER}"),
            "j",
            "k",
            layers=every,
        ),
        Derived(BIAS_GRADIENT, "Gradient of layer <l>'s biases", (NABLA_B, DELTA), "j", layers=every),
        Derived(
            NEW_BIASES,
            "New biases of layer <l>",
            (rf"b^<l> - \eta \cdot {NABLA_B}", rf"b^<l> - \eta \cdot {DELTA}"),
            "j",
            layers=every,
        ),
    )

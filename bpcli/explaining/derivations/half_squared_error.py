"""The displayed equations of the half squared error's derivation, in its order, for one example."""

from __future__ import annotations

from bpcli.explaining.derivations.derived import Derived, of_layers
from bpcli.explaining.documents.steps import activation_names, own_letter, slope_of_numbers
from bpcli.explaining.trace import Trace

DISPLAYED = (
    "§1, $C$",
    r"§1, $C$ by $a_j^L$",
    "§2, $a_j^L$",
    r"§2, $a_j^L$ by $z_j^L$",
    "§3, $z_j^L$",
    "§3, $z_j^L$ by $w_{jk}^L$",
    "§3, $z_j^L$ by $b_j^L$",
    "§3, $C$ re-expressed",
    "§3, chain rule",
    "§3, $C$ by $w_{jk}^L$",
    "§3, $C$ by $b_j^L$",
    r"Error, $\delta_j^L$",
    "Error, $C$ by $a_j^l$",
    "Error, $C$ by $w_{jk}^l$",
    "Error, $C$ by $b_j^l$",
    r"Gradients, $\delta^L$",
    r"Gradients, $\delta^l$",
    r"Gradients, $\nabla W^l$",
    r"Gradients, $(\nabla W^l)_{jk}$",
    "Gradients, sizes",
    "Gradients, update of $W^l$",
    r"Gradients, $\nabla b^l$",
    "Gradients, update of $b^l$",
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
        Derived(DISPLAYED[0], "Cost", ("C", f"{half}({A} - y_j)^2"), layers=L),
        Derived(DISPLAYED[1], "Cost by an output", (C_BY % A, DIFFERENCE), "j", layers=L, notes=(PARTIAL,)),
        Derived(DISPLAYED[2], "Activation of an output", (A, value), "j", layers=L),
        Derived(DISPLAYED[3], "Its derivative", (A_BY_Z, *slope), "j", layers=L, notes=_other(trace)),
        Derived(DISPLAYED[4], "Pre-activation of an output", (Z, below), "j", layers=L),
        Derived(DISPLAYED[5], "Pre-activation by a weight", (Z_BY_W, "a_k^<l-1>"), "j", "k", layers=L),
        Derived(DISPLAYED[6], "Pre-activation by the bias", (Z_BY_B, "1"), "j", layers=L),
        Derived(DISPLAYED[7], "Cost of weights and biases", ("C", f"{half}({sigma}({below}) - y_j)^2"), layers=L),
        Derived(
            DISPLAYED[8],
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
            DISPLAYED[9],
            "Cost by a weight of the output layer",
            (C_BY % W, f"{chain} {Z_BY_W}", rf"{DIFFERENCE} \cdot {_slope(trace)} \cdot a_k^<l-1>"),
            "j",
            "k",
            layers=L,
        ),
        Derived(
            DISPLAYED[10],
            "Cost by a bias of the output layer",
            (C_BY % B, f"{chain} {Z_BY_B}", rf"{DIFFERENCE} \cdot {_slope(trace)} \cdot 1"),
            "j",
            layers=L,
        ),
    )


def _errors(trace: Trace) -> tuple[Derived, ...]:
    """The section "Error"."""
    every, hidden = of_layers(range(1, trace.last + 1)), of_layers(range(1, trace.last))
    above = r"\sum_{q=1}^{n_<l+1>} w_{qj}^<l+1> \delta_q^<l+1>"
    delta = r"\delta_j^<l>"
    return (
        Derived(
            DISPLAYED[11],
            "Error of an output",
            (delta, C_BY % Z, rf"{C_BY % A} {A_BY_Z}"),
            "j",
            layers=(trace.last,),
        ),
        Derived(DISPLAYED[12], "Cost by an activation of layer <l>", (C_BY % A, above), "j", layers=hidden),
        Derived(
            DISPLAYED[13],
            "Cost by a weight of layer <l>",
            (C_BY % W, rf"{delta} \cdot a_k^<l-1>"),
            "j",
            "k",
            layers=every,
        ),
        Derived(
            DISPLAYED[14], "Cost by a bias of layer <l>", (C_BY % B, rf"{delta} \cdot 1", delta), "j", layers=every
        ),
    )


def _gradients(trace: Trace) -> tuple[Derived, ...]:
    """The section "Gradients"."""
    every, hidden = of_layers(range(1, trace.last + 1)), of_layers(range(1, trace.last))
    slope = rf"\frac{{\partial {_sigma(trace)}}}{{\partial z^<l>}}"
    return (
        Derived(
            DISPLAYED[15],
            "Error of the output layer",
            (DELTA, rf"\frac{{1}}{{n_L}} (a^<l> - y) \odot {slope}"),
            "j",
            layers=(trace.last,),
        ),
        Derived(
            DISPLAYED[16],
            "Error of layer <l>",
            (DELTA, rf"((W^<l+1>)^\top \cdot \delta^<l+1>) \odot {slope}"),
            "j",
            layers=hidden,
            notes=(PARENTHESES,),
        ),
        Derived(DISPLAYED[17], "Gradient of layer <l>'s weights", (NABLA_W, OUTER), "j", "k", layers=every),
        Derived(
            DISPLAYED[18],
            "Its entries",
            (rf"({NABLA_W})_{{jk}}", r"\delta_j^<l> \cdot a_k^<l-1>", C_BY % W),
            "j",
            "k",
            layers=every,
        ),
        Derived(
            DISPLAYED[19],
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
            DISPLAYED[20],
            "New weights of layer <l>",
            (rf"W^<l> - \eta \cdot {NABLA_W}", rf"W^<l> - \eta \cdot {OUTER}"),
            "j",
            "k",
            layers=every,
        ),
        Derived(DISPLAYED[21], "Gradient of layer <l>'s biases", (NABLA_B, DELTA), "j", layers=every),
        Derived(
            DISPLAYED[22],
            "New biases of layer <l>",
            (rf"b^<l> - \eta \cdot {NABLA_B}", rf"b^<l> - \eta \cdot {DELTA}"),
            "j",
            layers=every,
        ),
    )

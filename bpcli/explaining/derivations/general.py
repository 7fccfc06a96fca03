"""The displayed equations of the general case, in its order: of each output by itself, then of one output."""

from __future__ import annotations

from typing import Any

from bpcli.choices import name_of
from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.documents.objections import derives
from bpcli.explaining.documents.steps import activation_names, own_letter
from bpcli.explaining.trace import Trace
from bpcli.nn.losses import LOSSES, BinaryCrossEntropy, in_symbols

BEFORE_9 = "before (9)"
DISPLAYED = (*(f"({number})" for number in range(1, 9)), BEFORE_9, *(f"({number})" for number in range(9, 18)))
"""Every equation that the document displays, once, in its order; the one without a number stands before (9)."""

EACH, ONE = "c_{n_L}^p", "c^p"
P_SUM, L_SUM = r"\sum_{p=1}^{P}", r"\sum_{n_L=1}^{N_L}"

INPUTS = "The document applies $f$ to the inputs too; they are taken as they are."
BIAS = "(1) prints $w_{n_0 n_{l+1}}$ for the bias weight $w_{0 n_{l+1}}$."
WEIGHT = "(4) prints $w^p$ for $w^l$."
NEXT = "(7) sums over $n_{L+2}$; it is $n_{l+2}$."
PARTIAL = r"(8) lacks the $\partial$ below the line."
LAST = "The last weights' gradients come with $l = L + 1$, which the document does not say."
START = r"Of every other output, $\frac{\partial c_{n_L}}{\partial z_{n_l}^L}$ is 0: it must not start as $d_{n_l}$."
SUM = "Printed without the sum, right only below a layer of one node."
TRANSCRIPTION = r"$a^{p1}$ and $a^{p_1}$ are printed for $a^{p,1}$, one sum runs to $p$ instead of $P$, and $n_2$ is 1."
FEATURE = "$a_{n_0}^{p,0}$ is $x_{n_0}^p$; the document prints $x_p$."

SLIPS = frozenset({BIAS, WEIGHT, NEXT, PARTIAL, LAST, START, SUM, TRANSCRIPTION, FEATURE})
"""The notes on mistakes in print."""


def z(shift: str, index: str = "") -> str:
    """z of the layer ``<l`` + shift ``>``."""
    return f"z_{{{index or f'n_<l{shift}>'}}}^{{p,<l{shift}>}}"


def a(shift: str) -> str:
    """a of the same."""
    return f"a_{{n_<l{shift}>}}^{{p,<l{shift}>}}"


def w(below: str, above: str, first: str = "") -> str:
    """The weight between two layers; ``first`` in place of the lower index."""
    return f"w_{{{first or f'n_<l{below}>'} n_<l{above}>}}^<l{below}>"


def by(of: str, below: str) -> str:
    """∂of/∂below."""
    return rf"\frac{{\partial {of}}}{{\partial {below}}}"


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    return (*_definitions(trace), *_chain(trace), *_systems(trace), *_one_output(trace), *_second_layer(trace))


def _definitions(trace: Trace) -> tuple[Derived, ...]:
    """(1) and (2)."""
    loss, L = trace.network.head.loss, trace.last
    term = in_symbols(loss.term, loss, trace.outputs, y="y_{n_L}^p", a="h_{n_L}^p")
    total = rf"\sum_{{n_<l>=1}}^{{N_<l>}} {w('', '+1')}"
    forms = (z("+1"), f"{w('', '+1', '0')} + {total} {a('')}")
    along: dict[str, Any] = {"rows": "n_<l+1>", "columns": "p"}
    value = f"{own_letter('f', trace.network)}({z('')})"
    return (
        Derived("(1)", "First values before activation", forms, layers=(0,), notes=(BIAS, INPUTS), **along),
        Derived(
            "(1)",
            "Values before activation in layer <l+1>",
            (*forms, f"{w('', '+1', '0')} + {total} {value}"),
            layers=tuple(range(1, L)),
            **along,
        ),
        Derived("(2)", "Cost", ("C", f"{P_SUM} {L_SUM} {term}", f"{P_SUM} {L_SUM} {EACH}")),
    )


def _chain(trace: Trace) -> tuple[Derived, ...]:
    """(3) to (8), and what follows from them."""
    every, below = tuple(range(trace.last)), tuple(range(trace.last - 1))
    weight, bias, total = w("", "+1"), w("", "+1", "0"), r"\sum_{n_<l+2>=1}^{N_<l+2>}"
    slope = f"{own_letter('f', trace.network).replace('<l>', '<l+1>')}'({z('+1')})"
    carried = f"{w('+1', '+2')} {slope}"
    error, above = by(EACH, z("+1")), by(EACH, z("+2"))
    of_z: dict[str, Any] = {"rows": "n_<l+1>", "columns": "p"}
    return (
        Derived(
            "(3)",
            "Cost by a weight out of layer <l>",
            (by("C", weight), f"{P_SUM} {L_SUM} {by(EACH, weight)}"),
            "n_<l>",
            "n_<l+1>",
            every,
        ),
        Derived(
            "(4)",
            "One output's cost by a weight",
            (by(EACH, weight), f"{error} {by(z('+1'), weight)}"),
            "n_<l>",
            "n_<l+1>",
            every,
            notes=(WEIGHT,),
        ),
        Derived("(5)", "A value by its bias weight", (by(z("+1"), bias), "1"), layers=every, **of_z),
        Derived("(6)", "A value by a weight", (by(z("+1"), weight), a("")), "n_<l>", "p", every),
        Derived(
            "(7)",
            "Chain rule through layer <l+2>",
            (error, f"{total} {above} {by(z('+2'), z('+1'))}"),
            layers=below,
            notes=(NEXT,),
            **of_z,
        ),
        Derived(
            "(8)",
            "A value by one of the layer before",
            (by(z("+2"), z("+1")), carried),
            "n_<l+1>",
            "n_<l+2>",
            below,
            notes=(PARTIAL,),
        ),
        Derived(
            BEFORE_9,
            "One output's cost by a value of layer <l+1>",
            (error, f"{total} {above} {carried}", f"{slope} {total} {w('+1', '+2')} {above}"),
            layers=below,
            **of_z,
        ),
    )


def _systems(trace: Trace) -> tuple[Derived, ...]:
    """(9), (10) and, where everything is sigmoids under the log-likelihood, (11)."""
    L = trace.last
    f = own_letter("f", trace.network)
    nine = f"{f.replace('<l>', '<l+1>')}'({z('+1')})"
    ten = f"{f.replace('<l>', '<l-1>')}'({z('-1')})"
    sigmoid = f"{a('-1')} (1 - {a('-1')})"
    start = Derived(
        "(11)",
        "One output's cost by its value",
        (by(EACH, z("", "n_L")), "y_{n_L}^p - h_{n_L}^p"),
        "n_L",
        "p",
        (L,),
        notes=(START,),
        unless=_unless_sigmoids(trace),
    )
    return (
        *_system("(9)", EACH, nine, ("+2", "+1", ""), range(L - 1), range(L)),
        *_system("(10)", EACH, ten, ("", "-1", "-2"), range(2, L + 1), range(2, L + 2), (LAST,)),
        start,
        *_system(
            "(11)", EACH, sigmoid, ("", "-1", "-2"), range(2, L + 1), range(2, L + 2), unless=_unless_sigmoids(trace)
        ),
    )


def _system(
    label: str,
    cost: str,
    slope: str,
    shifts: tuple[str, str, str],
    hidden: range,
    every: range,
    notes: tuple[str, ...] = (),
    unless: str = "",
) -> tuple[Derived, ...]:
    """The error of a hidden layer from the one above, and the gradients by biases and weights into it."""
    above, here, below = shifts
    sums = f"{P_SUM} {L_SUM}" if cost == EACH else P_SUM
    of_each = f"{L_SUM} " if cost == EACH else ""
    error = by(cost, z(here))
    carried = rf"\sum_{{n_<l{above}>=1}}^{{N_<l{above}>}} {w(here, above)} {by(cost, z(above))}"
    printed = (SUM,) if label in ("(12)", "(13)") else ()
    return (
        Derived(
            label,
            f"Error of layer <l{here}>",
            (error, f"{slope} {carried}"),
            f"n_<l{here}>",
            "p",
            tuple(hidden),
            notes=printed,
            unless=unless,
        ),
        Derived(
            label,
            f"Cost by the bias weights to layer <l{here}>",
            (by("C", w(below, here, "0")), f"{sums} {error}"),
            "",
            f"n_<l{here}>",
            tuple(every),
            notes=notes,
            unless=unless,
        ),
        Derived(
            label,
            f"Cost by the weights to layer <l{here}>",
            (by("C", w(below, here)), f"{P_SUM} {a(below)} {of_each}{error}"),
            f"n_<l{below}>",
            f"n_<l{here}>",
            tuple(every),
            unless=unless,
        ),
    )


def _one_output(trace: Trace) -> tuple[Derived, ...]:
    """(12) and (13)."""
    L, single = trace.last, _unless_one(trace)
    both = single or _unless_sigmoids(trace)
    slope = f"{own_letter('f', trace.network).replace('<l>', '<l-1>')}'({z('-1')})"
    layers, shifts = (range(2, L + 1), range(2, L + 2)), ("", "-1", "-2")
    return (
        *_system("(12)", ONE, slope, shifts, *layers, unless=single),
        Derived(
            "(13)",
            "Cost by the output's value",
            (by(ONE, z("", "n_L")), "y^p - h^p"),
            "n_L",
            "p",
            (L,),
            unless=both,
        ),
        *_system("(13)", ONE, f"{a('-1')} (1 - {a('-1')})", shifts, *layers, unless=both),
    )


def _second_layer(trace: Trace) -> tuple[Derived, ...]:
    """(14) to (17)."""
    unless = _unless_one(trace) or _unless_sigmoids(trace) or _unless_second(trace)
    hidden, output = "z_{n_1}^{p,1}", "z_{n_2}^{p,2}"
    slope, weight = "a_{n_1}^{p,1} (1 - a_{n_1}^{p,1})", "w_{n_1}^{(1)}"
    error, bias, weights = by(ONE, hidden), by("C", "w_{0 n_1}^{(0)}"), by("C", "w_{n_0 n_1}^{(0)}")
    x, difference = "a_{n_0}^{p,0}", "(y^p - h^p)"
    z_by_output = by(ONE, "z_1^{p,2}")
    lines = (
        ("(14)", "Cost by the output's value", (by(ONE, output), "y^p - h^p"), "n_2", "p"),
        ("(14)", "Error of layer 1", (error, f"{slope} {weight} {z_by_output}"), "n_1", "p"),
        ("(14)", "Cost by the first bias weights", (bias, f"{P_SUM} {error}"), "", "n_1"),
        ("(14)", "Cost by the first weights", (weights, f"{P_SUM} {x} {error}"), "n_0", "n_1"),
        ("(15)", "Error of layer 1 from the output", (error, f"{slope} {weight} {difference}"), "n_1", "p"),
        ("(15)", "Cost by the first bias weights", (bias, f"{P_SUM} {error}"), "", "n_1"),
        ("(15)", "Cost by the first weights", (weights, f"{P_SUM} {x} {error}"), "n_0", "n_1"),
        ("(16)", "First bias weights in one line", (bias, f"{P_SUM} {slope} {weight} {difference}"), "", "n_1"),
        ("(16)", "First weights in one line", (weights, f"{P_SUM} {x} {slope} {weight} {difference}"), "n_0", "n_1"),
        ("(17)", "First bias weights, closed", (bias, f"{weight} {P_SUM} {slope} {difference}"), "", "n_1"),
        ("(17)", "First weights, closed", (weights, f"{weight} {P_SUM} {x} {slope} {difference}"), "n_0", "n_1"),
    )
    notes = {"(14)": (TRANSCRIPTION,), "(17)": (FEATURE,)}
    return tuple(
        Derived(label, title, forms, rows, columns, notes=notes.get(label, ()), unless=unless)
        for label, title, forms, rows, columns in lines
    )


def _unless_sigmoids(trace: Trace) -> str:
    loss = trace.network.head.loss
    if not derives(loss, BinaryCrossEntropy):
        return f"holds for loss binary_cross_entropy, the network has {name_of(LOSSES, loss)}"
    other = next((name for name in activation_names(trace.network)[1:] if name != "sigmoid"), "")
    return f"holds for sigmoids in every layer, the network has {other}" if other else ""


def _unless_one(trace: Trace) -> str:
    return "" if trace.outputs == 1 else f"holds for one output, the network has {trace.outputs}"


def _unless_second(trace: Trace) -> str:
    hidden = trace.last - 1
    return "" if hidden == 1 else f"holds for one hidden layer, the network has {hidden}"

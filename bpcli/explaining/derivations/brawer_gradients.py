"""Brawer, (19) to (48): the gradients of the cost, layer by layer from the output, then in general."""

from __future__ import annotations

from typing import Any

from bpcli.explaining.derivations.brawer_symbols import (
    MEAN,
    C,
    M,
    by,
    chain,
    delta,
    h,
    operator,
    psi,
    sum_over,
    theta,
    value_of,
)
from bpcli.explaining.derivations.derived import Derived, of_layers
from bpcli.explaining.trace import Trace

Z, NOT_BIAS = "z_{k_0}^<l>", "(1 - I_{p,0})"
ALONG: dict[str, Any] = {"rows": "p", "columns": "q:0"}
OF_NODES: dict[str, Any] = {"rows": "p:0", "columns": "i"}

INDEX = "(19), (20) and (42) leave out the index of $y$, the output."
FALSE = r"(31) and (6) do not give $M_{k_0,0} = 0$, as said; $1 - I_{p,0}$ is what makes $\delta_0$ vanish."
REASON = r"The term $k_1 = 0$ vanishes because $M_{0,p} = 0$ for $p > 0$."
FROM_ONE = "(41), (44) and (46) print the sum over samples from $i = 0$."
UPPER = r"(47) leaves out the upper limit of the sum."
COLUMN = r"$\theta^{(l)}$ is without column 0 here, that of the bias node; the document prints $.\ast$ for $\odot$."


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    return (*_cost(trace), *_last(trace), *_logistic(trace), *_second(trace), *_third(trace), *_general(trace))


def _unless(trace: Trace, hidden: int) -> str:
    needed = "a hidden layer" if hidden == 1 else f"{hidden} hidden layers"
    return "" if trace.last > hidden else f"holds where there {'is' if hidden == 1 else 'are'} {needed}"


def _cost(trace: Trace) -> tuple[Derived, ...]:
    """(19) to (22): by any weight; ``<l>`` is the layer of the weight."""
    L, below = str(trace.last + 1), of_layers(range(1, trace.last + 1))
    top, output = f"{{{L}}}", f"({L})"
    z = f"z_{{k_0}}^{{{output}}}"
    weight, error = theta("<l>"), f"h^{{{output}}}({z}) - y_{{k_0}}"
    sums = rf"{MEAN} \sum_{{k_0=1}}^{{s_{top}}}"
    return (
        Derived(
            "(19)",
            r"Cost by a weight $\theta^{(<l>)}$",
            (by("J", weight), rf"{sums} \left[ ({error}) {by(z, weight)} \right]"),
            layers=below,
            notes=(INDEX,),
            **ALONG,
        ),
        Derived(
            "(20)",
            "Error of the output layer",
            (delta("<l>", "p"), f"({h('<l>', 'p')} - y_p) {NOT_BIAS}"),
            layers=(trace.last + 1,),
            **OF_NODES,
        ),
        Derived(
            "(21)",
            r"Cost by a weight $\theta^{(<l>)}$, of the errors",
            (by("J", weight), rf"{sums} \left[ \delta_{{k_0}}^{{{output}}} {by(z, weight)} \right]"),
            layers=below,
            **ALONG,
        ),
        Derived(
            "(22)",
            r"An output's value by a weight $\theta^{(<l>)}$",
            (by(z, weight), f"{operator(weight)} {_sum_into_outputs(trace)}"),
            layers=below,
            **ALONG,
        ),
    )


def _sum_into_outputs(trace: Trace) -> str:
    """(5) for an output, its layers in numbers."""
    below = f"{{({trace.last})}}"
    terms = rf"\theta_{{k_0,k_1}}^{below} h^{below}(z_{{k_1}}^{below}) C_{{k_0,k_1}}^{below}"
    return rf"\sum_{{k_1=0}}^{{s_{{{trace.last}}}}} {terms}"


def _last(trace: Trace) -> tuple[Derived, ...]:
    """(23) to (27): by the last weights; ``<l>`` is L here and below."""
    L, weight, bias = (trace.last + 1,), theta("<l-1>"), theta("<l-1>", "p", "0")
    term = f"{h('<l-1>', 'q')} {C('<l-1>', 'p', 'q')}"
    return (
        Derived(
            "(23)",
            "An output's value by the last weights",
            (by(Z, weight), f"{operator(weight)} {value_of('k_0', '<l-1>', 'k_1')}"),
            layers=L,
            **ALONG,
        ),
        Derived("(24)", "The same, derived", (by(Z, weight), f"I_{{p,k_0}} {term}"), layers=L, **ALONG),
        Derived("(25)", "An output's value by the last bias node's weight", (by(Z, bias), "I_{p,k_0}"), "k_0", "p", L),
        Derived(
            "(26)",
            "Cost by the last weights",
            (by("J", weight), f"{MEAN} {delta('<l>', 'p')} {term}"),
            layers=L,
            **ALONG,
        ),
        Derived(
            "(27)",
            "Cost by the last bias node's weights",
            (by("J", bias), f"{MEAN} {delta('<l>', 'p')}"),
            "p",
            layers=L,
        ),
    )


def _logistic(trace: Trace) -> tuple[Derived, ...]:
    """(28) and (29)."""
    one = trace.last == 1 and trace.outputs == 1
    weight, unless = r"\theta_{1,q}^{(1)}", "" if one else "holds for one output and no hidden layer"
    return (
        Derived(
            "(28)",
            "Cost by the weights of a logistic regression",
            (by("J", weight), rf"{MEAN} \delta_1^{{(2)}} x_q"),
            columns="q:0",
            unless=unless,
        ),
        Derived(
            "(29)",
            "The usual result",
            (by("J", weight), rf"{MEAN} (h(z_1^{{(2)}}) - y_1) x_q"),
            columns="q:0",
            unless=unless,
        ),
    )


def _second(trace: Trace) -> tuple[Derived, ...]:
    """(29a) to (35): by the weights before the last."""
    weight, term = theta("<l-2>"), f"{h('<l-2>', 'q')} {C('<l-2>', 'p', 'q')}"
    separated = f"{h('<l-2>', 'q')} {C('<l-2>', '1', 'q')}"
    slope, total = operator(weight), sum_over("k_1", "<l-1>")
    factors = f"{theta('<l-1>', 'k_0', 'k_1')} {C('<l-1>', 'k_0', 'k_1')}"
    common: dict[str, Any] = {"layers": (trace.last + 1,), "unless": _unless(trace, 1)}
    sums, error = rf"{MEAN} {sum_over('k_0', '<l>', 1)}", delta("<l-1>", "p")
    carried = f"{delta('<l>', 'k_0')} {M('<l-1>', 'k_0', 'p')}"
    direct = f"{theta('<l-1>', 'k_0', 'p')} {C('<l-1>', 'k_0', 'p')} {psi('<l-1>', 'p')}"
    return (
        Derived(
            "(29a)",
            "An output's value by the weights before the last",
            (
                by(Z, weight),
                f"{slope} {value_of('k_0', '<l-1>', 'k_1')}",
                f"{total} {factors} {slope} {h('<l-1>', 'k_1')}",
                f"{chain('k_0', '<l-1>', 'k_1')} {slope} {value_of('k_1', '<l-2>', 'k_2')}",
            ),
            **ALONG,
            **common,
        ),
        Derived("(30)", "The same, derived", (by(Z, weight), f"{direct} {term}"), **ALONG, **common),
        Derived("before (31)", "The output layer's node 0", (by("z_0^<l>", weight), "0"), **ALONG, **common),
        Derived(
            "(31)",
            "M of layer <l>",
            (M("<l>", "j", "k"), f"{theta('<l>', 'j', 'k')} {C('<l>', 'j', 'k')} {psi('<l>', 'k')}"),
            "j:0",
            "k:0",
            of_layers(range(1, trace.last + 1)),
            notes=(FALSE,),
        ),
        Derived(
            "(32)", "An output's value by M", (by(Z, weight), f"{M('<l-1>', 'k_0', 'p')} {term}"), **ALONG, **common
        ),
        Derived(
            "(33)",
            "Cost by the weights before the last",
            (by("J", weight), rf"{sums} \left[ {carried} {separated} \right]"),
            **ALONG,
            **common,
        ),
        Derived(
            "(33a)",
            "C of layer <l>, whatever node it leads to",
            (C("<l>", "p", "q"), C("<l>", "1", "q")),
            "p:0",
            "q:0",
            of_layers(range(1, trace.last + 1)),
        ),
        Derived(
            "(34)",
            "Error of the last hidden layer",
            (error, f"{sum_over('k_0', '<l>', 1)} {carried} {NOT_BIAS}"),
            **OF_NODES,
            **common,
        ),
        Derived(
            "(35)",
            "Cost by the weights before the last, of the errors",
            (by("J", weight), f"{MEAN} {error} {separated}"),
            **ALONG,
            **common,
        ),
    )


def _third(trace: Trace) -> tuple[Derived, ...]:
    """(36) to (41): by the weights one layer further down."""
    weight, term = theta("<l-3>"), f"{C('<l-3>', '1', 'q')} {h('<l-3>', 'q')}"
    slope, inner = operator(weight), chain("k_1", "<l-2>", "k_2")
    common: dict[str, Any] = {"layers": (trace.last + 1,), "unless": _unless(trace, 2)}
    first = chain("k_0", "<l-1>", "k_1")
    through = f"{M('<l-1>', 'k_0', 'k_1')} {M('<l-2>', 'k_1', 'p')}"
    middle = sum_over("k_1", "<l-1>", 1)
    carried = f"{delta('<l-1>', 'k_1')} {M('<l-2>', 'k_1', 'p')}"
    return (
        Derived(
            "(36)",
            "An output's value by weights three layers below",
            (
                by(Z, weight),
                f"{first} {slope} {value_of('k_1', '<l-2>', 'k_2')}",
                f"{first} {inner} {slope} {value_of('k_2', '<l-3>', 'k_3')}",
            ),
            **ALONG,
            **common,
        ),
        Derived(
            "(37)", "The same by M", (by(Z, weight), f"{middle} {through} {term}"), notes=(REASON,), **ALONG, **common
        ),
        Derived(
            "(39)",
            "Cost by weights three layers below",
            (
                by("J", weight),
                f"{MEAN} {sum_over('k_0', '<l>')} {middle} {delta('<l>', 'k_0')} {through} {term}",
                f"{MEAN} {middle} {carried} {term}",
            ),
            **ALONG,
            **common,
        ),
        Derived(
            "(40)",
            "Error of the second last hidden layer",
            (delta("<l-2>", "p"), f"{middle} {carried} {NOT_BIAS}"),
            **OF_NODES,
            **common,
        ),
        Derived(
            "(41)",
            "Cost by weights three layers below, of the errors",
            (by("J", weight), f"{MEAN} {delta('<l-2>', 'p')} {term}"),
            notes=(FROM_ONE,),
            **ALONG,
            **common,
        ),
    )


def _general(trace: Trace) -> tuple[Derived, ...]:
    """(42) to (48); ``<l>`` is any layer."""
    below, hidden = of_layers(range(1, trace.last + 1)), of_layers(range(2, trace.last + 1))
    weight, unless = theta("<l>"), _unless(trace, 1)
    above = f"{sum_over('k', '<l+1>', 1)} {delta('<l+1>', 'k')} {theta('<l>', 'k', 'p')}"
    vector = r"(\theta^{(<l>)})^\top \cdot \delta^<l+1>"
    return (
        Derived(
            "(42)",
            "Error of the output layer",
            (delta("<l>", "p"), f"({h('<l>', 'p')} - y_p) {NOT_BIAS}"),
            layers=(trace.last + 1,),
            **OF_NODES,
        ),
        Derived(
            "(43)",
            "Error of layer <l>",
            (delta("<l>", "p"), f"{above} {psi('<l>', 'p')} {NOT_BIAS}"),
            layers=hidden,
            unless=unless,
            **OF_NODES,
        ),
        Derived(
            "(44)",
            r"Cost by a weight $\theta^{(<l>)}$",
            (by("J", weight), f"{MEAN} {delta('<l+1>', 'p')} {C('<l>', '1', 'q')} {h('<l>', 'q')}"),
            layers=below,
            **ALONG,
        ),
        Derived(
            "(45)",
            "What layer 1 passes on",
            (f"{h('<l>', 'q')} {C('<l>', '1', 'q')}", "x_q"),
            "q:0",
            "i",
            (1,),
        ),
        Derived(
            "(46)",
            "Cost by a bias node's weight",
            (by("J", theta("<l>", "p", "0")), f"{MEAN} {delta('<l+1>', 'p')}"),
            "p",
            layers=below,
        ),
        Derived(
            "(47)", "The sum as a product", (above, f"({vector})_p"), "p", "i", hidden, notes=(UPPER,), unless=unless
        ),
        Derived(
            "(48)",
            "Error of layer <l> as a column",
            (r"\delta^<l>", rf"({vector}) \odot \Psi^{{(<l>)}}(z^<l>)"),
            "",
            "i",
            hidden,
            notes=(COLUMN,),
            unless=unless,
        ),
    )

"""Brawer, (19) to (35): the gradients of the cost by the last weights and by those before."""

from __future__ import annotations

from typing import Any

from bpcli.explaining.derivations.brawer_symbols import (
    ALONG,
    MEAN,
    NOT_BIAS,
    OF_NODES,
    C,
    M,
    Z,
    by,
    chain,
    delta,
    h,
    operator,
    psi,
    sum_over,
    theta,
    unless_hidden,
    value_of,
)
from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.trace import Trace

INDEX = "(19) and (20) leave out the index of $y$, the output."
FALSE = r"(31) and (6) do not give $M_{k_0,0} = 0$, as said; $1 - I_{p,0}$ is what makes $\delta_0$ vanish."

SLIPS = frozenset({INDEX, FALSE})
"""The notes on mistakes in print."""


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    return (*_cost(trace), *_last(trace), *_logistic(trace), *_second(trace))


def _cost(trace: Trace) -> tuple[Derived, ...]:
    """(19) to (22): by any weight; ``<l>`` is the layer of the weight."""
    L, below = str(trace.last + 1), tuple(range(1, trace.last + 1))
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
    common: dict[str, Any] = {"layers": (trace.last + 1,), "unless": unless_hidden(trace, 1)}
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
            tuple(range(1, trace.last + 1)),
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
            tuple(range(1, trace.last + 1)),
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

"""Brawer, (36) to (48): the gradients one layer further down, then the general equations."""

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

REASON = r"The term $k_1 = 0$ vanishes because $M_{0,p} = 0$ for $p > 0$."
FROM_ONE = "(41), (44) and (46) print the sum over samples from $i = 0$."
UPPER = r"(47) leaves out the upper limit of the sum."
COLUMN = r"$\theta^{(l)}$ is without column 0 here, that of the bias node; the document prints $.\ast$ for $\odot$."

SLIPS = frozenset({FROM_ONE, UPPER, COLUMN})
"""The notes on mistakes in print."""


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    return (*_third(trace), *_general(trace))


def _third(trace: Trace) -> tuple[Derived, ...]:
    """(36) to (41): by the weights one layer further down."""
    weight, term = theta("<l-3>"), f"{C('<l-3>', '1', 'q')} {h('<l-3>', 'q')}"
    slope, inner = operator(weight), chain("k_1", "<l-2>", "k_2")
    common: dict[str, Any] = {"layers": (trace.last + 1,), "unless": unless_hidden(trace, 2)}
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
    below, hidden = tuple(range(1, trace.last + 1)), tuple(range(2, trace.last + 1))
    weight, unless = theta("<l>"), unless_hidden(trace, 1)
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

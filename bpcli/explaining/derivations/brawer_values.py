"""Brawer, (1) to (18): the network, its values' derivatives, the cost."""

from __future__ import annotations

from typing import Any

from bpcli.explaining.derivations.brawer_symbols import (
    C,
    by,
    chain,
    h,
    operator,
    psi,
    sum_over,
    theta,
    value_of,
)
from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.documents.steps import activation_names
from bpcli.explaining.trace import Trace
from bpcli.nn.markup import filled

Z = "z_j^<l>"
SAMPLES: dict[str, Any] = {"columns": "i"}
NODES = {"j": "l:0"}

BASE = r"(2) and (3) print $\ell^{-z}$ for $e^{-z}$."
OTHER = "The document has the sigmoid above layer 1; this is the config's function."
TERMS = "The document writes the sum as $k > 0$ terms."
BETWEEN = "Between layers $I_{l,l'}$ is 0, whatever the other factors of (10) are."
INDEX = "(18) leaves out the index of $y$, the output."

SLIPS = frozenset({BASE, INDEX})
"""The notes on mistakes in print."""


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    return (*_network(trace), *_one_level(trace), *_slopes(trace), *_two_levels(trace), _cost(trace))


def _layers(trace: Trace, first: int, last: int = 0) -> tuple[int | None, ...]:
    """Layers from ``first`` to L + ``last``."""
    return tuple(range(first, trace.last + 2 + last))


def _network(trace: Trace) -> tuple[Derived, ...]:
    """(1) to (8a)."""
    every, above, below, L = _layers(trace, 1), _layers(trace, 2), _layers(trace, 1, -1), (trace.last + 1,)
    names = activation_names(trace.network)
    sigmoid = r"\frac{1}{1 + e^{-z_k^<l>}}"
    other = (OTHER,) if set(names[1:]) != {"sigmoid"} else ()
    functions = tuple(
        Derived(
            "(3)",
            "h of layer <l>",
            (h("<l>", "k"), filled(activation.formula, activation, z="z_k^<l>")),
            "k:0",
            layers=(l,),
            notes=other,
            **SAMPLES,
        )
        for l, activation in enumerate(trace.network.activations, start=2)
    )
    bias = f"{theta('<l-1>', 'j', '0')} {h('<l-1>', '0')} {C('<l-1>', 'j', '0')}"
    others = value_of("j", "<l-1>", first=1)
    return (
        Derived("(1)", "Inputs", ("z_k^<l>", "x_k"), "k:0", layers=(1,), **SAMPLES),
        Derived("(1a)", "Bias node of layer <l>", ("z_0^<l>", "1"), layers=every, **SAMPLES),
        Derived(
            "(2)", "The sigmoid, of the outputs", ("h(z_k^<l>)", sigmoid), "k:0", layers=L, notes=(BASE,), **SAMPLES
        ),
        Derived("(3)", "h of layer 1", (h("<l>", "k"), "z_k^<l>"), "k:0", layers=(1,), **SAMPLES),
        *functions,
        Derived("(5)", "Values of layer 1", (Z, "x_j"), "j:0", layers=(1,), **SAMPLES),
        Derived("(5)", "Values of layer <l>", (Z, value_of("j", "<l-1>")), "j:0", layers=above, **SAMPLES),
        Derived(
            "(6)",
            "Weights into the bias node of layer <l+1>",
            (theta("<l>", "0", "k"), r"1 \text{ where } k = 0 \text{, else } 0"),
            columns="k:0",
            layers=below,
        ),
        Derived(
            "(7)",
            "C of layer <l>",
            (C("<l>", "j", "k"), r"\frac{1}{h^{(<l>)}(1)} \text{ where } k = 0 \text{, else } 1"),
            "j:0",
            "k:0",
            below,
        ),
        Derived(
            "(8)", "Bias node of layer <l> by (5)", ("z_0^<l>", value_of("0", "<l-1>"), "1"), layers=above, **SAMPLES
        ),
        Derived(
            "(8a)",
            "The bias node's term",
            (Z, f"{bias} + {others}", f"{theta('<l-1>', 'j', '0')} + {others}"),
            "j:0",
            layers=above,
            notes=(TERMS,),
            **SAMPLES,
        ),
    )


def _one_level(trace: Trace) -> tuple[Derived, ...]:
    """(9) to (14)."""
    above, below = _layers(trace, 2), _layers(trace, 1, -1)
    same, different = theta("<l>", "a", "b"), theta("<l-1>", "a", "b")
    weight = theta("<l-1>")
    along: dict[str, Any] = {"rows": "p", "columns": "q:0", "runs": NODES}
    return (
        Derived(
            "(9)",
            "The delta-function, for the nodes of layer <l>",
            ("I_{p,q}", r"1 \text{ where } p = q \text{, else } 0"),
            "p:0",
            "q:0",
            below,
            runs={"p": "l:0", "q": "l:0"},
        ),
        Derived(
            "(10)",
            "A weight by a weight of its layer",
            (by(same, theta("<l>")), "I_{a,p} I_{b,q} I_{<l>,<l>}"),
            "p",
            "q:0",
            below,
            runs={"a": "l+1", "b": "l:0"},
        ),
        Derived(
            "(10)",
            "A weight by a weight of another layer",
            (by(different, theta("<l>")), "I_{<l-1>,<l>}"),
            "p",
            "q:0",
            _layers(trace, 2, -1),
            notes=(BETWEEN,),
            runs={"a": "l", "b": "l-1:0"},
        ),
        Derived(
            "(11)",
            "A value by a weight into its layer",
            (by(Z, weight), f"{operator(weight)} {value_of('j', '<l-1>')}"),
            layers=above,
            **along,
        ),
        Derived(
            "(12)",
            "The same, derived",
            (by(Z, weight), f"I_{{p,j}} {h('<l-1>', 'q')} {C('<l-1>', 'p', 'q')}"),
            layers=above,
            **along,
        ),
        Derived(
            "(13)",
            "A value by the bias node's weight",
            (by(Z, theta("<l-1>", "p", "0")), "I_{p,j}"),
            "j:0",
            "p",
            above,
        ),
        Derived("(14)", "A value of layer 2 by a weight", (by(Z, weight), "I_{p,j} x_q"), layers=(2,), **along),
    )


def _slopes(trace: Trace) -> tuple[Derived, ...]:
    """(15) and (15a)."""
    names = activation_names(trace.network)
    sigmoids = tuple(l + 1 for l, name in enumerate(names) if name == "sigmoid")
    here = h("<l>", "k")
    return (
        Derived(
            "(15)",
            r"$\Psi$ of layer <l>",
            (psi("<l>", "k"), by(here, "z_k^<l>")),
            "k:0",
            layers=_layers(trace, 1),
            **SAMPLES,
        ),
        Derived("(15a)", r"$\Psi$ of layer 1", (psi("<l>", "k"), "1"), "k:0", layers=(1,), **SAMPLES),
        Derived(
            "(15a)",
            r"$\Psi$ of layer <l>, a sigmoid",
            (psi("<l>", "k"), f"{here} (1 - {here})"),
            "k:0",
            layers=sigmoids,
            **SAMPLES,
        ),
    )


def _two_levels(trace: Trace) -> tuple[Derived, ...]:
    """(16) to (17a)."""
    layers, weight = _layers(trace, 3), theta("<l-2>")
    unless = "" if trace.last > 1 else "holds where there is a hidden layer"
    slope = operator(weight)
    first = f"{sum_over('k', '<l-1>')} {theta('<l-1>', 'j', 'k')} {C('<l-1>', 'j', 'k')} {slope} {h('<l-1>', 'k')}"
    second = f"{chain('j', '<l-1>', 'k')} {slope} {value_of('k', '<l-2>', 'r')}"
    carried = f"{theta('<l-1>', 'j', 'p')} {C('<l-1>', 'j', 'p')} {psi('<l-1>', 'p')}"
    derived_form = f"{carried} {h('<l-2>', 'q')} {C('<l-2>', 'p', 'q')}"
    along: dict[str, Any] = {"rows": "p", "columns": "q:0", "layers": layers, "unless": unless}
    return (
        Derived("(16)", "A value by a weight two layers below", (by(Z, weight), first, second), runs=NODES, **along),
        Derived("(17)", "The same, derived", (by(Z, weight), derived_form), runs=NODES, **along),
        Derived(
            "(17a)",
            "A value by the bias node's weight two layers below",
            (by(Z, theta("<l-2>", "p", "0")), f"{theta('<l-1>', 'j', 'p')} {psi('<l-1>', 'p')}"),
            "j",
            "p",
            layers,
            unless=unless,
        ),
    )


def _cost(trace: Trace) -> Derived:
    """(18)."""
    output = h("<l>", "k_0")
    term = rf"\left[ y_{{k_0}} \ln ({output}) + (1 - y_{{k_0}}) \ln (1 - {output}) \right]"
    total = rf"-\frac{{1}}{{m}} \sum_{{i=1}}^{{m}} {sum_over('k_0', '<l>', 1)} {term}"
    return Derived("(18)", "Cost", ("J", total), layers=(trace.last + 1,), notes=(INDEX,))

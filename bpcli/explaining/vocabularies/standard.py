"""The symbols of the standard notation on one network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpcli.explaining.documents import standard_equations as table
from bpcli.explaining.documents.standard_writing import Writing, varying
from bpcli.explaining.documents.steps import with_layer
from bpcli.explaining.evaluation.vocabulary import Quantity, Vocabulary, given, one_activation
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies.common import constants


def vocabulary(trace: Trace) -> Vocabulary:
    """x, y, z, a, W, b, δ, L, the weights of the examples, what activations own and the loss's levels."""
    writing = Writing(trace)
    return Vocabulary(
        quantities=(*_parameters(trace), *_examples(trace, writing), *_losses(trace, writing)),
        sizes={"m": "m", "n_l": "l"},
        units=dict(enumerate(trace.network.sizes)),
        examples=trace.m,
        functions={"f": one_activation(dict(enumerate(trace.network.activations, start=1)))},
        owned=lambda l: {name: rf"\mathrm{{{name}}}^{{({l})}}" for name in trace.network.layout.owned(l)},
        constants=constants(trace),
        loss="L",
    )


def _parameters(trace: Trace) -> tuple[Quantity, ...]:
    before, layout = trace.before, trace.network.layout
    owned = {name for l in range(1, trace.last + 1) for name in layout.owned(l)}
    return (
        Quantity("W^l", lambda l: before.W[l], shape=("l", "l-1")),
        Quantity("b^l", lambda l: before.b[l], shape=("l", "1")),
        Quantity("w_{j,k}^l", lambda l: f"W^{{({l})}}", {"j": "l", "k": "l-1"}, entries=True),
        Quantity("b_j^l", lambda l: f"b^{{({l})}}", {"j": "l"}, entries=True),
        *(Quantity(rf"\mathrm{{{name}}}^l", _own(trace, name)) for name in sorted(owned)),
    )


def _own(trace: Trace, name: str) -> Callable[[int], Any]:
    layout, own = trace.network.layout, trace.before.own
    return lambda l: own[l][layout.owned(l).index(name)]


def _examples(trace: Trace, writing: Writing) -> tuple[Quantity, ...]:
    columns = "m" if writing.several else "1"
    bias = r" \cdot \mathbf{1}_m^\top" if writing.several else ""
    x, below = trace.A[0], {"j": "l", "i": "m"} if writing.several else {"j": "l"}

    def entries(letter: str, array: str) -> Quantity:
        return Quantity(writing.entry(letter, layer="^l"), lambda l: with_layer(array, l), below, entries=True)

    found = (
        Quantity("x", given(x), shape=("x", columns)),
        Quantity("y", given(trace.targets), shape=("L", columns)),
        Quantity(writing.entry("y", layer=""), given("y"), below | {"j": "L"}, entries=True),
        Quantity("a^l", lambda l: rf"f_{{{l}}}(z^{{({l})}})" if l else "x", shape=("l", columns)),
        Quantity("z^l", lambda l: rf"W^{{({l})}} \cdot a^{{({l - 1})}} + b^{{({l})}}{bias}", shape=("l", columns)),
        Quantity(r"\delta^l", lambda l: rf"\frac{{\partial L}}{{\partial z^{{({l})}}}}", shape=("l", columns)),
        entries("a", "a^<l>"),
        entries("z", "z^<l>"),
        entries(r"\delta", r"\delta^<l>"),
    )
    if not writing.several:
        return found
    ones = Quantity(r"\mathbf{1}_m", given(np.ones((trace.m, 1))), shape=("m", "1"))
    of_one = {"i": "m"}
    return (
        *found,
        ones,
        Quantity("a_i^l", lambda l: rf"(a^{{({l})}})_i", of_one, ("l", "1")),
        Quantity("z_i^l", lambda l: rf"(z^{{({l})}})_i", of_one, ("l", "1")),
    )


def _losses(trace: Trace, writing: Writing) -> tuple[Quantity, ...]:
    of_loss = table.losses(writing)
    found = [
        Quantity(rf"\mathrm{{{name}}}_j", given(value[:, 0]), {"j": "L"}) for name, value in varying(trace).items()
    ]
    if trace.weights is not None:
        weights = trace.weights if writing.several else trace.weights[0]
        found.append(Quantity(writing.weight, given(weights), {"i": "m"} if writing.several else {}))
    for key, runs in (("example_loss", {"i": "m"}), ("loss", {})):
        if key in of_loss:
            equation = of_loss[key]
            found.append(Quantity(equation.symbol, given(with_layer(equation.formula, trace.last)), runs))
    return tuple(found)

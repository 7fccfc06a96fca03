"""The symbols of Brawer's derivation on one network: bias nodes and all, the sample's index implicit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bpcli.explaining.evaluation.vocabulary import Quantity, Vocabulary, given
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies.common import constants
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.workspace import layer_scratch

SAMPLE = "i"


def vocabulary(trace: Trace) -> Vocabulary:
    """z, θ, h, C, Ψ, M, δ and J."""
    return Vocabulary(
        quantities=_quantities(trace),
        sizes={"m": "m", "s_l": "l", "n": "x", "K": "L"},
        units=dict(enumerate(trace.network.sizes, start=1)),
        examples=trace.m,
        functions={"h": functions(trace)},
        slopes={r"\Psi": "h"},
        constants=constants(trace),
        loss="J",
    )


def functions(trace: Trace) -> Callable[[int], Activation]:
    """h of a layer, which at layer 1 is the identity; without a layer the outputs'."""

    def of(layer: int) -> Activation:
        return ACTIVATIONS["identity"]() if layer == 1 else trace.network.activations[layer - 2 if layer else -1]

    return of


def at_one(activation: Activation) -> float:
    """h(1), of which (7) takes the reciprocal."""
    value = np.empty((1, 1))
    activation.forward(np.ones((1, 1)), np.empty(0), value, layer_scratch(1, 1, np.float64))
    return float(value[0, 0])


def _quantities(trace: Trace) -> tuple[Quantity, ...]:
    L, x = trace.last + 1, np.vstack([np.ones((1, trace.m)), trace.A[0]])
    y = np.vstack([np.zeros((1, trace.m)), trace.targets])  # y_0 stands only where 1 - I_{k,0} is 0
    below, node = {"j": "l+1:0", "k": "l:0"}, {"k": "l:0"}
    return (
        Quantity("x_k", given(x), {"k": "x:0"}, implicit=SAMPLE),
        Quantity("y_k", given(y), {"k": "L:0"}, implicit=SAMPLE),
        Quantity("z_k^l", lambda l: x if l == 1 else _value(l), node, implicit=SAMPLE),
        Quantity(r"\theta_{j,k}^l", lambda l: _theta(trace, l), below),
        Quantity("C_{j,k}^l", lambda l: _factors(trace, l), below),
        Quantity("M_{j,k}^l", _carrier, below, implicit=SAMPLE),
        Quantity(r"\delta_k^l", lambda l: _error(l, L), node, implicit=SAMPLE),
        Quantity(r"\theta^l", lambda l: rf"\theta_{{p,q}}^{{({l})}}", shape=("l+1", "l"), stacked=("p", "q")),
        Quantity("z^l", lambda l: f"z_p^{{({l})}}", shape=("l", "1"), implicit=SAMPLE, stacked=("p",)),
        Quantity(r"\delta^l", lambda l: rf"\delta_p^{{({l})}}", shape=("l", "1"), implicit=SAMPLE, stacked=("p",)),
        Quantity("J", given(_cost(L))),
    )


def _value(l: int) -> str:
    """(5), for every node, the bias node too."""
    below = f"{{({l - 1})}}"
    return rf"\sum_{{r=0}}^{{s_{{{l - 1}}}}} \theta_{{k,r}}^{below} h^{below}(z_r^{below}) C_{{k,r}}^{below}"


def _theta(trace: Trace, l: int) -> Array:
    """θ with row 0 by (6), column 0 the biases."""
    weights = np.hstack([trace.before.b[l], trace.before.W[l]])
    return np.vstack([np.eye(1, weights.shape[1]), weights])


def _factors(trace: Trace, l: int) -> Array:
    """(7)."""
    factors = np.ones((trace.network.sizes[l] + 1, trace.network.sizes[l - 1] + 1))
    factors[:, 0] = 1 / at_one(functions(trace)(l))
    return factors


def _carrier(l: int) -> str:
    """(31)."""
    return rf"\theta_{{j,k}}^{{({l})}} C_{{j,k}}^{{({l})}} \Psi^{{({l})}}(z_k^{{({l})}})"


def _error(l: int, L: int) -> str:
    """δ by (20), (34), (40) and (43): the derivative of one sample's cost, without the 1/m of J."""
    if l == L:
        return rf"(h^{{({l})}}(z_k^{{({l})}}) - y_k) (1 - I_{{k,0}})"
    above = rf"\sum_{{r=1}}^{{s_{{{l + 1}}}}} \delta_r^{{({l + 1})}} M_{{r,k}}^{{({l})}}"
    return rf"{above} (1 - I_{{k,0}})"


def _cost(L: int) -> str:
    """(18)."""
    h = rf"h^{{({L})}}(z_{{k_0}}^{{({L})}})"
    term = rf"\left[ y_{{k_0}} \ln ({h}) + (1 - y_{{k_0}}) \ln (1 - {h}) \right]"
    return rf"-\frac{{1}}{{m}} \sum_{{i=1}}^{{m}} \sum_{{k_0=1}}^{{s_{{{L}}}}} {term}"

"""The symbols of the general case on one network."""

from __future__ import annotations

import numpy as np

from bpcli.explaining.evaluation.vocabulary import Quantity, Vocabulary, given, one_activation
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies.common import constants, letter_of
from bpcli.nn import Array
from bpcli.nn.losses import in_symbols


def vocabulary(trace: Trace) -> Vocabulary:
    """z, a, w, h, c and C; with one output also without the index n_L."""
    outputs = _one_output(trace) if trace.outputs == 1 else _several_outputs(trace)
    return Vocabulary(
        quantities=(*_network(trace), *outputs),
        sizes={"P": "m", "N_l": "l"},
        units=dict(enumerate(trace.network.sizes)),
        examples=trace.m,
        functions={"f": one_activation(dict(enumerate(trace.network.activations, start=1)))},
        constants=constants(trace),
        loss="C",
    )


def _network(trace: Trace) -> tuple[Quantity, ...]:
    x, node = trace.A[0], {"n": "l", "p": "m"}
    return (
        Quantity("x_n^p", given(x), {"n": "x", "p": "m"}),
        Quantity("a_n^{p,l}", lambda l: rf"{_f(trace, l)}(z_n^{{p,{l}}})" if l else x, node),
        Quantity("z_n^{p,l}", _value, node),
        Quantity("w_{n k}^l", lambda l: _weights(trace, l), {"n": "l:0", "k": "l+1"}),
    )


def _weights(trace: Trace, l: int) -> Array:
    """The weights out of a layer, row 0 the biases."""
    return np.vstack([trace.before.b[l + 1].T, trace.before.W[l + 1].T])


def _value(l: int) -> str:
    """(1)."""
    below = l - 1
    return rf"w_{{0 n}}^{{({below})}} + \sum_{{k=1}}^{{N_{{{below}}}}} w_{{k n}}^{{({below})}} a_k^{{p,{below}}}"


def _one_output(trace: Trace) -> tuple[Quantity, ...]:
    loss, last = trace.network.head.loss, trace.last
    return (
        Quantity("y^p", given(trace.targets[0]), {"p": "m"}),
        Quantity("h^p", given(rf"{_f(trace, last)}(z_1^{{p,{last}}})"), {"p": "m"}),
        Quantity("c^p", given(in_symbols(loss.term, loss, 1, y="y^p", a="h^p")), {"p": "m"}),
        Quantity("w_n^l", lambda l: _weights(trace, l)[:, 0], {"n": "l:0"}),
        Quantity("y_n^p", given(trace.targets), {"n": "L", "p": "m"}),
        Quantity("h_n^p", given(rf"{_f(trace, last)}(z_n^{{p,{last}}})"), {"n": "L", "p": "m"}),
        Quantity("c_n^p", given("c^p"), {"n": "L", "p": "m"}),
        Quantity("C", given(r"\sum_{p=1}^{P} c^p")),
    )


def _several_outputs(trace: Trace) -> tuple[Quantity, ...]:
    loss, last, output = trace.network.head.loss, trace.last, {"n": "L", "p": "m"}
    return (
        Quantity("y_n^p", given(trace.targets), output),
        Quantity("h_n^p", given(rf"{_f(trace, last)}(z_n^{{p,{last}}})"), output),
        Quantity("c_n^p", given(in_symbols(loss.term, loss, trace.outputs, y="y_n^p", a="h_n^p")), output),
        Quantity("c^p", given(r"\sum_{n=1}^{N_L} c_n^p"), {"p": "m"}),
        Quantity("C", given(r"\sum_{p=1}^{P} \sum_{n=1}^{N_L} c_n^p")),
    )


def _f(trace: Trace, l: int) -> str:
    return letter_of("f", trace, l)

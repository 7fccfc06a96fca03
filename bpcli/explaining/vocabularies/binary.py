"""The symbols of the binary derivation on one network."""

from __future__ import annotations

import numpy as np

from bpcli.explaining.evaluation.vocabulary import Quantity, Vocabulary, given, one_activation
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies.common import constants


def vocabulary(trace: Trace) -> Vocabulary:
    """z, a, W, b and F; one object is a column without an index."""
    columns = "1" if trace.m == 1 else "m"
    activations = dict(enumerate(trace.network.activations, start=1))
    cost = (
        r"-y \ln a_{L} - (1 - y) \ln (1 - a_{L})"
        if trace.m == 1
        else r"-\frac{1}{N} \sum_{k=1}^{N} \left[ y_k \ln p_k + (1 - y_k) \ln (1 - p_k) \right]"
    )
    first = trace.A[0]
    y_k, p_k = (trace.targets[0], "a_{L}") if trace.m == 1 else ("(y)_{1k}", "(a_{L})_{1k}")
    quantities = (
        Quantity("y", given(trace.targets), shape=("L", columns)),
        Quantity("y_k", given(y_k), {"k": "m"}),
        Quantity("p_k", given(p_k), {"k": "m"}),
        Quantity("a_l", lambda l: rf"\sigma(z_{{{l}}})" if l else first, shape=("l", columns)),
        Quantity("z_l", lambda l: _pre_activation(l, columns), shape=("l", columns)),
        Quantity("W_l", lambda l: trace.before.W[l], shape=("l", "l-1")),
        Quantity("b_l", lambda l: trace.before.b[l], shape=("l", "1")),
        Quantity(r"\mathbf{1}_N", given(np.ones((trace.m, 1))), shape=("m", "1")),
        Quantity("F", given(cost)),
        *(ENTRIES if trace.m == 1 else ()),
    )
    return Vocabulary(
        quantities=quantities,
        sizes={"N": "m", "n_l": "l"},
        units=dict(enumerate(trace.network.sizes)),
        examples=trace.m,
        functions={r"\sigma": one_activation(activations)},
        constants=constants(trace),
        diagonal=frozenset({("a", "z")}),
        loss="F",
    )


ENTRIES = (
    Quantity("a_i^l", lambda l: f"a_{{{l}}}", {"i": "l"}, entries=True),
    Quantity("z_i^l", lambda l: f"z_{{{l}}}", {"i": "l"}, entries=True),
    Quantity("w_{ij}^l", lambda l: f"W_{{{l}}}", {"i": "l", "j": "l-1"}, entries=True),
    Quantity("b_i^l", lambda l: f"b_{{{l}}}", {"i": "l"}, entries=True),
)
"""The entries of one object's columns and of the parameters."""


def _pre_activation(l: int, columns: str) -> str:
    ones = "" if columns == "1" else r" \cdot \mathbf{1}_N^\top"
    return rf"W_{{{l}}} \cdot a_{{{l - 1}}} + b_{{{l}}}{ones}"

"""The symbols of the half squared error's derivation on one network."""

from __future__ import annotations

import numpy as np

from bpcli.explaining.evaluation.vocabulary import Quantity, Vocabulary, given, one_activation
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies.common import constants, letter_of


def vocabulary(trace: Trace) -> Vocabulary:
    """a, z, W, b, δ and C: of one example without an index, else of example i, and the mean of their costs."""
    return Vocabulary(
        quantities=(*_parameters(trace), *(_one(trace) if trace.m == 1 else _several(trace))),
        sizes={"m": "m", "n_l": "l"},
        units=dict(enumerate(trace.network.sizes)),
        examples=trace.m,
        functions={r"\sigma": one_activation(dict(enumerate(trace.network.activations, start=1)))},
        constants=constants(trace),
        loss="C",
    )


def _parameters(trace: Trace) -> tuple[Quantity, ...]:
    before = trace.before
    return (
        Quantity("W^l", lambda l: before.W[l], shape=("l", "l-1")),
        Quantity("b^l", lambda l: before.b[l], shape=("l", "1")),
        Quantity("w_{jk}^l", lambda l: f"W^{{({l})}}", {"j": "l", "k": "l-1"}, entries=True),
        Quantity("b_j^l", lambda l: f"b^{{({l})}}", {"j": "l"}, entries=True),
    )


def _one(trace: Trace) -> tuple[Quantity, ...]:
    x = trace.A[0]
    return (
        Quantity("y", given(trace.targets), shape=("L", "1")),
        Quantity("y_j", given(trace.targets[:, 0]), {"j": "L"}),
        Quantity("x", given(x), shape=("l", "1")),
        Quantity("a^l", lambda l: rf"{_sigma(trace, l)}(z^{{({l})}})" if l else x, shape=("l", "1")),
        Quantity("z^l", lambda l: rf"W^{{({l})}} \cdot a^{{({l - 1})}} + b^{{({l})}}", shape=("l", "1")),
        Quantity("a_j^l", lambda l: f"a^{{({l})}}", {"j": "l"}, entries=True),
        Quantity("z_j^l", lambda l: f"z^{{({l})}}", {"j": "l"}, entries=True),
        Quantity(r"\delta^l", lambda l: rf"\frac{{\partial C}}{{\partial z^{{({l})}}}}", shape=("l", "1")),
        Quantity(r"\delta_j^l", lambda l: rf"\frac{{\partial C}}{{\partial z_j^{{({l})}}}}", {"j": "l"}),
        Quantity("C", given(r"\frac{1}{n_L} \sum_{j=1}^{n_L} \frac{1}{2} (a_j^{(L)} - y_j)^2")),
    )


def _several(trace: Trace) -> tuple[Quantity, ...]:
    x, y = (np.asarray(array.T[:, :, None]) for array in (trace.A[0], trace.targets))
    return (
        Quantity("y_i", given(y), {"i": "m"}, ("L", "1")),
        Quantity("y_{j,i}", given(trace.targets), {"j": "L", "i": "m"}),
        Quantity("x_i", given(x), {"i": "m"}, ("l", "1")),
        Quantity("a_i^l", lambda l: rf"{_sigma(trace, l)}(z_i^{{({l})}})" if l else x, {"i": "m"}, ("l", "1")),
        Quantity("a_{j,i}^l", lambda l: rf"(a_i^{{({l})}})_j", {"j": "l", "i": "m"}),
        Quantity("z_i^l", lambda l: rf"W^{{({l})}} \cdot a_i^{{({l - 1})}} + b^{{({l})}}", {"i": "m"}, ("l", "1")),
        Quantity(r"\delta_i^l", lambda l: rf"\frac{{\partial C_i}}{{\partial z_i^{{({l})}}}}", {"i": "m"}, ("l", "1")),
        Quantity("C_i", given(r"\frac{1}{n_L} \sum_{j=1}^{n_L} \frac{1}{2} (a_{j,i}^{(L)} - y_{j,i})^2"), {"i": "m"}),
        Quantity("C", given(r"\frac{1}{m} \sum_{i=1}^{m} C_i")),
    )


def _sigma(trace: Trace, l: int) -> str:
    return letter_of(r"\sigma", trace, l)

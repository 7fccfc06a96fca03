"""The symbols of Biswas' derivation on one network."""

from __future__ import annotations

import numpy as np

from bpcli.explaining.evaluation.vocabulary import Quantity, Vocabulary, given
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies.common import constants
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS


def vocabulary(trace: Trace) -> Vocabulary:
    """One data point in underlined small letters (4.3, 5.1), or the whole of X."""
    if trace.m > 1:
        return whole_vocabulary(trace)
    return _vocabulary(trace, _one(trace), r"\mathcal{L}")


def whole_vocabulary(trace: Trace) -> Vocabulary:
    """The whole of X in capitals (5.2)."""
    return _vocabulary(trace, _whole(trace), "L")


def _vocabulary(trace: Trace, quantities: tuple[Quantity, ...], loss: str) -> Vocabulary:
    activations = dict(enumerate(trace.network.activations, start=1))
    return Vocabulary(
        quantities=(*_parameters(trace), *quantities),
        sizes={"m": "m", "p": "L", "n_l": "l"},
        units=dict(enumerate(trace.network.sizes)),
        examples=trace.m,
        functions={
            "g": activations.__getitem__,
            r"\mathrm{softmax}": lambda l: activations[trace.last],
            r"\sigma": lambda l: ACTIVATIONS["sigmoid"](),
        },
        constants=constants(trace),
        classes=trace.Y + 1,
        loss=loss,
    )


def _parameters(trace: Trace) -> tuple[Quantity, ...]:
    before = trace.before
    return (
        Quantity("W_l", lambda l: before.W[l], shape=("l", "l-1")),
        Quantity(r"\underline{b}_l", lambda l: before.b[l], shape=("l", "1")),
        Quantity("W_{l,i,j}", lambda l: f"W_{{{l}}}", {"i": "l", "j": "l-1"}, entries=True),
        Quantity(r"W_{l,\cdot,j}", lambda l: before.W[l].T[:, :, None], {"j": "l-1"}, ("l", "1")),
        Quantity("b_{l,i}", lambda l: rf"\underline{{b}}_{{{l}}}", {"i": "l"}, entries=True),
    )


def _one(trace: Trace) -> tuple[Quantity, ...]:
    x, last = trace.A[0], trace.last

    def activation(l: int) -> Array | str:
        return rf"g_{{{l}}}(\underline{{a}}_{{{l}}})" if 0 < l < last else x if l == 0 else r"\underline{\hat{y}}"

    return (
        Quantity(r"\underline{x}", given(x), shape=("l", "1")),
        Quantity(r"\underline{e}_\ell", given(trace.targets), shape=("L", "1")),
        Quantity(
            r"\underline{a}_l",
            lambda l: rf"W_{{{l}}} \cdot \underline{{h}}_{{{l - 1}}} + \underline{{b}}_{{{l}}}",
            shape=("l", "1"),
        ),
        Quantity(r"\underline{h}_l", activation, shape=("l", "1")),
        Quantity(r"\underline{\hat{y}}", given(r"\mathrm{softmax}(\underline{a}_{L})"), shape=("L", "1")),
        Quantity(r"\hat{y}_i", given(r"\underline{\hat{y}}"), {"i": "L"}, entries=True),
        Quantity("a_{l,i}", lambda l: rf"\underline{{a}}_{{{l}}}", {"i": "l"}, entries=True),
        Quantity("h_{l,i}", lambda l: rf"\underline{{h}}_{{{l}}}", {"i": "l"}, entries=True),
        Quantity("z_j", given(r"\underline{a}_{1}"), {"j": "x+1"}, entries=True),
        Quantity(r"\mathcal{L}", given(r"-\log \hat{y}_\ell")),
    )


def _whole(trace: Trace) -> tuple[Quantity, ...]:
    x, last = trace.A[0], trace.last

    def activation(l: int) -> Array | str:
        return rf"g_{{{l}}}(A_{{{l}}})" if 0 < l < last else x if l == 0 else r"\hat{Y}"

    return (
        Quantity("X", given(x), shape=("l", "m")),
        Quantity("E", given(trace.targets), shape=("L", "m")),
        Quantity(r"\mathbf{1}_m", given(np.ones((trace.m, 1))), shape=("m", "1")),
        Quantity(
            "A_l",
            lambda l: rf"W_{{{l}}} \cdot H_{{{l - 1}}} + \underline{{b}}_{{{l}}} \cdot \mathbf{{1}}_m^\top",
            shape=("l", "m"),
        ),
        Quantity("H_l", activation, shape=("l", "m")),
        Quantity(r"\hat{Y}", given(r"\mathrm{softmax}(A_{L})"), shape=("L", "m")),
        Quantity(r"\hat{y}_{j,i}", given(r"(\hat{Y})_{ji}"), {"j": "L", "i": "m"}),
        Quantity("L", given(r"\frac{1}{m} \sum_{i=1}^{m} -\log \hat{y}_{\ell_i,i}")),
    )

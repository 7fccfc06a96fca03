"""θ in the order of bands: every entry once, and no bit depends on the order in which pieces are changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import Relu, Softmax
from bpcli.nn.heads import join
from bpcli.nn.losses import CrossEntropy
from bpcli.nn.network import Network, dense
from bpcli.nn.optimizers import Adam, start
from bpcli.team import SERIAL
from bpcli.training.shards import cutting, updating
from bpcli.training.shards.equations import entries_of_bands


def network(*sizes: int) -> Network:
    return dense(sizes, tuple(Relu() for _ in sizes[1:-1]), join(Softmax(), CrossEntropy()))


def test_entries_come_by_bands_each_once() -> None:
    wide = network(784, 512, 512, 10)
    order = entries_of_bands(wide, 128, 1)
    assert np.array_equal(np.sort(np.concatenate([np.r_[one] for one in order])), np.arange(wide.layout.count))
    first, second = wide.layout.weights[:2]
    ahead = [slice(first.start, first.start + 256 * 784), slice(first.stop, second.start + 256 * 512)]
    assert order[:2] == ahead
    assert order[-2:] == [slice(ahead[0].stop, first.stop), slice(ahead[1].stop, second.stop)]
    assert entries_of_bands(network(784, 128, 10), 32, 1) == [slice(0, network(784, 128, 10).layout.count)]


class _Gradient:
    """Its entries differ."""

    leaves_sums, summing = False, SimpleNamespace(levels=1)

    def begin(self, theta: Array, out: Array, factor: Any) -> float:
        out[...] = np.cos(np.arange(out.size))
        return 0.0


def test_no_bit_depends_on_the_order_of_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "PIECE", 4)
    results = []
    for order in ((), (slice(11, 20), slice(0, 11))):
        theta, rule = np.arange(1.0, 21.0, dtype=np.float32), Adam()
        updates = updating.Updates(rule, theta, start(rule, theta), [], SERIAL, order=order)
        for _ in range(3):
            updates.make(_Gradient(), 0.5)  # type: ignore[arg-type]
        results.append(theta.tobytes())
    assert results[0] == results[1]

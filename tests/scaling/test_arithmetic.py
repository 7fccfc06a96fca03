"""The seconds of layers: rates between measured shapes, and the products counted by a loop."""

from __future__ import annotations

from math import sqrt

import pytest

from bpcli.scaling.arithmetic import Arithmetic, layer_seconds

GRID = Arithmetic((8, 128), (4, 16, 64), ((1e9, 2e9, 3e9), (4e9, 8e9, 9e9)), memory=1e30, call=1e-12)


def test_a_measured_shape_has_its_rate() -> None:
    for i, units in enumerate(GRID.units):
        for j, columns in enumerate(GRID.columns):
            assert GRID.rate(units, columns) == pytest.approx(GRID.rates[i][j])


def test_between_two_shapes_rates_are_linear_in_logarithms_and_beyond_them_constant() -> None:
    assert GRID.rate(8, 8) == pytest.approx(sqrt(1e9 * 2e9))
    assert GRID.rate(32, 4) == pytest.approx(sqrt(1e9 * 4e9))
    assert GRID.rate(32, 8) == pytest.approx((1e9 * 2e9 * 4e9 * 8e9) ** 0.25)
    assert GRID.rate(1, 1) == pytest.approx(1e9)
    assert GRID.rate(5000, 5000) == pytest.approx(9e9)
    assert GRID.rate(8, 4, itemsize=8) == pytest.approx(5e8)


def test_products_are_those_of_a_loop_over_entries() -> None:
    sizes, columns = (3, 4, 2), 5
    flat = Arithmetic((1,), (1,), ((1.0,),), memory=1e30, call=0.0)
    forward, backward = [0, 0], [0, 0]
    for l in (1, 2):
        for _ in range(sizes[l]):
            for _ in range(sizes[l - 1]):
                for _ in range(columns):
                    forward[l - 1] += 1  # Z = W A
                    backward[l - 1] += 1 + (l > 1)  # dW = dZ Aᵀ, and dA = Wᵀ dZ but for the inputs
    found = layer_seconds(sizes, columns, 4, flat)
    assert [layer.forward for layer in found] == pytest.approx(forward)
    assert [layer.backward for layer in found] == pytest.approx(backward)


def test_passes_and_calls_are_what_small_products_cost_besides() -> None:
    slow = Arithmetic((1,), (1,), ((1e30,),), memory=100.0, call=2.0)
    (layer,) = layer_seconds((3, 4), 5, 4, slow)
    assert layer.backward == pytest.approx(1.0 + 5 * 4 * 5 * 4 / 100)
    assert layer.forward == pytest.approx(layer.backward + 2 * 3 * 5 * 4 / 100)

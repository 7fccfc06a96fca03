"""Which parameters are checked: those of every array that a network's parameters name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bpcli.checking.subject import by_layer, parameter_groups
from bpcli.nn import Array
from bpcli.nn.parameters import Layout, Parameters
from tests.checking.support import subject

SIZES = (4, 5, 5, 3)


def test_every_parameter_of_a_small_network_is_in_one_group() -> None:
    groups = parameter_groups(subject(SIZES).network, None, seed=0)
    places = np.concatenate([group.places for group in groups])
    np.testing.assert_array_equal(places, np.arange(Layout(SIZES).count))
    assert sum(group.size for group in groups) == Layout(SIZES).count


def test_a_group_has_the_shape_and_place_of_its_array() -> None:
    theta = np.arange(Layout(SIZES).count, dtype=np.float64)
    parameters = Parameters(Layout(SIZES), theta)
    for group in parameter_groups(subject(SIZES).network, None, seed=0):
        array = getattr(parameters, group.kind)[group.layer]
        assert group.shape == array.shape
        assert group.start == array.flat[0]


def test_a_sample_is_of_each_array_and_the_same_for_a_seed() -> None:
    network = subject(SIZES).network
    for one, other in zip(*(parameter_groups(network, 4, seed=7) for _ in range(2)), strict=True):
        np.testing.assert_array_equal(one.places, other.places)
        assert len(one.places) == min(4, one.size)
        assert one.start <= one.places.min() <= one.places.max() < one.start + one.size


def test_a_parameter_of_another_name_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Parameters.named

    def with_gain(parameters: Parameters) -> dict[str, Array]:
        """The last row of W1 under a name of its own."""
        W1 = parameters.W[1]
        return {"W1": W1[:-1], "gain1": W1[-1], **{name: a for name, a in usual(parameters).items() if name != "W1"}}

    monkeypatch.setattr(Parameters, "named", with_gain)
    given = subject(SIZES)
    comparison = given.comparisons("complex-step")[0]
    gain = next(group for group in parameter_groups(given.network, None, seed=0) if group.kind == "gain")
    assert (gain.layer, gain.shape, gain.start) == (1, (4, 1), 16)
    assert comparison.check(gain).passed
    comparison.gradient[gain.start] *= 1.001
    assert not replace(comparison).check(gain).passed


def test_the_largest_derivative_is_sought_in_every_array_of_a_layer() -> None:
    comparison = subject(SIZES).comparisons("complex-step")[0]
    for layer in range(1, len(SIZES)):
        own = [array for l, _, array in by_layer(Parameters(Layout(SIZES), comparison.derivative)) if l == layer]
        assert comparison.scale(layer) == max(np.abs(array).max() for array in own)

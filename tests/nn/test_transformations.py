"""The gradient's chain: order, what it adds to the loss, and where the update's factor goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.transformations import Transformation, early, finish, transform

SIZES = (1, 1)
THETA = np.array([3.0, -2.0])
GRADIENT = np.array([1.0, 4.0])


@dataclass(frozen=True)
class Adding:
    """Adds θ · by / weight to the gradient, and by to the loss."""

    by: float

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        gradient.theta[...] += self.by * parameters.theta / weight
        return self.by


@dataclass(frozen=True)
class Doubling:
    """Doubles the gradient."""

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        gradient.theta[...] *= 2
        return 0.0


def spare() -> Parameters:
    return Parameters(Layout(SIZES), np.full(2, np.nan))


def start() -> tuple[Parameters, Parameters]:
    return Parameters(Layout(SIZES), THETA.copy()), Parameters(Layout(SIZES), GRADIENT.copy())


@pytest.mark.parametrize(
    ("chain", "expected", "added"),
    [
        ((), GRADIENT, 0.0),
        ((Adding(0.5),), GRADIENT + 0.5 * THETA / 4, 0.5),
        ((Adding(0.5), Doubling()), 2 * (GRADIENT + 0.5 * THETA / 4), 0.5),
        ((Doubling(), Adding(0.5)), 2 * GRADIENT + 0.5 * THETA / 4, 0.5),
        ((Adding(0.5), Adding(0.25)), GRADIENT + 0.75 * THETA / 4, 0.75),
    ],
    ids=["none", "one", "then doubled", "doubled before", "two"],
)
def test_each_link_takes_what_the_one_before_it_leaves(
    chain: Sequence[Transformation], expected: Array, added: float
) -> None:
    parameters, gradient = start()
    assert transform(chain, parameters, gradient, spare(), 4) == added
    np.testing.assert_array_equal(gradient.theta, expected)
    np.testing.assert_array_equal(parameters.theta, THETA)


@pytest.mark.parametrize("chain", [(), (Doubling(),), (Doubling(), Adding(0.5))], ids=["none", "one", "two"])
@pytest.mark.parametrize("factor", [1.0, 0.25])
def test_a_factor_applies_once_and_after_the_chain(chain: Sequence[Transformation], factor: float) -> None:
    parameters, plain = start()
    added = transform(chain, parameters, plain, spare(), 4)
    parameters, gradient = start()
    gradient.theta[...] *= early(chain, factor)
    assert finish(chain, parameters, gradient, spare(), 4, factor) == added
    np.testing.assert_array_equal(gradient.theta, factor * plain.theta)


def test_a_chain_sees_the_gradient_without_the_factor() -> None:
    seen: list[list[float]] = []

    @dataclass(frozen=True)
    class Watching:
        def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
            seen.append(gradient.theta.tolist())
            return 0.0

    parameters, gradient = start()
    gradient.theta[...] *= early([Watching()], 0.25)
    finish([Watching()], parameters, gradient, spare(), 4, 0.25)
    assert seen == [GRADIENT.tolist()]


def test_without_a_chain_the_whole_factor_goes_into_backward() -> None:
    parameters, gradient = start()
    assert (early((), 0.25), early([Doubling()], 0.25)) == (0.25, 1.0)
    assert finish((), parameters, gradient, spare(), 4, 0.25) == 0
    np.testing.assert_array_equal(gradient.theta, GRADIENT)

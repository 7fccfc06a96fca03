"""How closely differences agree with backward, on random networks of every kind."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.checking.comparison import CENTRAL_FLOOR, CENTRAL_TOLERANCE
from bpcli.nn import Array
from bpcli.nn.gradient_check import Probe, central, complex_step, crossings
from bpcli.nn.parameters import Parameters

from .support import Subject, random_subject

COMPLEX_MARK = 1e-13
"""Of the layer's largest gradient."""

QUICK, MANY = 150, 2000
"""How many random networks."""

ONE, SEVERAL = 1, 12
"""Parameters looked at in each W and b of a random network, besides the one with the largest gradient."""


def sampled(given: Subject, gradient: Array, count: int, rng: np.random.Generator) -> list[tuple[int, Array]]:
    """Layers and places in θ: each array's largest gradient, and others at random."""
    numbers = Parameters(given.network.sizes, np.arange(given.theta.size))
    found = []
    for layer in range(1, given.layers + 1):
        for array in (numbers.W[layer], numbers.b[layer]):
            own = array.reshape(-1)
            drawn = rng.permutation(own)[:count]
            found.append((layer, np.union1d(drawn, own[np.argmax(np.abs(gradient[own]))])))
    return found


def largest_of(given: Subject, gradient: Array, layer: int) -> float:
    layers = Parameters(given.network.sizes, gradient)
    return float(max(np.abs(layers.W[layer]).max(), np.abs(layers.b[layer]).max()))


def worst_by_complex_step(given: Subject, count: int, rng: np.random.Generator) -> float:
    """The largest error over both batches, relative to the layer's largest gradient."""
    worst = 0.0
    for one in given.comparisons("complex-step"):
        for layer, places in sampled(given, one.gradient, count, rng):
            errors = np.abs(complex_step(one.probe, given.theta, places) - one.gradient[places])
            largest = largest_of(given, one.gradient, layer)
            assert largest > 0 or not errors.any()
            worst = max(worst, float(errors.max() / largest) if largest else 0.0)
    return worst


def worst_by_central(given: Subject, count: int, rng: np.random.Generator) -> float:
    """The largest error over both batches, relative to what is allowed, away from kinks."""
    worst = 0.0
    for one in given.comparisons("central"):
        floor = CENTRAL_FLOOR * max(1.0, abs(one.probe(given.theta)))
        for layer, places in sampled(given, one.gradient, count, rng):
            allowed = CENTRAL_TOLERANCE * largest_of(given, one.gradient, layer) + floor
            errors = np.abs(central(one.probe, given.theta, places) - one.gradient[places]) / allowed
            for error, i in zip(errors.tolist(), places.tolist(), strict=True):
                if error <= 1 or not kinked(one.probe, given, i):
                    worst = max(worst, error)
    return worst


def kinked(probe: Probe, given: Subject, i: int) -> bool:
    return bool(crossings(probe, given.theta, i))


def subjects(count: int, seed: int) -> list[Subject]:
    rng = np.random.default_rng(seed)
    return [random_subject(rng) for _ in range(count)]


def all_kinds(given: list[Subject]) -> set[str]:
    networks = [one.network for one in given]
    names = {type(f).__name__ for network in networks for f in network.activations}
    losses = {type(network.head.loss).__name__ for network in networks}
    reductions = {f"{network.head.loss.outputs} {network.head.loss.examples}" for network in networks}
    return names | losses | reductions | {f"depth {len(network.layers) - 1}" for network in networks}


def test_random_networks_are_of_every_kind() -> None:
    assert all_kinds(subjects(QUICK, seed=1)) == {
        *("Identity", "Sigmoid", "Tanh", "Relu", "LeakyRelu", "Softmax"),
        *("CrossEntropy", "BinaryCrossEntropy", "HalfSquaredError"),
        *("sum sum", "sum mean", "mean sum", "mean mean"),
        *(f"depth {hidden}" for hidden in range(7)),
    }


def complex_mark_holds(networks: int, places: int, seed: int) -> None:
    rng = np.random.default_rng(seed + 1000)
    worst = max(worst_by_complex_step(given, places, rng) for given in subjects(networks, seed))
    print(f"{networks} networks, complex step: at most {worst:.2g} of the layer's largest gradient apart")  # noqa: T201 - a figure to read
    assert worst <= COMPLEX_MARK


def central_mark_holds(networks: int, places: int, seed: int) -> None:
    rng = np.random.default_rng(seed + 1000)
    worst = max(worst_by_central(given, places, rng) for given in subjects(networks, seed))
    print(f"{networks} networks, central differences: at most {worst:.2g} of what is allowed apart")  # noqa: T201 - a figure to read
    assert worst <= 1


def test_complex_step_agrees_on_random_networks() -> None:
    complex_mark_holds(QUICK, ONE, seed=1)


def test_central_differences_agree_on_random_networks_away_from_kinks() -> None:
    central_mark_holds(QUICK, ONE, seed=2)


@pytest.mark.slow
def test_complex_step_agrees_on_two_thousand_random_networks() -> None:
    complex_mark_holds(MANY, SEVERAL, seed=3)


@pytest.mark.slow
def test_central_differences_agree_on_two_thousand_random_networks_away_from_kinks() -> None:
    central_mark_holds(MANY, SEVERAL, seed=4)

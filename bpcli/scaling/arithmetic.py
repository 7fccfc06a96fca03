"""How fast one core computes a layer: multiplications a second by shape, passes over memory, calls."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import exp, log

from bpcli.scaling.disturbance import Disturbance
from bpcli.scaling.threads import Threads

ACTIVATION_PASSES = 10
"""Reads and writes of each activation beside the products: bias, f, f′ and what is copied for them."""

MEASURED_ITEMSIZE = 4
"""Bytes of a number for which rates are measured: float32. Of wider numbers a register holds fewer."""


Rates = tuple[tuple[float, ...], ...]
"""Multiplications per second, by units and columns."""


@dataclass(frozen=True)
class Arithmetic:
    """What one core does in a second, measured.

    ``rates[i][j]`` are multiplications, each with its addition, per second, in products of a layer whose narrower
    side has ``units[i]`` units on ``columns[j]`` examples, in float32, by BLAS; ``compiled_rates`` those of compiled
    products, None where they were not measured. ``memory`` are bytes per second, read and
    written, in one pass over arrays that no cache holds; ``call`` are the seconds of a layer's calls, forward and
    backward; ``drawing`` those in which one random number is drawn, by the name of its kind of noise.
    ``disturbance`` is what else went on while all this was measured.
    """

    units: tuple[int, ...]
    columns: tuple[int, ...]
    rates: Rates
    memory: float
    call: float
    compiled_rates: Rates | None = None
    drawing: Mapping[str, float] = field(default_factory=dict)
    disturbance: Disturbance = field(default_factory=Disturbance)

    def compiled(self) -> Arithmetic:
        """What the compiled engine makes of this core: no calls in a layer; BLAS's rates if its own are unknown."""
        return replace(self, rates=self.compiled_rates or self.rates, call=0.0)

    def scaled(self, factor: float) -> Arithmetic:
        """With all its rates of products times a factor."""
        rates, compiled = _times(self.rates, factor), self.compiled_rates
        return replace(self, rates=rates, compiled_rates=compiled and _times(compiled, factor))

    def drawing_seconds(self, drawn: Mapping[str, int]) -> float:
        """Seconds in which so many numbers of each kind are drawn; an unknown kind is taken for the slowest."""
        slowest = max(self.drawing.values(), default=0.0)
        return sum(count * self.drawing.get(kind, slowest) for kind, count in drawn.items())

    def rate(self, units: int, columns: float, itemsize: int = MEASURED_ITEMSIZE) -> float:
        """Multiplications per second, between the shapes measured linear in the logarithms, beyond them as at them."""
        row, column = _place(self.units, units), _place(self.columns, columns)
        value = sum(
            of_row * of_column * log(self.rates[i][j]) for i, of_row in row for j, of_column in column if of_column
        )
        return exp(value) * MEASURED_ITEMSIZE / itemsize


def _times(rates: Rates, factor: float) -> Rates:
    return tuple(tuple(rate * factor for rate in row) for row in rates)


def _place(grid: tuple[int, ...], at: float) -> list[tuple[int, float]]:
    """The neighbours of a value in an ascending grid, each with its share; one where it lies outside."""
    right = bisect_right(grid, at)
    if right == 0 or right == len(grid):
        return [(min(right, len(grid) - 1), 1.0)]
    share = log(at / grid[right - 1]) / log(grid[right] / grid[right - 1])
    return [(right - 1, 1 - share), (right, share)]


@dataclass(frozen=True)
class LayerSeconds:
    """Seconds of a layer on the columns of one shard."""

    forward: float
    backward: float


def layer_seconds(
    sizes: tuple[int, ...], columns: float, itemsize: int, arithmetic: Arithmetic, threads: Sequence[Threads] = ()
) -> tuple[LayerSeconds, ...]:
    """The layers 1 … L of a network of n_0 … n_L units on the columns of one shard, each by its ``threads``, or one.

    A product of W_l, (n_l, n_l-1), with (n_l-1, c) takes n_l · n_l-1 · c multiplications; forward has one of them,
    backward two, but for layer 1, which needs no dA_0. Biswas, 5.2, has the products.
    """
    found, by = [], threads or [Threads()] * (len(sizes) - 1)
    for l, (below, units) in enumerate(pairwise(sizes), start=1):
        product = below * units * columns / arithmetic.rate(min(below, units), columns, itemsize)
        passes = ACTIVATION_PASSES / 2 * units * columns * itemsize / arithmetic.memory
        beside = passes / by[l - 1].passes + arithmetic.call / 2
        gathered = 2 * below * columns * itemsize / arithmetic.memory if l == 1 else 0.0
        Z = dW = product / by[l - 1].units
        dA = 0.0 if l == 1 else product / by[l - 1].below
        found.append(LayerSeconds(Z + beside + gathered, dW + dA + beside))
    return tuple(found)

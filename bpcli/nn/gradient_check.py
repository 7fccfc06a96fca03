"""Is backward the derivative of forward? Two ways to measure the derivative that anyone can follow.

``complex_step``: Im f(θ + ih)/h with h = 1e-30 (Squire & Trapp 1998). Nothing is
subtracted, so nothing cancels, and the truncation error, O(h²), lies far below the
last bit: the result is exact to rounding.

``central``: (f(θ + h) − f(θ − h)) / 2h, a cross-check in real arithmetic alone.
Truncation shrinks with h², round-off grows with 1/h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.loss_sums import weight_of
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.penalties import Penalty
from bpcli.nn.transformations import transform
from bpcli.nn.workspace import Workspace

COMPLEX_STEP = 1e-30
"""h² = 1e-60 lies far below the last bit of any f, so truncation vanishes."""

CENTRAL_STEP = 1e-5
"""About ε^(1/3) for float64, where truncation h² and round-off ε/h balance."""

LAST_BIT = float(np.finfo(np.float64).eps)
"""The relative distance between neighbouring float64 numbers, at most."""

NUDGES = 8
"""The number of random roundings tried: so many that no gradient moves too little in all of them by chance."""

ROUNDINGS = 10
"""The bound as a multiple of the largest move seen: a sum rounds at each of its terms, a nudge is one rounding."""

Objective = Callable[[Array], complex]
"""θ ↦ L, for real or complex θ, (P,)."""

Crossing = tuple[int, int, int | None]
"""A unit that changes sides of a kink at an example: layer, unit, column of the batch.

Without a column, a weight of the unit that changes sides of a penalty's kink.
"""


class Probe:
    """L as a function of θ on a fixed batch, and the side of its kinks on which every unit is.

    ``X`` (n_0, m), ``Y`` in the form that the loss takes, ``weights`` (m,) and ``noise``, by
    layer, are copied; ``penalties`` are the links of the gradient's chain that add to the loss.
    """

    def __init__(
        self,
        network: Network,
        X: Array,
        Y: Array,
        *,
        weights: Array | None = None,
        noise: Sequence[Array | None] = (),
        penalties: Sequence[Penalty] = (),
    ) -> None:
        self.network, self.X, self.Y, self.penalties = network, X.copy(), Y.copy(), tuple(penalties)
        self.weights = None if weights is None else weights.copy()
        self.noise = [None if array is None else array.copy() for array in noise]
        self._workspaces: dict[np.dtype[Any], Workspace] = {}

    @property
    def weight(self) -> Any:
        """m, or the sum of the examples' weights."""
        return weight_of(self.workspace(np.dtype(np.float64)))

    def __call__(self, theta: Array) -> complex:
        """L(θ), for real or complex θ, (P,)."""
        ws = self.workspace(theta.dtype)
        parameters = self.network.parameters(theta)
        with np.errstate(all="ignore"):
            self.network.forward(parameters, ws)
            loss = complex(np.add.reduce(self.network.terms(ws)) * self.network.scale(self.weight))
            return loss + complex(self._penalise(parameters)) if self.penalties else loss

    def gradient(self, theta: Array) -> Array:
        """∂L/∂θ by backward, (P,); NaN for entries that backward does not write."""
        ws, parameters = self.workspace(theta.dtype), self.network.parameters(theta)
        gradient = self.network.parameters(np.full_like(theta, np.nan))
        with np.errstate(all="ignore"):
            self.network.forward(parameters, ws)
            self.backward(parameters, gradient, ws)
        return gradient.theta

    def backward(self, parameters: Parameters, gradient: Parameters, ws: Workspace) -> None:
        """Write ∂L/∂θ into ``gradient``, after forward."""
        self.network.backward(parameters, gradient, ws, self.network.scale(self.weight))
        if self.penalties:
            self._penalise(parameters, gradient)

    def _penalise(self, parameters: Parameters, gradient: Parameters | None = None) -> Any:
        """Add the penalties' gradients, by default to nothing that is kept; return their values."""
        if gradient is None:
            gradient = self.network.parameters(np.zeros_like(parameters.theta))
        scratch = self.network.parameters(np.empty_like(parameters.theta))
        return transform(self.penalties, parameters, gradient, scratch, self.weight)

    @property
    def kinked(self) -> bool:
        """Whether any unit, the loss or a penalty has a kink."""
        activations = self.network.activations
        of_units = any(activation.kinks for activation in activations)
        return bool(self.network.head.loss.sides is not None or of_units or self._kinks_of_weights)

    @property
    def _kinks_of_weights(self) -> list[float]:
        """Where the penalties have kinks."""
        return [kink for penalty in self.penalties for kink in penalty.kinks]

    def sides(self, theta: Array) -> list[tuple[int, Array, bool]]:
        """On which side of its kinks everything lies, right after a call at ``theta``.

        Layer, truth values by unit and example, or by unit and input, and whether they are of weights.
        """
        ws, W = self.workspace(theta.dtype), self.network.parameters(theta).W
        layers = enumerate(self.network.activations, start=1)
        found = [(l, ws.Z[l].real > kink, False) for l, activation in layers for kink in activation.kinks]
        of_loss = self.network.head.loss.sides
        if of_loss is not None:
            found.append((len(self.network.layers), of_loss(ws.A[-1], self.Y), False))
        return found + [(l, W[l].real > kink, True) for kink in self._kinks_of_weights for l in range(1, len(W))]

    def changed(self, before: list[tuple[int, Array, bool]], after: list[tuple[int, Array, bool]]) -> list[Crossing]:
        """What in ``after`` is on another side of a kink than in ``before``, both from :meth:`sides`."""
        return [
            (l, int(unit), None if of_weights else int(column))
            for (l, one, of_weights), (_, other, _) in zip(before, after, strict=True)
            for unit, column in np.argwhere(one != other)
        ]

    def step_sizes(self, theta: Array, h: float) -> Array:
        """The step for each entry of θ, (P,): h for b, h / max(1, max |A_{l-1}[j, ·]|) for W_l[i, j].

        No step moves a Z_l by more than h, whatever the size of the features. For what a layer owns besides it is
        h / max(1, max |Z_l|).
        """
        self(theta)
        ws = self.workspace(theta.dtype)
        sizes = self.network.parameters(np.full(theta.size, h))
        for l in range(1, len(self.network.sizes)):
            sizes.W[l][...] = h / np.maximum(1, np.abs(ws.A[l - 1]).max(axis=1))
            sizes.own[l][...] = h / np.maximum(1, np.abs(ws.Z[l]).max())
        return sizes.theta

    def workspace(self, dtype: np.dtype[Any]) -> Workspace:
        """The workspace of one precision, filled with the batch; made at the first call."""
        if dtype not in self._workspaces:
            ws = self.network.workspace(
                self.X.shape[1], dtype, weighted=self.weights is not None, noisy=bool(self.noise)
            )
            ws.X[...] = self.X
            ws.Y[...] = self.Y
            noise = zip(ws.noise, self.noise, strict=True) if self.noise else ()
            for own, given in ((ws.weights, self.weights), *noise):
                if own is not None and given is not None:
                    own[...] = given
            self._workspaces[dtype] = ws
        return self._workspaces[dtype]


def complex_step(loss: Objective, theta: Array, places: Iterable[int], h: float = COMPLEX_STEP) -> Array:
    """∂L/∂θ_i for i in ``places``, (len(places),), each from one evaluation at θ + ih e_i.

    In double precision.
    """
    point = theta.astype(np.complex128)
    slopes = []
    for i in places:
        point[i] = complex(theta[i], h)
        slopes.append(loss(point).imag / h)
        point[i] = theta[i]
    return np.array(slopes)


def central(loss: Objective, theta: Array, places: Iterable[int], h: float | Array = CENTRAL_STEP) -> Array:
    """∂L/∂θ_i for i in ``places``, (len(places),), each from two evaluations at θ ± h e_i.

    ``h`` is one number or (P,). NaN where θ_i is so large that adding h does not change it.
    """
    point = theta.astype(np.float64)
    steps = np.broadcast_to(h, point.shape)
    slopes = []
    for i in places:
        here = point[i]
        above, below = here + steps[i], here - steps[i]
        point[i] = above
        high = loss(point).real
        point[i] = below
        low = loss(point).real
        slopes.append((high - low) / (above - below) if above > below else np.nan)
        point[i] = here
    return np.array(slopes)


def crossings(probe: Probe, theta: Array, i: int, h: float = CENTRAL_STEP) -> list[Crossing]:
    """The units that change sides of a kink between θ_i − h and θ_i + h.

    L then has no derivative somewhere in between, so a central difference is not comparable.
    """
    if not probe.kinked:
        return []
    point = theta.astype(np.float64)
    point[i] = theta[i] - h
    probe(point)
    below = probe.sides(point)
    point[i] = theta[i] + h
    probe(point)
    return probe.changed(below, probe.sides(point))


def rounding(probe: Probe, theta: Array, rng: np.random.Generator, last_bit: float | None = None) -> Array:
    """A bound on the error that rounding in θ's precision may cause in each ∂L/∂θ_i, (P,).

    ``last_bit``, the relative distance between neighbouring numbers, stands for a coarser precision than θ's.

    Where terms cancel, as in a(1 − a), 1 − a² and da − ⟨da, a⟩ of saturated units
    and in A − Y after training, few digits of backward are correct. So backward runs
    several times with every entry of θ, Z and A moved by its last bit, up or down at
    random; how far that moves the gradient shows the effect of rounding.

    A mistake in a formula moves no more than a right one does, so the bound does not excuse it.
    A backward that gives two results at the same θ is a defect: its bound is 0.
    """
    network, ws = probe.network, probe.workspace(theta.dtype)
    gradient = network.parameters(np.full_like(theta, np.nan))
    last_bit = float(np.finfo(theta.dtype).eps) if last_bit is None else last_bit

    def backward(by: float) -> Array:
        parameters = network.parameters(_nudged(theta, by, rng))
        network.forward(parameters, ws)
        for array in (*ws.Z[1:], *ws.A[1:], *(one.kept for one in ws.scratch if one.kept is not None)):
            array[...] = _nudged(array, by, rng)
        probe.backward(parameters, gradient, ws)
        return gradient.theta.astype(np.float64)

    with np.errstate(all="ignore"):
        first, second = backward(0), backward(0)
        if not np.array_equal(first, second, equal_nan=True):
            return np.zeros(theta.size)
        moves = [np.abs(backward(last_bit) - first) for _ in range(NUDGES)]
        return np.asarray(ROUNDINGS * np.max(moves, axis=0))


def loss_rounding(probe: Probe, theta: Array, rng: np.random.Generator) -> float:
    """A bound on the error of rounding in L itself, measured in the same way."""
    last_bit, here = float(np.finfo(theta.dtype).eps), probe(theta).real
    with np.errstate(all="ignore"):
        return ROUNDINGS * max(abs(probe(_nudged(theta, last_bit, rng)).real - here) for _ in range(NUDGES))


def _nudged(array: Array, by: float, rng: np.random.Generator) -> Array:
    """Every entry moved up or down, at random, by the share ``by`` of itself."""
    return np.asarray(array * (1 + by * rng.choice((-1.0, 1.0), array.shape)), array.dtype)

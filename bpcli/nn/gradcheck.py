"""Is backward the derivative of forward? Two independent ways to ask.

``complex_step``: Im f(θ + ih)/h with h = 1e-30 (Squire & Trapp 1998). There is
no subtraction, hence no cancellation, and the error of the truncation, O(h²),
lies far below the last bit: exact to rounding.

``central``: (f(θ + h) − f(θ − h)) / 2h, the cross-check that trusts nothing
but real arithmetic. Truncation shrinks with h², round-off grows with 1/h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace

COMPLEX_STEP = 1e-30
"""h² = 1e-60 lies far below the last bit of any f, so truncation vanishes."""

CENTRAL_STEP = 1e-5
"""About ε^(1/3) for float64, where truncation h² and round-off ε/h balance."""

ROUNDINGS = 10
"""So many times the last bit of the outputs is let pass, as they are themselves sums of many terms."""

Objective = Callable[[Array], complex]
"""θ ↦ L, for real or complex θ."""

Side = tuple[int, int, int]
"""A unit at an example: layer, unit, column of the batch."""


class Probe:
    """L as a function of θ on fixed examples, and on which side of its kinks every unit then is.

    ``X`` (n_0, m) and ``Y``, as the loss wants it, are copied.
    """

    def __init__(self, network: Network, X: Array, Y: Array) -> None:
        self.network, self.X, self.Y = network, X.copy(), Y.copy()
        self._workspaces: dict[np.dtype[Any], Workspace] = {}

    def __call__(self, theta: Array) -> complex:
        """L(θ)."""
        ws = self._workspace(theta.dtype)
        with np.errstate(over="ignore", under="ignore"):
            self.network.forward(Parameters(self.network.sizes, theta), ws)
            return complex(self.network.total(ws)) * self.network.scale(ws.m)

    def sides(self, dtype: np.dtype[Any]) -> list[Array]:
        """For each kink of each layer, Z > kink at the last θ of this precision."""
        Z = self._workspace(dtype).Z
        layers = enumerate(self.network.activations, start=1)
        return [Z[l].real > kink for l, activation in layers for kink in activation.kinks]

    def changed(self, before: list[Array], after: list[Array]) -> list[Side]:
        """The units that are on another side of a kink in ``after`` than in ``before``."""
        layers = [l for l, activation in enumerate(self.network.activations, start=1) for _ in activation.kinks]
        return [
            (l, int(unit), int(column))
            for l, one, other in zip(layers, before, after, strict=True)
            for unit, column in np.argwhere(one != other)
        ]

    def outputs(self, dtype: np.dtype[Any]) -> tuple[Array, Array]:
        """Z_L and A_L at the last θ of this precision."""
        ws = self._workspace(dtype)
        return ws.Z[-1], ws.A[-1]

    def _workspace(self, dtype: np.dtype[Any]) -> Workspace:
        if dtype not in self._workspaces:
            ws = self.network.workspace(self.X.shape[1], dtype)
            ws.X[...] = self.X
            ws.Y[...] = self.Y
            self._workspaces[dtype] = ws
        return self._workspaces[dtype]


def objective(network: Network, X: Array, Y: Array) -> Probe:
    """L as a function of θ on fixed examples: X (n_0, m), Y as the loss wants it."""
    return Probe(network, X, Y)


def analytic(network: Network, theta: Array, X: Array, Y: Array) -> Array:
    """∂L/∂θ by backward, (P,)."""
    ws = network.workspace(X.shape[1], theta.dtype)
    ws.X[...] = X
    ws.Y[...] = Y
    gradient = np.empty_like(theta)
    with np.errstate(over="ignore", under="ignore"):
        parameters = Parameters(network.sizes, theta)
        network.forward(parameters, ws)
        network.backward(parameters, Parameters(network.sizes, gradient), ws)
    return gradient


def complex_step(loss: Objective, theta: Array, places: Iterable[int], h: float = COMPLEX_STEP) -> Array:
    """∂L/∂θ_i for i in ``places``, each from one evaluation at θ + ih e_i."""
    point = theta.astype(np.complex128)
    slopes = []
    for i in places:
        point[i] = complex(theta[i], h)
        slopes.append(loss(point).imag / h)
        point[i] = theta[i]
    return np.array(slopes)


def central(loss: Objective, theta: Array, places: Iterable[int], h: float = CENTRAL_STEP) -> Array:
    """∂L/∂θ_i for i in ``places``, each from two evaluations at θ ± h e_i."""
    point = theta.astype(np.float64)
    slopes = []
    for i in places:
        here = point[i]
        above, below = here + h, here - h
        point[i] = above
        high = loss(point).real
        point[i] = below
        slopes.append((high - loss(point).real) / (above - below))
        point[i] = here
    return np.array(slopes)


def crossings(probe: Probe, theta: Array, i: int, h: float = CENTRAL_STEP) -> list[Side]:
    """The units that change sides of a kink while θ_i goes from θ_i − h to θ_i + h.

    There L has no derivative in between, and a central difference says nothing.
    """
    if not any(activation.kinks for activation in probe.network.activations):
        return []
    point = theta.astype(np.float64)
    point[i] = theta[i] - h
    probe(point)
    below = probe.sides(point.dtype)
    point[i] = theta[i] + h
    probe(point)
    return probe.changed(below, probe.sides(point.dtype))


def rounding(probe: Probe, theta: Array, i: int, h: float = COMPLEX_STEP) -> float:
    """How far rounding of the outputs alone may turn ∂L/∂θ_i: 10 ε · scale · Σ (|A_L| + |Y|) |∂Z_L/∂θ_i|.

    dZ_L is in essence (A − Y) · scale. Where A nearly equals Y, as it does after
    training, hardly a digit of the difference is right; what ∂Z_L/∂θ_i makes of
    the error is no fault of backward's.
    """
    point = theta.astype(np.complex128)
    point[i] = complex(theta[i], h)
    probe(point)
    Z, A = probe.outputs(point.dtype)
    wanted = 1.0 if probe.Y.ndim == 1 else np.abs(probe.Y)
    summed = float(np.sum((np.abs(A.real) + wanted) * np.abs(Z.imag / h)))
    return ROUNDINGS * float(np.finfo(np.float64).eps) * probe.network.scale(A.shape[1]) * summed

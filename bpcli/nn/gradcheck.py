"""Is backward the derivative of forward? Two independent ways to ask.

``complex_step``: Im f(θ + ih)/h with h = 1e-30 (Squire & Trapp 1998). There is
no subtraction, hence no cancellation, and the error of the truncation, O(h²),
lies far below the last bit: exact to rounding.

``central``: (f(θ + h) − f(θ − h)) / 2h, the cross-check that trusts nothing
but real arithmetic. Truncation shrinks with h², round-off grows with 1/h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters

COMPLEX_STEP = 1e-30
"""h² = 1e-60 lies far below the last bit of any f, so truncation vanishes."""

CENTRAL_STEP = 1e-5
"""About ε^(1/3) for float64, where truncation h² and round-off ε/h balance."""

Objective = Callable[[Array], complex]
"""θ ↦ L, for real or complex θ."""


def objective(network: Network, X: Array, Y: Array) -> Objective:
    """L as a function of θ on fixed examples: X (n_0, m), Y as the loss wants it."""
    workspaces = {}

    def loss(theta: Array) -> complex:
        if theta.dtype not in workspaces:
            ws = network.workspace(X.shape[1], theta.dtype)
            ws.X[...] = X
            ws.Y[...] = Y
            workspaces[theta.dtype] = ws
        ws = workspaces[theta.dtype]
        with np.errstate(over="ignore", under="ignore"):
            network.forward(Parameters(network.sizes, theta), ws)
            return complex(network.total(ws)) * network.scale(ws.m)

    return loss


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

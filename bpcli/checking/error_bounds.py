"""How far rounding, underflow and overflow can put a right gradient from the certified one.

Three effects are added up. Rounding of θ, Z and A is measured, by moving last bits
(:func:`~bpcli.nn.gradient_check.rounding`). Rounding in the sums of backward, which moves
where those are 0 as well, is bounded by the sizes of the terms (Higham 2002, chapter 3),
layer by layer. And a number below the precision's range may be taken for 0 on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.reference import Reference
from bpcli.nn import Array
from bpcli.nn.gradient_check import Probe, rounding
from bpcli.nn.losses import scale
from bpcli.nn.parameters import Parameters
from bpcli.streams import stream

PER_SUM = 4
"""Roundings allowed for a sum of terms besides one for each example."""


def error_bounds(
    probe: Probe, theta: Array, reference: Reference, last_bit: float, least: float, *, others: bool = False
) -> Array:
    """How far each entry of a right gradient may be off, (P,).

    ``last_bit`` is the relative distance between neighbouring numbers of the precision, ``least`` its smallest normal
    number. The gradient of ``others`` may have lost 1 − a and A − Y, which bp computes from Z.
    """
    with np.errstate(all="ignore"):
        moves = rounding(probe, theta, stream(0, "gradient check"), last_bit)
        found = np.where(np.isfinite(moves), moves, 0.0)  # what blows up is no rounding
        found += _of_sums(probe, reference, last_bit, others=others) + least * _of_underflow(probe, reference)
        return np.nan_to_num(found, nan=np.inf)


def largest_number(probe: Probe, reference: Reference) -> float:
    """The largest number, or sum of sizes of terms, on the way to the gradient."""
    with np.errstate(all="ignore"):
        sizes = [float(np.abs(np.asarray(reference.gradient, np.float64)).max(initial=0.0))]
        for W, b, A, dZ in _layers(probe, reference):
            sizes += [(W @ A + b).max(), (dZ @ A.T).max(), (W.T @ dZ).max()]
        return float(np.max(np.nan_to_num(sizes, nan=np.inf)))


def _layers(probe: Probe, reference: Reference) -> Iterator[tuple[Array, Array, Array, Array]]:
    """The sizes of W, b, the inputs and dZ of each layer, the last first."""
    parameters = probe.network.parameters(reference.theta)
    for l in range(len(probe.network.layers), 0, -1):
        yield np.abs(parameters.W[l]), np.abs(parameters.b[l]), reference.A[l - 1], reference.dZ[l - 1]


def _of_sums(probe: Probe, reference: Reference, last_bit: float, *, others: bool) -> Array:
    """What the rounding of sums comes to in each entry."""
    network, found = probe.network, probe.network.parameters(np.zeros(reference.theta.size))
    probe(reference.theta)
    parameters, error = network.parameters(reference.theta), np.zeros_like(reference.dZ[-1])
    of_dA = PER_SUM * last_bit * reference.dA[-1]
    if others:
        targets = np.abs(probe.Y) if probe.Y.ndim == 2 else 1.0
        weights = 1.0 if probe.weights is None else probe.weights
        size = np.maximum(1.0, targets) + np.abs(probe.workspace(np.dtype(np.float64)).Z[-1])  # of a, y and log a
        lost = scale(network.head.loss, network.sizes[-1], probe.weight) * weights * size
        error = error + PER_SUM * last_bit * lost
        of_dA = of_dA + PER_SUM * last_bit * lost
    for l, (W, _, A, dZ) in zip(range(len(network.layers), 0, -1), _layers(probe, reference), strict=True):
        error = error + PER_SUM * last_bit * dZ
        of_terms = error + A.shape[1] * last_bit * dZ
        found.W[l][...], found.b[l][...] = of_terms @ A.T, of_terms.sum(axis=1, keepdims=True)
        found.own[l][...] = _of_own(reference, l, of_dA, last_bit)
        if l > 1:
            of_dA = W.T @ error + (len(dZ) + PER_SUM * others) * last_bit * (W.T @ dZ)
            error = _through(probe, parameters, l - 1, of_dA) + (PER_SUM * last_bit * (W.T @ dZ) if others else 0)
    return found.theta


def _of_own(reference: Reference, l: int, of_dA: Array, last_bit: float) -> Array:
    """The same of what the layer's activation owns, (k,), where dA is off by ``of_dA``."""
    terms, dA = reference.own[l - 1], reference.dA[l - 1]
    relative = np.divide(of_dA, dA, out=np.zeros_like(dA), where=dA > 0) + (PER_SUM + dA.size) * last_bit
    return np.asarray((terms * relative).sum(axis=(1, 2)))


def _through(probe: Probe, parameters: Parameters, l: int, error: Array) -> Array:
    """What an error of dA, not negative, comes to in dZ of a layer."""
    layer, ws = probe.network.layers[l - 1], probe.workspace(np.dtype(np.float64))
    if not layer.activation.elementwise:
        drawn, kept = ws.noise[l], ws.scratch[l].kept
        f, of_f = (ws.A[l], error) if drawn is None or kept is None else (kept, error * drawn)
        return np.asarray(f * (of_f + (f * of_f).sum(axis=0)))
    out, own = np.empty_like(error), parameters.own[l]
    given = error.copy(), ws.Z[l], ws.A[l], own, ws.noise[l]
    layer.backward(*given, out, np.empty_like(own), ws.scratch[l])
    return np.abs(out)


def _of_underflow(probe: Probe, reference: Reference) -> Array:
    """What a number that underflows may come to in each entry, as a multiple of that number."""
    found, reach = probe.network.parameters(np.zeros(reference.theta.size)), 1.0
    for l, (W, _, A, _) in zip(range(len(reference.dZ), 0, -1), _layers(probe, reference), strict=True):
        found.W[l][...], found.b[l][...] = reach * (1 + A.sum(axis=1)), reach * (1 + A.shape[1])
        found.own[l][...] = reach * (1 + reference.own[l - 1].sum())
        reach *= max(1.0, float(W.sum(axis=0).max())) + 1
    return found.theta

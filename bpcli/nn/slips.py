"""What mistake makes this gradient? Known slips, each computed, and held against somebody's arrays.

Going down from the output, the first layer whose dW or db is wrong is looked at:
its dZ is computed once more with each slip in turn, all layers above it being
right. The slip that reproduces the arrays, perhaps times a constant, is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpcli.nn import Array
from bpcli.nn.heads import Composed, join
from bpcli.nn.losses import LOSSES, Loss
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace

TOLERANCE = {"f8": 1e-9, "f4": 1e-4, "f2": 1e-2}
"""How far apart the same numbers may lie in each precision, of the layer's largest."""


@dataclass(frozen=True)
class Verdict:
    """The first wrong layer counted from the output, 0 if none is; which of its arrays, and the slip that fits."""

    layer: int
    wrong: tuple[str, ...] = ()
    slip: str = ""


def judge(network: Network, parameters: Parameters, ws: Workspace, given: dict[str, Array]) -> Verdict:
    """Judge ``given``, arrays dW1, db1, …, on the examples in ``ws``; all real arrays in float64.

    ``given`` may hold db as (n,), (n, 1) or (1, n), and dW transposed; other shapes are wrong as such.
    """
    right = Parameters(network.sizes, np.empty_like(parameters.theta))
    with np.errstate(all="ignore"):
        network.forward(parameters, ws)
        network.backward(parameters, right, ws)
    for layer in range(len(network.sizes) - 1, 0, -1):
        dW, db = given[f"dW{layer}"], given[f"db{layer}"]
        wrong = [
            name
            for name, array, truth in (("dW", dW, right.W[layer]), ("db", db, right.b[layer]))
            if not _same(array, truth)
        ]
        if wrong:
            names = tuple(f"{name}{layer}" for name in wrong)
            with np.errstate(all="ignore"):
                return Verdict(layer, names, _slip(network, parameters, ws, right, layer, dW, db))
    return Verdict(0)


def _tolerance(array: Array) -> float:
    return TOLERANCE.get(array.dtype.str[1:], TOLERANCE["f8"])


def _same(array: Array, truth: Array) -> bool:
    """Whether two arrays agree, a column standing for a vector."""
    if array.shape != truth.shape and not (truth.shape[1] == 1 and array.shape == truth.shape[:1]):
        return False
    largest = np.abs(truth).max()
    return bool(
        np.abs(array.reshape(truth.shape) - truth).max() <= _tolerance(array) * max(largest, np.finfo(float).tiny)
    )


def _factor(array: Array, truth: Array) -> float | None:
    """c where ``array`` is c times ``truth``, None where it is no multiple."""
    if array.size != truth.size or array.shape not in (truth.shape, truth.shape[:1] if truth.shape[1] == 1 else None):
        return None
    array = array.reshape(truth.shape)
    norm = float(np.sum(truth * truth))
    if norm == 0:
        return None
    c = float(np.sum(array * truth)) / norm
    return c if c != 0 and _same(array, c * truth) else None


def _slip(
    network: Network, parameters: Parameters, ws: Workspace, right: Parameters, layer: int, dW: Array, db: Array
) -> str:
    """The words for the slip that gives these arrays, or for none."""
    A = ws.A[layer - 1]
    true_dW, true_db = right.W[layer], right.b[layer]
    if dW.ndim == 2 and dW.shape != true_dW.shape and _factor(dW.T, true_dW) is not None:
        return "dW is transposed" + _times(_factor(dW.T, true_dW), network, ws)
    factors = [_factor(dW, true_dW), _factor(db, true_db)]
    if factors[0] is not None and factors[1] is not None and np.isclose(factors[0], factors[1], rtol=1e-3):
        return "right" + _times(factors[0], network, ws)
    if _same(dW, true_dW):
        return _bias_slip(ws.dZ[layer], db, network, ws)
    if dW.shape == true_dW.T.shape and _same(dW.T, true_dW):
        return "dW is transposed"
    for words, dZ in _wrong_dZ(network, parameters, ws, layer):
        c = _factor(dW, dZ @ A.T)
        if c is not None:
            return words + _times(c, network, ws)
    if layer > 1:
        c = _factor(dW, ws.dZ[layer] @ ws.Z[layer - 1].T)
        if c is not None:
            return "dW takes the layer below before its activation, Z, for A" + _times(c, network, ws)
    if factors[0] is not None:
        return "dW is right" + _times(factors[0], network, ws) + ", db is not"
    return "none of the known slips gives these numbers"


def _times(c: float | None, network: Network, ws: Workspace) -> str:
    """What a constant factor means."""
    if c is None or np.isclose(c, 1, rtol=1e-3):
        return ""
    m, n = ws.m, network.sizes[-1]
    known = {
        -1.0: "with the sign of the gradient turned",
        float(m): "without the division by the m examples (1/m)",
        1.0 / m: "divided by the m examples once too often",
        float(n): "without the division by the outputs (1/n_L)",
        1.0 / n: "divided by the n_L outputs once too often",
        float(m * n): "without the divisions by examples and outputs (1/m, 1/n_L)",
        2.0: "with the ½ of the loss left out",
        0.5: "with a ½ too many",
    }
    for value, words in known.items():
        if np.isclose(c, value, rtol=1e-3):
            return f", but {words}: {c:.6g} times what it should be"
        if np.isclose(c, -value, rtol=1e-3) and value != 1:
            return f", but {words} and the sign turned: {c:.6g} times what it should be"
    return f", but scaled by a constant: {c:.6g} times what it should be"


def _bias_slip(dZ: Array, db: Array, network: Network, ws: Workspace) -> str:
    truth = dZ @ ws.ones
    c = _factor(db, truth)
    if c is not None:
        return "db is right" + _times(c, network, ws)
    over_units = dZ.sum(axis=0)
    if db.size == over_units.size and _factor(db.reshape(-1, 1), over_units[:, None]) is not None:
        return "db is summed over the units, the wrong axis, instead of the examples"
    if db.size == 1 and dZ.shape[0] != 1 and np.isclose(db.reshape(()), dZ.sum(), rtol=1e-3):
        return "db is summed over both axes"
    for example in range(ws.m):
        if _factor(db, dZ[:, example : example + 1]) is not None:
            return f"db is of one example, number {example}, instead of the sum over all"
    return "db fits none of the known slips"


def _wrong_dZ(network: Network, parameters: Parameters, ws: Workspace, layer: int) -> Iterator[tuple[str, Array]]:
    """dZ of ``layer`` with one slip each, the layers above being right."""
    last = len(network.sizes) - 1
    activation, Z, A = network.activations[layer - 1], ws.Z[layer], ws.A[layer]
    dA = _dA(network, parameters, ws, layer)
    yield "the activation's derivative is missing", dA
    again, dZ = np.empty_like(A), np.empty_like(A)
    activation.forward(A, again, ws.scratch[layer])
    activation.backward(dA.copy(), A, again, dZ, ws.scratch[layer])
    yield "the activation's derivative is taken at A, where it needs Z", dZ.copy()
    activation.backward(dA.copy(), Z, Z, dZ, ws.scratch[layer])
    yield "the activation's derivative is computed from Z by the formula that needs A", dZ.copy()
    if layer == last:
        yield from _wrong_losses(network, ws)
    else:
        W = parameters.W[layer + 1]
        if W.shape[0] == W.shape[1]:
            activation.backward(W @ ws.dZ[layer + 1], Z, A, dZ, ws.scratch[layer])
            yield "W of the layer above is not transposed", dZ.copy()
        activation.backward(W.T @ np.ones_like(ws.dZ[layer + 1]), Z, A, dZ, ws.scratch[layer])
        yield "the error of the layer above is left out", dZ.copy()


def _dA(network: Network, parameters: Parameters, ws: Workspace, layer: int) -> Array:
    if layer < len(network.sizes) - 1:
        below: Array = parameters.W[layer + 1].T @ ws.dZ[layer + 1]
        return below
    dA = np.empty_like(ws.A[layer])
    network.head.loss.backward(ws.A[layer], ws.Y, network.scale(ws.m), dA, ws.output)
    return dA


def _wrong_losses(network: Network, ws: Workspace) -> Iterator[tuple[str, Array]]:
    """dZ_L of every other loss that takes these targets, and of the shortcut A − Y."""
    A, Z = ws.A[-1], ws.Z[-1]
    dense = np.eye(A.shape[0])[:, ws.Y] if ws.Y.ndim == 1 else ws.Y
    scale = network.scale(ws.m)
    own = type(network.head.loss)
    if isinstance(network.head, Composed):
        yield "the shortcut A − Y is used, which belongs to another pair of output and loss", (A - dense) * scale
    for name, kind in LOSSES.items():
        if kind is own:
            continue
        loss: Loss = kind()
        Y = np.argmax(dense, axis=0) if loss.class_indices else dense
        dZ = np.empty_like(A)
        join(network.head.activation, loss).backward(Z, A, Y, scale, np.empty_like(A), dZ, ws.output)
        yield f"it is the gradient of another loss, {name}", dZ

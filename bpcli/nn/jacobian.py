"""The Jacobian of the outputs by the parameters, example by example: a backward pass for each output."""

from __future__ import annotations

import numpy as np

from bpcli.nn import Array
from bpcli.nn.layers import Layer
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Scratch, Workspace, layer_scratch


def output_jacobian(network: Network, parameters: Parameters, ws: Workspace, k: int, out: Array) -> None:
    """Write ∂a_k/∂θ of each example into ``out``, (m, P), after :meth:`Network.forward` without noise.

    The backward pass from dA_L = 1 for output k and 0 for the others. Where :meth:`Network.backward` adds up
    dW_l = Σ_j dz_j a_jᵀ over the examples, each keeps its own row here.
    """
    W, own, Z, A, dZ, dA = parameters.W, parameters.own, ws.Z, ws.A, ws.dZ, ws.dA
    places = network.parameters(np.arange(out.shape[1]))
    last = len(network.layers)
    dA[last].fill(0)
    dA[last][k] = 1
    for l in range(last, 0, -1):
        d_own = _columns(out, places.own[l])
        _backward(network.layers[l - 1], dA[l], Z[l], A[l], own[l], dZ[l], d_own, ws.scratch[l])
        dz, a, (n, fan_in) = dZ[l].T, A[l - 1].T, W[l].shape
        np.multiply(dz[:, :, None], a[:, None, :], _columns(out, places.W[l]).reshape(ws.m, n, fan_in))
        np.copyto(_columns(out, places.b[l]), dz)
        if l > 1:
            W[l].T.dot(dZ[l], dA[l - 1])


def _columns(out: Array, places: Array) -> Array:
    """The columns of ``out`` for parameters that lie in a row in θ."""
    first = int(places.flat[0]) if places.size else 0
    return out[:, first : first + places.size]


def _backward(
    layer: Layer, dA: Array, Z: Array, A: Array, own: Array, dZ: Array, d_own: Array, scratch: Scratch
) -> None:
    """dZ, (n, m), and ∂/∂own of each example, (m, k); a layer sums the latter, so each example is alone where k > 0."""
    if not own.size:
        layer.backward(dA, Z, A, own, None, dZ, own, scratch)
        return
    n, m = Z.shape
    one = layer_scratch(n, 1, Z.dtype)
    dz, d_one = np.empty((n, 1), Z.dtype), np.empty_like(own)
    for j in range(m):
        da, z, a = (array[:, j : j + 1].copy() for array in (dA, Z, A))
        layer.backward(da, z, a, own, None, dz, d_one, one)
        dZ[:, j : j + 1] = dz
        d_own[j] = d_one

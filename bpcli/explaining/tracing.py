"""What the engine computes on a few examples: every array of one update, in float64.

Forward, backward and the update rule run as they do in training. Backward leaves
dA in memory that the layers share, so dA is computed again by the same product,
W_lᵀ dZ_l, and at the output by the loss's backward. An example's weight is a
factor of its column of dA and dZ.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.explaining.trace import Mode, Trace
from bpcli.nn import Array, optimizers
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OptimizerState
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.nn.parameters import Parameters
from bpcli.nn.transformations import early, finish, transform
from bpcli.nn.workspace import Workspace
from bpcli.training.recipe import Recipe
from bpcli.training.whole_loss import WholeLoss


def trace(
    recipe: Recipe,
    state: OptimizerState,
    theta: Array,
    X: Array,
    Y: Array,
    mode: Mode,
    rate: float | None = None,
    weights: Array | None = None,
) -> Trace:
    """Trace one update on the examples X (n_0, m) and Y; ``theta`` and ``state`` are updated.

    ``rate`` is η, by default the rule's own; ``weights`` are those of the examples, (m,). Nothing is drawn: no unit
    is dropped, the inputs are as given.
    """
    network, optimizer = recipe.network, recipe.optimizer
    rate = optimizer.learning_rate if rate is None else rate
    ws = _filled(network, theta.dtype, X, Y, weights)
    before, gradient = _copy(network, theta), _copy(network, theta)
    memory_before = {name: array.copy() for name, array in state.memory.items()}
    with np.errstate(all="ignore"):
        loss = _evaluate(network, before, gradient, ws)
        terms = network.weighted_terms(ws.Z[-1], ws.A[-1], ws.Y, None, ws.output).copy()
        dA = _output_first(network, before, ws)
        slopes = [_slope(network, before, ws, l) for l in range(len(network.sizes))]
        jacobians = [_jacobian(network, before, ws, l) for l in range(len(network.sizes))]
        Z, A, dZ = ([array.copy() for array in arrays] for arrays in (ws.Z, ws.A, ws.dZ))
        point, updated = update(recipe, state, theta, ws, rate)
        at_point, linked = _chained(recipe, point, ws)
        after, whole = _copy(network, theta), _copy(network, gradient.theta)
        added = _penalise(recipe, before, whole, ws)
        predicted = float(np.dot(whole.theta, theta - before.theta))
        scratch = _copy(network, theta)
        loss_after, added_after = _evaluate(network, after, scratch, ws), _penalise(recipe, after, scratch, ws)
    return Trace(
        network=network,
        optimizer=optimizer,
        before=before,
        updated=updated,
        after=after,
        gradient=gradient,
        point=point,
        at_point=at_point,
        links=recipe.chain,
        linked=linked,
        added=added,
        added_after=added_after,
        loss_after=loss_after,
        predicted=predicted,
        memory_before=memory_before,
        memory_after={name: array.copy() for name, array in state.memory.items()},
        number=state.step,
        learning_rate=rate,
        Y=ws.Y.copy(),
        weights=None if weights is None else np.array(weights, np.float64),
        Z=Z,
        A=A,
        dZ=dZ,
        dA=dA,
        slopes=slopes,
        jacobians=jacobians,
        terms=terms,
        loss=loss,
        mode=mode,
    )


def update(
    recipe: Recipe, state: OptimizerState, theta: Array, ws: Workspace, rate: float
) -> tuple[Parameters, Parameters]:
    """One step of the rule on the examples in ``ws``, or one iteration, which may look at several θ.

    Returns the θ at which the rule took its gradient, and the one that it left, before a layer's constraint.
    """
    network, chain = recipe.network, recipe.chain
    points = [_copy(network, theta)]
    if isinstance(recipe.optimizer, SecondOrder):
        _iterate(recipe, recipe.optimizer, state, theta, ws)
        return points[0], _copy(network, theta)

    def gradient(at: Array, out: Array, factor: float) -> Any:
        parameters, gradients = network.parameters(at), network.parameters(out)
        points.append(_copy(network, at))
        _evaluate(network, parameters, gradients, ws, early(chain, factor))
        return finish(chain, parameters, gradients, _copy(network, at), _weight(ws), factor)

    optimizers.update(recipe.optimizer, theta, state, gradient, rate)
    updated = _copy(network, theta)
    network.constrain(network.parameters(theta), _copy(network, theta))
    return points[-1], updated


def _iterate(recipe: Recipe, rule: SecondOrder, state: OptimizerState, theta: Array, ws: Workspace) -> None:
    """One iteration of a rule of second order, as if these examples were all."""
    targets = ClassIndices(ws.Y) if ws.Y.ndim == 1 else Columns(ws.Y)
    examples = Examples(Rows(np.ascontiguousarray(ws.X.T)), targets, weights=ws.weights)
    objective = WholeLoss(recipe, examples, theta)
    state.step += 1
    rule.iterate(theta, state, objective, objective.loss(theta))


def _filled(network: Network, dtype: DTypeLike, X: Array, Y: Array, weights: Array | None) -> Workspace:
    ws = network.workspace(X.shape[1], dtype, weighted=weights is not None)
    ws.X[...] = X
    ws.Y[...] = Y
    if ws.weights is not None and weights is not None:
        ws.weights[...] = weights
    return ws


def _weight(ws: Workspace) -> Any:
    """The weight of the batch: m, or Σ of its examples' weights."""
    return ws.m if ws.weights is None else np.add.reduce(ws.weights)


def _chained(recipe: Recipe, point: Parameters, ws: Workspace) -> tuple[Parameters, tuple[Parameters, ...]]:
    """∂L/∂θ at a point, and after each link of the chain."""
    network = recipe.network
    first = _copy(network, point.theta)
    _evaluate(network, point, first, ws)
    linked, last = [], first
    for link in recipe.chain:
        last = _copy(network, last.theta)
        link.apply(point, last, _copy(network, last.theta), _weight(ws))
        linked.append(last)
    return first, tuple(linked)


def _penalise(recipe: Recipe, parameters: Parameters, gradient: Parameters, ws: Workspace) -> float:
    """Add the penalties' derivatives to ``gradient``; return what they add to the loss."""
    scratch = _copy(recipe.network, gradient.theta)
    return float(transform(recipe.penalties, parameters, gradient, scratch, _weight(ws)))


def _copy(network: Network, theta: Array) -> Parameters:
    return network.parameters(theta.copy())


def _evaluate(
    network: Network, parameters: Parameters, gradient: Parameters, ws: Workspace, factor: float = 1.0
) -> float:
    scale = float(network.scale(_weight(ws)))
    network.forward(parameters, ws)
    loss = float(np.add.reduce(network.terms(ws))) * scale
    network.backward(parameters, gradient, ws, factor * scale)
    return loss


def _output_first(network: Network, parameters: Parameters, ws: Workspace) -> list[Array]:
    """dA_1 … dA_L, each in an array of its own."""
    last = len(network.sizes) - 1
    dA = [np.empty_like(Z) for Z in ws.Z]
    network.head.loss.backward(ws.A[last], ws.Y, float(network.scale(_weight(ws))), dA[last], ws.output)
    if ws.weights is not None:
        np.multiply(dA[last], ws.weights, dA[last])
    for l in range(last, 1, -1):
        np.dot(parameters.W[l].T, ws.dZ[l], out=dA[l - 1])
    return dA


def _slope(network: Network, parameters: Parameters, ws: Workspace, l: int) -> Array | None:
    """f′(Z_l), None where units act on one another."""
    if l == 0 or not network.activations[l - 1].elementwise:
        return None
    return _pulled_back(network, parameters, ws, l, np.ones_like(ws.Z[l]))


def _jacobian(network: Network, parameters: Parameters, ws: Workspace, l: int) -> Array | None:
    """∂a_k/∂z_j of each example, (m, n, n), where units act on one another: Jᵀ of a unit vector is a row of J."""
    if l == 0 or network.activations[l - 1].elementwise:
        return None
    n, m = ws.Z[l].shape
    rows = [_pulled_back(network, parameters, ws, l, np.repeat(one[:, None], m, axis=1)) for one in np.eye(n)]
    return np.stack(rows).transpose(2, 0, 1)


def _pulled_back(network: Network, parameters: Parameters, ws: Workspace, l: int, dA: Array) -> Array:
    """Jᵀ dA of layer l."""
    found, own = np.empty_like(ws.Z[l]), parameters.own[l]
    activation = network.activations[l - 1]
    activation.backward(dA, ws.Z[l], ws.A[l], own, found, np.empty_like(own), ws.scratch[l])
    return found

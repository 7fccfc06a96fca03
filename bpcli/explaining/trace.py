"""What the engine computes on a few examples: every array of one update, in float64.

Forward, backward and the update rule run as they do in training. Backward leaves
dA in memory that the layers share, so dA is computed again by the same product,
W_lᵀ dZ_l, and at the output by the loss's backward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from bpcli.choices import name_of
from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.nn import Array, optimizers
from bpcli.nn.clipping import CLIPPINGS
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer, OptimizerState
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.nn.parameters import Parameters
from bpcli.nn.penalties import PENALTIES
from bpcli.nn.transformations import early, finish, transform
from bpcli.nn.workspace import Workspace
from bpcli.training.recipe import Recipe
from bpcli.training.whole_loss import WholeLoss

Mode = Literal["sgd", "mini_batch", "batch"]
"""The config's mode: each update takes one example, some, or all."""


@dataclass(frozen=True)
class Trace:
    """One update on m examples, in the notation of :mod:`bpcli.nn`; lists are by layer, the inputs at 0.

    ``slopes`` are f′(Z), None where a layer's activation is not elementwise.
    ``before`` and ``after`` are the parameters around the update, ``memory_before``
    and ``memory_after`` the rule's arrays by name; ``chain`` names the penalties and the
    clipping of the config, ``chained`` is the gradient after them, ``added`` what they add
    to the loss; ``terms`` are each example's terms of the loss, undivided; ``number`` counts the rule's
    updates from 1; ``learning_rate`` is that of this one. ``mode`` is the config's.
    """

    network: Network
    optimizer: Optimizer
    before: Parameters
    after: Parameters
    gradient: Parameters
    chain: tuple[str, ...]
    chained: Parameters
    added: float
    memory_before: dict[str, Array]
    memory_after: dict[str, Array]
    number: int
    learning_rate: float
    Y: Array
    Z: list[Array]
    A: list[Array]
    dZ: list[Array]  # noqa: N815 - the notation of the mathematics
    dA: list[Array]  # noqa: N815
    slopes: list[Array | None]
    terms: Array
    loss: float
    mode: Mode

    @property
    def m(self) -> int:
        """The number of examples."""
        return int(self.A[0].shape[1])

    @property
    def last(self) -> int:
        """L, the output layer."""
        return len(self.network.sizes) - 1

    @property
    def outputs(self) -> int:
        """n_L."""
        return self.network.sizes[-1]

    @property
    def targets(self) -> Array:
        """(n_L, m): one-hot columns where the loss takes class indices."""
        if not self.network.head.loss.targets.class_indices:
            return self.Y
        return np.eye(self.outputs)[:, self.Y]

    def slope(self, l: int) -> Array:
        """f′(Z_l), of an elementwise activation."""
        slope = self.slopes[l]
        assert slope is not None, "a document expresses elementwise activations here"
        return slope


def trace(
    recipe: Recipe, state: OptimizerState, theta: Array, X: Array, Y: Array, mode: Mode, rate: float | None = None
) -> Trace:
    """Trace one update on the examples X (n_0, m) and Y; ``theta`` and ``state`` are updated.

    ``rate`` is η, by default the rule's own. Nothing is drawn: no unit is dropped, the inputs are as given.
    """
    network, optimizer = recipe.network, recipe.optimizer
    rate = optimizer.learning_rate if rate is None else rate
    ws = _filled(network, theta.dtype, X, Y)
    before, gradient = _copy(network, theta), _copy(network, theta)
    memory_before = {name: array.copy() for name, array in state.memory.items()}
    with np.errstate(all="ignore"):
        loss = _evaluate(network, before, gradient, ws)
        terms = network.terms(ws).copy()
        dA, slopes = _output_first(network, before, ws)
        chained = _copy(network, gradient.theta)
        added = transform(recipe.chain, before, chained, _copy(network, theta), ws.m)
        Z, A, dZ = ([array.copy() for array in arrays] for arrays in (ws.Z, ws.A, ws.dZ))
        update(recipe, state, theta, ws, rate)
    return Trace(
        network=network,
        optimizer=optimizer,
        before=before,
        after=_copy(network, theta),
        gradient=gradient,
        chain=_names(recipe),
        chained=chained,
        added=float(added),
        memory_before=memory_before,
        memory_after={name: array.copy() for name, array in state.memory.items()},
        number=state.step,
        learning_rate=rate,
        Y=ws.Y.copy(),
        Z=Z,
        A=A,
        dZ=dZ,
        dA=dA,
        slopes=slopes,
        terms=terms,
        loss=loss,
        mode=mode,
    )


def update(recipe: Recipe, state: OptimizerState, theta: Array, ws: Workspace, rate: float) -> None:
    """One step of the rule on the examples in ``ws``, or one iteration; it may look at several θ."""
    network, chain = recipe.network, recipe.chain
    if isinstance(recipe.optimizer, SecondOrder):
        _iterate(recipe, recipe.optimizer, state, theta, ws)
        return

    def gradient(at: Array, out: Array, factor: float) -> Any:
        parameters, gradients = network.parameters(at), network.parameters(out)
        _evaluate(network, parameters, gradients, ws, early(chain, factor))
        return finish(chain, parameters, gradients, _copy(network, at), ws.m, factor)

    optimizers.update(recipe.optimizer, theta, state, gradient, rate)
    network.constrain(network.parameters(theta), _copy(network, theta))


def _iterate(recipe: Recipe, rule: SecondOrder, state: OptimizerState, theta: Array, ws: Workspace) -> None:
    """One iteration of a rule of second order, as if these examples were all."""
    targets = ClassIndices(ws.Y) if ws.Y.ndim == 1 else Columns(ws.Y)
    objective = WholeLoss(recipe, Examples(Rows(np.ascontiguousarray(ws.X.T)), targets), theta)
    state.step += 1
    rule.iterate(theta, state, objective, objective.loss(theta))


def _filled(network: Network, dtype: DTypeLike, X: Array, Y: Array) -> Workspace:
    ws = network.workspace(X.shape[1], dtype)
    ws.X[...] = X
    ws.Y[...] = Y
    return ws


def _names(recipe: Recipe) -> tuple[str, ...]:
    """The names of the recipe's penalties and of its clipping."""
    clip = () if recipe.clip is None else (name_of(CLIPPINGS, recipe.clip),)
    return (*(name_of(PENALTIES, penalty) for penalty in recipe.penalties), *clip)


def _copy(network: Network, theta: Array) -> Parameters:
    return network.parameters(theta.copy())


def _evaluate(
    network: Network, parameters: Parameters, gradient: Parameters, ws: Workspace, factor: float = 1.0
) -> float:
    scale = float(network.scale(ws.m))
    network.forward(parameters, ws)
    loss = float(np.add.reduce(network.terms(ws))) * scale
    network.backward(parameters, gradient, ws, factor * scale)
    return loss


def _output_first(network: Network, parameters: Parameters, ws: Workspace) -> tuple[list[Array], list[Array | None]]:
    """dA_1 … dA_L and f′(Z_1) … f′(Z_L), each in an array of its own."""
    last = len(network.sizes) - 1
    dA = [np.empty_like(Z) for Z in ws.Z]
    network.head.loss.backward(ws.A[last], ws.Y, network.scale(ws.m), dA[last], ws.output)
    for l in range(last, 1, -1):
        np.dot(parameters.W[l].T, ws.dZ[l], out=dA[l - 1])
    slopes: list[Array | None] = [None]
    for l, activation in enumerate(network.activations, start=1):
        slope = np.empty_like(ws.Z[l])
        own = parameters.own[l]
        given = np.ones_like(slope), ws.Z[l], ws.A[l], own
        activation.backward(*given, slope, np.empty_like(own), ws.scratch[l])
        slopes.append(slope if activation.elementwise else None)
    return dA, slopes

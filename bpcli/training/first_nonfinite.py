"""One update taken with checks on: which of its arrays is the first that is not finite.

The update is that of the NumPy engine, on the very examples and noise of the training. Its arrays are
looked at in the order in which they are computed: Z and A of each layer, the loss, dZ, dW and db of each layer from
the last, what penalties and clipping make of these, and the parameters after the update.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from bpcli.choices import name_of
from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.losses.forms import loss_statements
from bpcli.nn.network import Network
from bpcli.nn.optimizers import update
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.training.noise import Noise
from bpcli.training.recipe import Recipe
from bpcli.training.shards import Batch, Gradients
from bpcli.training.state import TrainingState

Kind = Literal["X", "Z", "A", "loss", "dZ", "gradient", "chain", "update"]
"""What is computed: the inputs, a layer's Z or A, the loss, a layer's dZ or gradient, the chain's work, the update."""

CHUNK = 1024
"""Examples looked at together where a rule looks at all of them."""


class Looked(NamedTuple):
    """An array as it was computed: of what kind, in which layer, in words, and its entries."""

    kind: Kind
    layer: int
    words: str
    array: Any


@dataclass(frozen=True)
class Spot:
    """The first array that is not finite, ``words`` for it, and how large what it is made from was.

    ``inputs``, ``targets`` and ``weights`` are the largest absolute values of the batch's X and Y, and of all W;
    ``rate`` is the learning rate of the update.
    """

    kind: Kind
    layer: int
    words: str
    rate: float
    inputs: float
    targets: float
    weights: float


class _FoundError(Exception):
    """Ends an update at the first array that is not finite."""

    def __init__(self, looked: Looked) -> None:
        super().__init__(looked.words)
        self.looked = looked


class CheckedUpdate:
    """The next update of a training from ``state``, on the examples ``indices``; it changes the state."""

    def __init__(self, recipe: Recipe, state: TrainingState, examples: Examples, indices: IndexArray) -> None:
        self.recipe, self.network, self.state, self.examples = recipe, recipe.network, state, examples
        self.indices = indices
        bare = replace(recipe, penalties=(), clip=None)
        self.bare = Gradients(bare, state.theta, np.zeros_like(state.theta), examples)
        self.whole = Gradients(recipe, state.theta, state.optimizer.dtheta, examples)
        self.noise = Noise(recipe, state.theta.dtype)
        course = recipe.course(examples.size, state.plateau.reductions)
        self.rate = float(recipe.rates(state.optimizer.step, 1, course)[0])

    def first_nonfinite(self) -> Spot | None:
        """The first array of the update that is not finite; None where all of them are."""
        facts = self._facts()
        with np.errstate(all="ignore"):
            try:
                self._take()
            except _FoundError as found:
                looked = found.looked
                return Spot(looked.kind, looked.layer, looked.words, self.rate, **facts)
        return None

    def _facts(self) -> dict[str, float]:
        batch = self._batch(self.bare, self.indices[:CHUNK])
        ws, W = batch.workspaces[0], self.network.parameters(self.state.theta).W[1:]
        return {"inputs": _largest([ws.X]), "targets": _largest([ws.Y]), "weights": _largest(W)}

    def _batch(self, gradients: Gradients, indices: IndexArray) -> Batch:
        batch = gradients.at(indices)
        if self.noise.exists:
            batch.draw(self.noise, self.state.optimizer.step)
        return batch

    def _take(self) -> None:
        """Take the update; raise at the first array that is not finite."""
        rule, state = self.recipe.optimizer, self.state
        if isinstance(rule, SecondOrder):
            for start in range(0, len(self.indices), CHUNK):
                self._look_at_batch(self.indices[start : start + CHUNK], state.theta)
            raise _FoundError(Looked("update", 0, "the iteration of the update rule", None))
        whole = self._batch(self.whole, self.indices)

        def gradient(theta: Array, out: Array, factor: Any) -> Any:
            self._look_at_batch(self.indices, theta)
            added = whole.gradient(theta, out, factor)
            _require_finite(self._after_chain(out, added))
            return added

        update(rule, state.theta, state.optimizer, gradient, self.rate)
        if self.network.constrained:
            self.network.constrain(self.whole.parameters, self.whole.gradient)
        parameters = self.network.parameters(state.theta)
        _require_finite(_by_layer(parameters, "update", "the update of {}"))

    def _look_at_batch(self, indices: IndexArray, theta: Array) -> None:
        """Forward and backward at θ, without penalties and clipping, every array looked at."""
        batch = self._batch(self.bare, indices)
        out = self.bare.gradient.theta
        batch.gradient(theta, out, 1.0)
        parameters = self.network.parameters(theta)
        _require_finite(_arrays_of_pass(self.network, parameters, self.bare.gradient, batch.workspaces[0]))

    def _after_chain(self, out: Array, added: Any) -> Iterator[Looked]:
        yield Looked("chain", 0, "what penalties add to the loss", added)
        words = "the gradient of {} after penalties and clipping" if self.recipe.chain else "η times the gradient of {}"
        yield from _by_layer(self.network.parameters(out), "chain", words)


def first_nonfinite_output(network: Network, state: TrainingState, examples: Examples) -> Spot | None:
    """The first array of a forward pass over examples that is not finite; None where all of them are."""
    parameters = network.parameters(state.theta)
    weights = {"weighted": examples.weights is not None, "metrics_weighted": examples.metric_weights is not None}
    for start in range(0, examples.size, CHUNK):
        indices = np.arange(start, min(start + CHUNK, examples.size))
        ws = network.workspace(len(indices), state.theta.dtype, training=False, **weights)
        examples.gather(indices, ws.X, ws.Y, ws.weights, ws.metric_weights)
        with np.errstate(all="ignore"):
            network.forward(parameters, ws)
            for looked in _arrays_forward(network, parameters, ws):
                if not np.isfinite(looked.array).all():
                    largest = _largest([ws.X]), _largest([ws.Y]), _largest(parameters.W[1:])
                    return Spot(looked.kind, looked.layer, looked.words, state.learning_rate, *largest)
    return None


def _arrays_forward(network: Network, parameters: Parameters, ws: Workspace) -> Iterator[Looked]:
    """The arrays of a forward pass that a workspace holds, in the order of their computation."""
    yield Looked("X", 0, "the inputs X", ws.X)
    for l, layer in enumerate(network.layers, start=1):
        W, below = _largest([parameters.W[l]]), _largest([ws.A[l - 1]])
        yield Looked("Z", l, f"Z of layer {l}, whose weights reach {W:.2g} and whose inputs {below:.2g}", ws.Z[l])
        name = name_of(ACTIVATIONS, layer.activation)
        yield Looked("A", l, f"{name} of layer {l}, whose Z reaches {_largest([ws.Z[l]]):.2g}", ws.A[l])
    terms = network.terms(ws)
    yield Looked("loss", len(network.layers), f"the loss, {_outputs(network, ws.A[-1], terms)}", np.add.reduce(terms))


def _outputs(network: Network, A: Array, terms: Array) -> str:
    """What outputs the loss is of: the largest in size, or the least where it is infinite at 0 and one came near it."""
    if loss_statements(network.head.loss).domain_open and np.isposinf(terms).any():
        return f"infinite or beyond {A.dtype}, as an output is {A[:, np.isposinf(terms)].min():.2g}"
    return f"of outputs that reach {_largest([A]):.2g}"


def _arrays_of_pass(network: Network, parameters: Parameters, gradient: Parameters, ws: Workspace) -> Iterator[Looked]:
    """The arrays of a forward and a backward pass that a workspace holds, in the order of their computation."""
    yield from _arrays_forward(network, parameters, ws)
    for l in range(len(network.layers), 0, -1):
        yield Looked("dZ", l, f"dZ of layer {l}", ws.dZ[l])
        for name, array in _named(gradient, l):
            yield Looked("gradient", l, f"the gradient of {name}", array)


def _by_layer(parameters: Parameters, kind: Kind, words: str) -> Iterator[Looked]:
    for l in range(1, len(parameters.W)):
        for name, array in _named(parameters, l):
            yield Looked(kind, l, words.format(name), array)


def _named(parameters: Parameters, l: int) -> Iterator[tuple[str, Array]]:
    """W, b and what the activation owns, of one layer, in words."""
    yield f"W of layer {l}", parameters.W[l]
    yield f"b of layer {l}", parameters.b[l]
    yield f"the activation's parameters of layer {l}", parameters.own[l]


def _require_finite(arrays: Iterable[Looked]) -> None:
    for looked in arrays:
        if not np.isfinite(looked.array).all():
            raise _FoundError(looked)


def _largest(arrays: Iterable[Array]) -> float:
    """The largest absolute value among the numbers of arrays."""
    return max((float(np.abs(array).max()) for array in arrays if array.size), default=0.0)

"""The loss on all training examples as a function of θ, for the rules of second order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import Array
from bpcli.nn.jacobian import output_jacobian
from bpcli.nn.loss_sums import LossSums
from bpcli.nn.penalties import Quadratic
from bpcli.nn.transformations import transform
from bpcli.nn.workspace import Workspace
from bpcli.training.batch_results import count_batch
from bpcli.training.recipe import Recipe
from bpcli.training.state import TrainingState

CHUNK = 1024
"""Examples computed at a time."""

JACOBIAN = 1 << 21
"""Entries of the Jacobian in memory at a time: 16 MiB."""


class WholeLoss:
    """L of a recipe on all training examples: chunk by chunk, in their order, θ in the precision that trains."""

    def __init__(self, recipe: Recipe, examples: Examples, theta: Array) -> None:
        network = recipe.network
        self.network, self.examples, self.penalties = network, examples, recipe.penalties
        self.dtype = theta.dtype
        self.rounding = float(np.finfo(theta.dtype).eps)
        weights = examples.weights
        total = float(examples.size if weights is None else np.sum(weights, dtype=np.float64))
        self.weight = total
        self.residuals = self.weight * network.sizes[-1]
        self.scale = float(network.scale(self.weight))
        self._part, self._scratch = np.zeros_like(theta), np.zeros_like(theta)
        self._workspaces: dict[int, Workspace] = {}

    def count(self, state: TrainingState) -> float:
        """Count the loss and the metrics of every example at the state's θ; return L."""
        losses = state.losses
        for ws in self._forward(state.theta, CHUNK):
            losses.add(count_batch(self.network, ws, state.tallies), self._weigh(ws))
        if self.penalties:
            losses.add_penalty(self._penalise(state.theta, self._part), self.weight)
        return losses.value()

    def loss(self, theta: Array) -> float:
        """L at θ."""
        losses = LossSums(self.network.head.loss, self.network.sizes[-1])
        for ws in self._forward(theta, CHUNK):
            losses.add(self._total(ws), self._weigh(ws))
        return losses.value() + self._penalise(theta, self._part)

    def gradient(self, theta: Array, out: Array) -> float:
        """Write ∂L/∂θ into ``out``; return L."""
        network, part = self.network, self._part
        parameters, gradient = network.parameters(theta), network.parameters(part)
        losses = LossSums(network.head.loss, network.sizes[-1])
        out.fill(0)
        for ws in self._forward(theta, CHUNK):
            losses.add(self._total(ws), self._weigh(ws))
            network.backward(parameters, gradient, ws, self.scale)
            np.add(out, part, out)
        return losses.value() + self._penalise(theta, out)

    def normal_equations(self, theta: Array) -> tuple[Array, Array]:
        """JᵀJ and Jᵀr in float64, added up over chunks of J."""
        size = theta.size
        products, slope = np.zeros((size, size)), np.zeros(size)
        parameters, chunk = self.network.parameters(theta), max(1, min(CHUNK, JACOBIAN // size))
        for ws in self._forward(theta, chunk):
            J, roots = np.empty((ws.m, size)), self._roots(ws)
            for k in range(self.network.sizes[-1]):
                output_jacobian(self.network, parameters, ws, k, J)
                np.multiply(J, roots[:, None], J)
                np.add(products, J.T @ J, products)
                slope += J.T @ (roots * (ws.A[-1][k] - ws.Y[k]))
        self._add_curvature(theta, products, slope)
        return products, slope

    def _roots(self, ws: Workspace) -> Array:
        """√(w · scale) of each example, (m,) in float64."""
        weights = np.ones(ws.m) if ws.weights is None else ws.weights.astype(np.float64)
        return np.sqrt(weights * self.scale)

    def _add_curvature(self, theta: Array, products: Array, slope: Array) -> None:
        """Add to the normal equations what penalties add to ∂L/∂θ, and their second derivatives, which are constant."""
        if not self.penalties:
            return
        self._part.fill(0)
        self._penalise(theta, self._part)
        np.add(slope, self._part, slope)
        for penalty in self.penalties:
            self._part.fill(0)
            assert isinstance(penalty, Quadratic), "the rules of a config let no other through"
            penalty.curvature(self.network.parameters(self._part), self.weight)
            np.fill_diagonal(products, products.diagonal() + self._part)

    def _penalise(self, theta: Array, out: Array) -> float:
        """Add what penalties add to ∂L/∂θ to ``out``; return what they add to L."""
        if not self.penalties:
            return 0.0
        parameters, gradient, scratch = map(self.network.parameters, (theta, out, self._scratch))
        return float(transform(self.penalties, parameters, gradient, scratch, self.weight))

    def _forward(self, theta: Array, chunk: int) -> Iterator[Workspace]:
        """The workspace of one chunk after the other, after the forward pass."""
        examples, parameters = self.examples, self.network.parameters(theta)
        for start in range(0, examples.size, chunk):
            indices = np.arange(start, min(start + chunk, examples.size))
            ws = self._workspace(len(indices))
            examples.gather(indices, ws.X, ws.Y, ws.weights, ws.metric_weights)
            self.network.forward(parameters, ws)
            yield ws

    def _workspace(self, m: int) -> Workspace:
        if m not in self._workspaces:
            weights, metric_weights = self.examples.weights is not None, self.examples.metric_weights is not None
            make = self.network.workspace
            self._workspaces[m] = make(m, self.dtype, weighted=weights, metrics_weighted=metric_weights)
        return self._workspaces[m]

    def _total(self, ws: Workspace) -> float:
        return float(np.add.reduce(self.network.terms(ws)))

    def _weigh(self, ws: Workspace) -> float:
        return float(ws.m if ws.weights is None else np.add.reduce(ws.weights, dtype=np.float64))

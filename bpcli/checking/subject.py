"""What is checked: groups of parameters, and the gradient that the engine computes for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.errors import CheckFailedError, DivergedError
from bpcli.nn import Array, IndexArray
from bpcli.nn.gradient_check import Probe
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Gradient, Memory, OptimizerState
from bpcli.nn.parameters import Parameters, layer_of
from bpcli.nn.tallies import Tallies
from bpcli.streams import stream
from bpcli.training.engines import Engine
from bpcli.training.noise import Noise
from bpcli.training.recipe import Recipe
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.shards.updating import elementwise
from bpcli.training.state import start

CHECKED_WHOLE = 2000
"""The most parameters of a network of which every one is checked."""

SAMPLED = 100
"""Parameters checked in each group of a larger network, by default."""


@dataclass(frozen=True)
class ParameterGroup:
    """One array of a layer's parameters, its rows and columns, and the ``places`` in θ that are checked of it.

    ``kind`` is the array's name without the layer, such as W or b; a vector has one column. ``start`` is the
    place of its first entry in θ, in which it lies row by row.
    """

    layer: int
    kind: str
    shape: tuple[int, int]
    start: int
    places: IndexArray

    @property
    def size(self) -> int:
        """The number of parameters, checked or not."""
        return self.shape[0] * self.shape[1]


def by_layer(parameters: Parameters) -> Iterator[tuple[int, str, Array]]:
    """The layer, the kind (W, b, …) and the array of everything that the parameters name."""
    for name, array in parameters.named().items():
        kind, layer = layer_of(name)
        yield layer, kind, array


def parameter_groups(network: Network, per_group: int | None, seed: int) -> list[ParameterGroup]:
    """Every parameter of a small network, otherwise a seeded sample of each array; ``per_group`` sets its size."""
    size = network.layout.count
    limit = per_group or (size if size <= CHECKED_WHOLE else SAMPLED)
    rng = stream(seed, "gradient check")
    found = []
    for layer, kind, places in by_layer(network.parameters(np.arange(size))):  # each entry is its own place in θ
        rows, every = len(places), places.reshape(-1)
        chosen = every if every.size <= limit else np.sort(rng.permutation(every)[:limit])
        found.append(ParameterGroup(layer, kind, (rows, every.size // rows), int(every[0]), chosen))
    return found


@dataclass(frozen=True)
class KeepGradient:
    """The update rule that leaves θ as it is and keeps the gradient in its memory.

    ``at_once`` subtracts −∂L/∂θ from zeros, as gradient descent subtracts η ∂L/∂θ from θ: compiled code
    then computes and subtracts it in the same matrix products, without storing dθ. ``elementwise`` keeps it
    in the pieces in which an elementwise rule would use it.
    """

    at_once: bool = False
    elementwise: bool = False
    learning_rate: float = 0.0

    batch_only: ClassVar[bool] = False

    def memory(self, size: int) -> Mapping[str, Memory]:
        """The gradient, (P,)."""
        return {"gradient": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """None."""
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Keep the gradient; return what ``gradient`` returned."""
        kept = state.memory["gradient"]
        if not self.at_once:
            added = gradient(theta, state.dtheta, 1.0)
            np.copyto(kept, state.dtheta)
            return added
        kept.fill(0)
        added = gradient(theta, state.dtheta, -1.0)
        np.subtract(kept, state.dtheta, kept)
        return added


def gradients_of(
    recipe: Recipe,
    theta: Array,
    examples: Examples,
    batches: list[IndexArray],
    engine: Engine | None = None,
    ranks: Ranks = ALONE,
) -> list[Array]:
    """The gradient at θ, (P,), that the engine's steps compute on each batch in turn, through the same buffers.

    They compute it as for the recipe's rule: a rule without a memory subtracts it from θ at once. The
    recipe's clipping is left out, because a clipped gradient is not the derivative of the loss. All ``ranks`` compute
    it together, each its shards, and add it up by what training exchanges.

    Raises:
        CheckFailedError: ranks do not get the same gradient.
    """
    own, size = recipe.optimizer, theta.size
    rule = KeepGradient(at_once=not own.memory(size), elementwise=elementwise(own, size))
    unclipped = replace(recipe, optimizer=rule, clip=None)
    state = start(unclipped, theta.copy(), Tallies(()))
    steps = (engine or Engine()).steps(unclipped, state, examples, ranks)
    found = []
    for batch in batches:
        np.copyto(state.theta, theta)  # a layer's constraint may have changed it
        state.position = state.optimizer.step = 0
        with suppress(DivergedError):  # the gradient has been computed by then
            steps.run(batch, len(batch), np.inf)
        found.append(state.optimizer.memory["gradient"].copy())
    _require_the_same(found, ranks)
    return found


def _require_the_same(gradients: list[Array], ranks: Ranks) -> None:
    """Refuse gradients that another rank has not got to the last bit.

    Raises:
        CheckFailedError: on every rank, one has others than rank 0.
    """
    digest = sha256(b"".join(gradient.tobytes() for gradient in gradients)).digest()
    mine = [float(byte) for byte in digest]
    other = ranks.agree(f"rank {ranks.index}" if ranks.lead(mine) != mine else "")
    if other:
        message = f"{other} of {ranks.count} gets another gradient than rank 0"
        raise CheckFailedError(message, hint="train by one process, or another MPI library")


def probe_of(recipe: Recipe, examples: Examples, batch: IndexArray, dtype: DTypeLike = np.float64) -> Probe:
    """L as a function of θ on the examples ``batch``, gathered in the precision ``dtype``.

    What is drawn for an update is that of the first one.
    """
    network = recipe.network
    ws = network.workspace(len(batch), dtype, weighted=examples.weights is not None, noisy=True)
    examples.gather(batch, ws.X, ws.Y, ws.weights)
    Noise(recipe, ws.X.dtype).apply(0, len(batch), ws)
    return Probe(network, ws.X, ws.Y, weights=ws.weights, noise=ws.noise, penalties=recipe.penalties)


def in_precision(probes: list[Probe], dtype: np.dtype[Any]) -> Examples:
    """The examples of float64 ``probes``, one batch after the other, rounded to a precision."""
    X, Y = (np.concatenate([getattr(probe, name) for probe in probes], axis=-1) for name in ("X", "Y"))
    weights = [probe.weights.astype(dtype) for probe in probes if probe.weights is not None]
    targets = ClassIndices(Y) if Y.ndim == 1 else Columns(Y.astype(dtype))
    rows = Rows(np.ascontiguousarray(X.T, dtype))
    return Examples(rows, targets, weights=np.concatenate(weights) if weights else None)


@dataclass(frozen=True)
class Subject:
    """A gradient as the engine computes it, on a batch, with θ and the probe of the same precision."""

    theta: Array
    gradient: Array
    probe: Probe


def subjects_of(
    recipe: Recipe,
    theta: Array,
    examples: Examples,
    batches: list[IndexArray],
    engine: Engine,
    dtype: np.dtype[Any],
    ranks: Ranks = ALONE,
) -> list[Subject]:
    """What is checked, batch by batch: in float64, and in ``dtype``, the precision that trains, if it is another.

    Raises:
        CheckFailedError: as :func:`gradients_of`.
    """
    probes = [probe_of(recipe, examples, batch) for batch in batches]
    gradients = gradients_of(recipe, theta, examples, batches, engine, ranks)
    found = [Subject(theta, gradient, probe) for gradient, probe in zip(gradients, probes, strict=True)]
    if dtype == theta.dtype:
        return found
    with np.errstate(over="ignore"):
        rounded, narrow = in_precision(probes, dtype), theta.astype(dtype)
    starts = np.cumsum([0, *map(len, batches)])
    ranges = [np.arange(start, start + len(batch)) for start, batch in zip(starts, batches, strict=False)]
    gradients = gradients_of(recipe, narrow, rounded, ranges, engine, ranks)
    return found + [
        Subject(narrow, gradient, probe_of(recipe, rounded, batch, dtype))
        for gradient, batch in zip(gradients, ranges, strict=True)
    ]

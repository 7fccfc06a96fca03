"""An experiment or a run → the engine's own arrays on chosen examples → a document's steps.

A config is explained at its initial parameters, a run at its trained ones, in
float64. In mode sgd each example is an update of its own, in the order given;
in the other modes the examples are one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import memory
from bpcli.choices import describe
from bpcli.data.loading import Part
from bpcli.errors import ConfigError
from bpcli.experiment import Experiment
from bpcli.explaining import documents
from bpcli.explaining.detail import Detail, Names, detailed, refuse_large
from bpcli.explaining.documents.steps import Document
from bpcli.explaining.explained import ExampleRow, ExplainedUpdate, Explanation
from bpcli.explaining.trace import Mode
from bpcli.explaining.tracing import trace
from bpcli.nn import Array, optimizers
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.runs.reopen import open_experiment
from bpcli.training.recipe import Recipe

WHERE = "command line"

COPIES = 8
"""Arrays as long as θ that an update keeps, without those of penalties, clipping and the rule: before, after, …"""

FLOAT = 8
"""Bytes of a number."""


def explain(
    source: Path, changes: list[str], document: str | None, rows: Sequence[int], detail: Detail | None = None
) -> Explanation:
    """Explain the update that examples ``rows`` make, from a config or a run's folder.

    Raises:
        ConfigError: there is no such example or document, the document cannot express the network, or the
            network is too large for its derivation.
        DataError: the data or the run's model are absent or malformed, or no longer belong together.
    """
    detail = detail or Detail()
    opened = open_experiment(source, changes)
    built = opened.experiment
    chosen = documents.choose(document, built.network)
    examples = _find(built, rows)
    if detail.derivation:
        refuse_large(built)
    mode = opened.config.optimizer.mode
    batches: list[tuple[ExampleRow, ...]] = [(example,) for example in examples] if mode == "sgd" else [examples]
    _require_memory(built, len(batches) * detail.steps)
    names = Names(tuple(one.name for one in built.loaded.features.inputs), tuple(built.loaded.targets.output_names))
    followed = _follow(built, chosen, batches * detail.steps, mode)
    expressing = documents.expressing(built.network, weighted=any(_weighed(one.trace.weights) for one in followed))
    return Explanation(
        source=str(source),
        trained=opened.trained,
        data=built.loaded.parts["train"].path,
        document=chosen,
        others=tuple(name for name in expressing if name != chosen.name),
        layers=built.network.sizes,
        choices=_described(built, mode),
        updates=tuple(detailed(chosen, update, names, detail) for update in followed),
        inputs=names.inputs,
        outputs=names.outputs,
        digits=detail.digits,
        rounds=detail.steps,
        warnings=(*built.loaded.warnings.lines(), *opened.warnings, *_left_out(built.recipe)),
        experiment=built,
    )


def _require_memory(built: Experiment, updates: int) -> None:
    """Refuse more updates than there is memory for: each keeps its arrays.

    Raises:
        ConfigError: they take more than is left.
    """
    size, recipe = built.parameters.theta.size, built.recipe
    remembered = 2 * sum(prod(kept.shape) for kept in recipe.optimizer.memory(size).values())
    count = updates * (size * (COPIES + len(recipe.chain)) + remembered)
    what = f"{updates:,} updates of {size:,} parameters take"
    memory.require(FLOAT * count, what, where=WHERE, hint="explain fewer examples or --steps", error=ConfigError)


def _left_out(recipe: Recipe) -> list[str]:
    """What training draws for an update and the explanation does not."""
    layers = ", ".join(map(str, recipe.network.noisy))
    found = {
        f"training drops units of layer {layers}": bool(layers),
        "training adds noise to the inputs": recipe.input_noise is not None,
    }
    return [f"{what}; this is the update without it" for what, present in found.items() if present]


def _described(built: Experiment, mode: Mode) -> dict[str, Any]:
    network = built.network
    return {
        "activations": [describe(ACTIVATIONS, activation) for activation in network.activations],
        "loss": describe(LOSSES, network.head.loss),
        "optimizer": {"mode": mode, **describe(OPTIMIZERS, built.recipe.optimizer)},
    }


def _file_parts(built: Experiment) -> dict[str, Part]:
    """The parts that the training file was split into, without those that have files of their own."""
    return {name: part for name, part in built.loaded.parts.items() if name not in built.resolved["data"]}


def _find(built: Experiment, rows: Sequence[int]) -> tuple[ExampleRow, ...]:
    """The chosen rows with their parts.

    Raises:
        ConfigError: the file has no such row, or one is chosen twice.
    """
    parts = {"train": built.loaded.parts["train"], **_file_parts(built)}
    size, path = sum(part.size for part in parts.values()), parts["train"].path
    found = []
    for row in rows:
        if not 0 <= row < size:
            hint = f"the {size} examples of {path} count from 0 to {size - 1}"
            raise ConfigError(f"there is no example {row}", where=WHERE, hint=hint)
        if rows.count(row) > 1:
            raise ConfigError(f"example {row} is named {rows.count(row)} times", where=WHERE, hint="name it once")
        found.append(ExampleRow(row, next(name for name, part in parts.items() if row in part.rows)))
    return tuple(found)


def _follow(
    built: Experiment, document: Document, batches: list[tuple[ExampleRow, ...]], mode: Mode
) -> tuple[ExplainedUpdate, ...]:
    """The updates in order; each starts from the parameters that the one before left."""
    theta = built.parameters.theta.copy()
    state = optimizers.start(built.recipe.optimizer, theta, built.network.parameters(theta).W[1:])
    updates = []
    for examples in batches:
        X, Y, weights = _gather(built, examples)
        _require_no_weights(document, weights)
        course = built.recipe.course(built.loaded.parts["train"].size)
        (rate,) = built.recipe.rates(state.step, 1, course).tolist()
        followed = trace(built.recipe, state, theta, X, Y, mode, rate, weights)
        with np.errstate(all="ignore"):
            updates.append(ExplainedUpdate(examples, document.steps(followed), followed))
    return tuple(updates)


def _require_no_weights(document: Document, weights: Array | None) -> None:
    """A document without weights of examples is not shown with another loss than it has.

    Raises:
        ConfigError: an example's weight is not 1.
    """
    if weights is not None and _weighed(weights) and not document.complete:
        problem = (
            f"document {document.name} has no weights of examples, and one of these has {weights[weights != 1][0]:g}"
        )
        hint = "leave out --document, or data.sample_weight=null data.class_weight=null"
        raise ConfigError(problem, where=WHERE, hint=hint)


def _weighed(weights: Array | None) -> bool:
    """Whether an example has another weight than 1."""
    return weights is not None and bool((weights != 1).any())


def _gather(built: Experiment, examples: tuple[ExampleRow, ...]) -> tuple[Array, Array, Array | None]:
    """X and Y of the examples, as the network gets them, and their weights, None where training has none."""
    columns = [column(built.network, built.loaded.parts[example.part], example.row) for example in examples]
    X, Y, weights = zip(*columns, strict=True)
    weighted = built.loaded.parts["train"].weights is not None
    return np.hstack(X), np.hstack(Y), np.hstack(weights) if weighted else None


def column(network: Network, part: Part, row: int) -> tuple[Array, Array, Array]:
    """X (n_0, 1), Y and the weight of one row of the file, as the network gets them."""
    ws = network.workspace(1, np.float64, training=False, weighted=True)
    place = np.flatnonzero(part.rows == row)
    part.gather(place, ws.X, ws.Y, ws.weights)
    assert ws.weights is not None, "the workspace was asked for weights"
    return ws.X, ws.Y, ws.weights

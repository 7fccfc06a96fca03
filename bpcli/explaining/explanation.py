"""An experiment or a run → the engine's own arrays on chosen examples → a document's steps.

A config is explained at its initial parameters, a run at its trained ones, in
float64. The config's mode says how the examples go together: in mode sgd each is
an update of its own, in the order given, else they are one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import experiment
from bpcli.choices import describe
from bpcli.config.reading import load
from bpcli.data.loading import Part
from bpcli.errors import ConfigError, DataError
from bpcli.experiment import Experiment
from bpcli.explaining import documents
from bpcli.explaining.documents.steps import Document, Step
from bpcli.explaining.trace import Mode, trace
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.runs import model_file
from bpcli.runs.folder import CONFIG, read_record
from bpcli.training.initial_parameters import read_weights

WHERE = "command line"


@dataclass(frozen=True)
class Example:
    """A row of the training file, from 0, and the part that it belongs to."""

    row: int
    part: str


@dataclass(frozen=True)
class Update:
    """One update: the examples it is made of, in the order of the columns, and its steps."""

    examples: tuple[Example, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Explanation:
    """What is shown in every format; ``others`` could express the network too, ``choices`` are the config's as data."""

    source: str
    trained: bool
    data: str
    document: Document
    others: tuple[str, ...]
    layers: tuple[int, ...]
    choices: dict[str, Any]
    updates: tuple[Update, ...]
    warnings: tuple[str, ...]


def explain(source: Path, changes: list[str], document: str | None, rows: Sequence[int]) -> Explanation:
    """Explain the update that examples ``rows`` make, from a config or a run's folder.

    Raises:
        ConfigError: there is no such example or document, or the document cannot express the network.
        DataError: the data or the run's model are absent or malformed, or no longer belong together.
    """
    trained = source.is_dir()
    path, own = (source / CONFIG, ["network.weights=null"]) if trained else (source, [])
    read = load(path, [*changes, *own, "dtype=float64"])
    built = experiment.build(read)
    changed = _restore(source, built) if trained else []
    chosen = documents.choose(document, built.network)
    examples = _find(built, rows)
    mode = read.config.optimizer.mode
    batches: list[tuple[Example, ...]] = [(example,) for example in examples] if mode == "sgd" else [examples]
    return Explanation(
        source=str(source),
        trained=trained,
        data=built.loaded.parts["train"].path,
        document=chosen,
        others=tuple(name for name in documents.expressing(built.network) if name != chosen.name),
        layers=built.network.sizes,
        choices=_described(built, mode),
        updates=_follow(built, chosen, batches, mode),
        warnings=(*built.loaded.warnings.lines(), *changed),
    )


def _restore(run: Path, built: Experiment) -> list[str]:
    """Take the run's trained parameters, if they were trained on data encoded as ``built``'s; say what changed."""
    known, loaded = model_file.load(run), built.loaded
    if (known.features.to_json(), known.targets.to_json()) != (loaded.features.to_json(), loaded.targets.to_json()):
        raise DataError(
            "the data are not encoded as those the run was trained on",
            where=str(run),
            hint="restore the data file, or leave out what overrides data",
        )
    read_weights(run, built.parameters)
    then = read_record(run).get("data", {})
    return [f"{path} has changed since the run" for path, now in loaded.digests.items() if then.get(path, now) != now]


def _described(built: Experiment, mode: Mode) -> dict[str, Any]:
    network = built.network
    return {
        "activations": [describe(ACTIVATIONS, activation) for activation in network.activations],
        "loss": describe(LOSSES, network.head.loss),
        "optimizer": {"mode": mode, **describe(OPTIMIZERS, built.optimizer)},
    }


def _file_parts(built: Experiment) -> dict[str, Part]:
    """The parts that the training file was split into, without those that have files of their own."""
    return {name: part for name, part in built.loaded.parts.items() if name not in built.resolved["data"]}


def _find(built: Experiment, rows: Sequence[int]) -> tuple[Example, ...]:
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
        found.append(Example(row, next(name for name, part in parts.items() if row in part.rows)))
    return tuple(found)


def _follow(
    built: Experiment, document: Document, batches: list[tuple[Example, ...]], mode: Mode
) -> tuple[Update, ...]:
    """The updates one after another, each from where the one before left the parameters."""
    theta = built.parameters.theta.copy()
    state = built.optimizer.start(theta)
    updates = []
    for examples in batches:
        X, Y = _gather(built, examples)
        followed = trace(built.network, built.optimizer, state, theta, X, Y, mode)
        with np.errstate(all="ignore"):
            updates.append(Update(examples, document.steps(followed)))
    return tuple(updates)


def _gather(built: Experiment, examples: tuple[Example, ...]) -> tuple[Array, Array]:
    """X and Y of the examples, as the network gets them."""
    columns = [_column(built.network, built.loaded.parts[example.part], example.row) for example in examples]
    X, Y = zip(*columns, strict=True)
    return np.hstack(X), np.hstack(Y)


def _column(network: Network, part: Part, row: int) -> tuple[Array, Array]:
    ws = network.workspace(1, np.float64, training=False)
    place = np.flatnonzero(part.rows == row)
    part.gather(place, ws.X, ws.Y)
    return ws.X, ws.Y

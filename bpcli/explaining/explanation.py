"""An experiment or a run → the engine's own arrays on chosen examples → a document's steps.

A config is explained at its initial parameters, a run at its trained ones, in
float64. In mode sgd each example is an update of its own, in the order given;
in the other modes the examples are one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.choices import describe
from bpcli.data.loading import Part
from bpcli.errors import ConfigError
from bpcli.experiment import Experiment
from bpcli.explaining import documents
from bpcli.explaining.arithmetic import with_arithmetic
from bpcli.explaining.derivations import DERIVATIONS, derive
from bpcli.explaining.documents.steps import DerivationStep, Document
from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.trace import Mode, Trace, trace
from bpcli.nn import Array, optimizers
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.expressions import FormulaError
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.runs.reopen import open_experiment
from bpcli.training.recipe import Recipe

WHERE = "command line"

DIGITS = 6
"""How many digits numbers have where nobody says how many."""

MOST_PARAMETERS = 10_000
"""The largest network whose derivation is evaluated: each of its slopes takes a forward pass, about a minute in all."""


@dataclass(frozen=True)
class ExampleRow:
    """A row of the training file, from 0, and the part that it belongs to."""

    row: int
    part: str


@dataclass(frozen=True)
class Detail:
    """How much is shown of an update, and of how many.

    ``arithmetic`` is whether equations are written out entry by entry: None those that are small, True the first
    entries of large ones too. Numbers have ``digits``. ``steps`` is how often the examples are gone through.
    ``errata`` is whether a document's mistakes in print are named.
    """

    derivation: bool = False
    arithmetic: bool | None = None
    digits: int = DIGITS
    steps: int = 1
    errata: bool = False


@dataclass(frozen=True)
class Effect:
    """What an update did to the loss of its examples, penalties and all, and what ∇L · Δθ said that it would."""

    before: float
    after: float
    predicted: float

    @property
    def change(self) -> float:
        """The loss after the update less that before."""
        return self.after - self.before


@dataclass(frozen=True)
class ExplainedUpdate:
    """The derivation's steps of one update on these examples, which are in the order of the columns.

    ``omitted`` are the document's equations that do not hold for this network, each with the reason.
    """

    examples: tuple[ExampleRow, ...]
    steps: tuple[DerivationStep, ...]
    trace: Trace
    omitted: tuple[str, ...] = ()

    @property
    def effect(self) -> Effect:
        """What it did to the loss."""
        found = self.trace
        return Effect(found.loss + found.added, found.loss_after + found.added_after, found.predicted)


@dataclass(frozen=True)
class Explanation:
    """What every format shows.

    ``others`` are the other documents that can express the network; ``choices`` are
    the config's activations, loss and optimizer as plain data. ``experiment`` is all that was built of the config.
    ``inputs`` and ``outputs`` are their names in the data; numbers are shown with ``digits``; the examples are gone
    through ``rounds`` times.
    """

    source: str
    trained: bool
    data: str
    document: Document
    others: tuple[str, ...]
    layers: tuple[int, ...]
    choices: dict[str, Any]
    updates: tuple[ExplainedUpdate, ...]
    warnings: tuple[str, ...]
    experiment: Experiment
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    digits: int = DIGITS
    rounds: int = 1


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
        _refuse_large(built)
    mode = opened.config.optimizer.mode
    batches: list[tuple[ExampleRow, ...]] = [(example,) for example in examples] if mode == "sgd" else [examples]
    names = _Names(tuple(one.name for one in built.loaded.features.inputs), tuple(built.loaded.targets.output_names))
    followed = _follow(built, chosen, batches * detail.steps, mode)
    return Explanation(
        source=str(source),
        trained=opened.trained,
        data=built.loaded.parts["train"].path,
        document=chosen,
        others=tuple(name for name in documents.expressing(built.network) if name != chosen.name),
        layers=built.network.sizes,
        choices=_described(built, mode),
        updates=tuple(_detailed(chosen, update, names, detail) for update in followed),
        inputs=names.inputs,
        outputs=names.outputs,
        digits=detail.digits,
        rounds=detail.steps,
        warnings=(*built.loaded.warnings.lines(), *opened.warnings, *_left_out(built.recipe)),
        experiment=built,
    )


def _left_out(recipe: Recipe) -> list[str]:
    """What training draws for an update and the explanation does not."""
    layers = ", ".join(map(str, recipe.network.noisy))
    found = {
        f"training drops units of layer {layers}": bool(layers),
        "training adds noise to the inputs": recipe.input_noise is not None,
    }
    return [f"{what}; this is the update without it" for what, present in found.items() if present]


@dataclass(frozen=True)
class _Names:
    """What the network's inputs and outputs are called in the data."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def beside(self, step: DerivationStep, last: int) -> tuple[str, ...]:
        """The names of a step's rows, where they are inputs or outputs; a bias node has none."""
        of_outputs = step.key == "targets" or (step.key == "activation" and step.layer == last)
        names = self.inputs if step.key == "inputs" else self.outputs if of_outputs else ()
        rows = step.value.shape[0] if step.value.ndim else 0
        if names and rows == len(names) + 1:
            return ("", *names)
        return names if rows == len(names) else ()


def _detailed(document: Document, update: ExplainedUpdate, names: _Names, detail: Detail) -> ExplainedUpdate:
    """The update with all that was asked for of it."""
    last = max(step.layer or 0 for step in update.steps if step.key == "activation")
    steps = update.steps
    if detail.arithmetic is not False:
        vocabulary = DERIVATIONS[document.name].vocabulary(update.trace)
        steps = with_arithmetic(steps, vocabulary, detail.digits, large=bool(detail.arithmetic))
    named = tuple(replace(step, names=names.beside(step, last)) for step in steps)
    found = replace(update, steps=named)
    found = _with_derivation(document, found) if detail.derivation else found
    if detail.errata:
        return found
    slips = document.slips | DERIVATIONS[document.name].slips
    return replace(found, steps=tuple(_without(step, slips) for step in found.steps))


def _without(step: DerivationStep, notes: frozenset[str]) -> DerivationStep:
    return replace(step, notes=tuple(note for note in step.notes if note not in notes))


def _refuse_large(built: Experiment) -> None:
    """Raise where the slopes by every parameter would take too long."""
    size = built.parameters.theta.size
    if size > MOST_PARAMETERS:
        problem = f"--derive takes the slope by each parameter, and the network has {size}"
        hint = f"choose a network of at most {MOST_PARAMETERS}, such as network.hidden=[8], or leave out --derive"
        raise ConfigError(problem, where=WHERE, hint=hint)


def _with_derivation(document: Document, update: ExplainedUpdate) -> ExplainedUpdate:
    """The update's steps with the document's displayed equations before the update itself."""
    try:
        found, omitted = derive(document.name, update.trace)
    except (EquationError, FormulaError) as error:
        raise ConfigError(f"--derive cannot evaluate {error}", where=WHERE, hint="leave out --derive") from error
    first = next(place for place, step in enumerate(update.steps) if step.stage == "update")
    return replace(update, steps=(*update.steps[:first], *found, *update.steps[first:]), omitted=omitted)


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
    if weights is not None and not document.complete and (weights != 1).any():
        problem = (
            f"document {document.name} has no weights of examples, and one of these has {weights[weights != 1][0]:g}"
        )
        hint = "leave out --document, or data.sample_weight=null data.class_weight=null"
        raise ConfigError(problem, where=WHERE, hint=hint)


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

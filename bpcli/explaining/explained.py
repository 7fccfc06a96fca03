"""An explanation: a document's steps of some updates, and all that every format shows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bpcli.experiment import Experiment
from bpcli.explaining.documents.steps import DerivationStep, Document
from bpcli.explaining.trace import Trace

DIGITS = 6
"""How many digits numbers have where nobody says how many."""


@dataclass(frozen=True)
class ExampleRow:
    """A row of the training file, from 0, and the part that it belongs to."""

    row: int
    part: str


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

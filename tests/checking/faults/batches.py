"""The trainer's batches: X and Y of different examples, or both of others than were asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import IndexArray
from bpcli.nn.workspace import Workspace
from bpcli.training.shards import Gradients

from .mechanism import EXCHANGED, Fault, PerUse, Replaced, the_batch_before

gradient_at = Gradients.at

Fill = Callable[[Examples, Workspace, IndexArray, IndexArray], None]
"""Of X and Y, from the examples of this batch and of the one before, cut to its size."""


def filled(fill: Fill) -> PerUse:
    """X and Y of each batch filled once more, in another way."""

    def made() -> Replaced:
        before = the_batch_before()

        def wrong(self: Gradients, batch: IndexArray, slot: int = 0) -> Any:
            made = gradient_at(self, batch, slot)
            fill(self.examples, made.workspaces[0], batch, before(batch))
            return made

        return Replaced(Gradients, "at", wrong)

    return PerUse(made)


def others(examples: Examples, ws: Workspace, chosen: IndexArray) -> None:
    examples.features.gather(chosen, ws.X)
    examples.targets.gather(chosen, ws.Y)


def one_late(examples: Examples, ws: Workspace, batch: IndexArray, before: IndexArray) -> None:
    others(examples, ws, (batch + 1) % examples.size)


def repeated(examples: Examples, ws: Workspace, batch: IndexArray, before: IndexArray) -> None:
    others(examples, ws, np.concatenate([batch[:-2], batch[-1:], batch[-1:]]))


FAULTS: dict[str, Fault] = {
    "Y is that of another batch": Fault(
        filled(lambda examples, ws, batch, before: examples.targets.gather(before, ws.Y)), batches=("shorter",)
    ),
    "X is that of the batch before": Fault(
        filled(lambda examples, ws, batch, before: examples.features.gather(before, ws.X)), batches=("shorter",)
    ),
    "X is shuffled and Y is not": Fault(
        filled(lambda examples, ws, batch, before: examples.features.gather(np.roll(batch, 1), ws.X)),
        untouched=EXCHANGED,
    ),
    "the batch begins one example late": Fault(
        filled(one_late),
        batches=("shorter",),  # the full one still holds them all
    ),
    "the last example of the batch is repeated in place of the one before": Fault(filled(repeated)),
}

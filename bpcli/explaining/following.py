"""The steps of a document taken one after the other: each is read on a sheet that knows those before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.evaluation.sheet import Sheet, Side

PARAMETERS = ("new_", "constrained_")
"""What the keys of steps begin with that give the parameters themselves new values."""


@dataclass
class Follower:
    """Follows steps; what an update remembers is known by the whole of its symbol.

    ``given`` are the left sides of the given steps, by key and layer.
    """

    sheet: Sheet
    given: dict[tuple[str, int], Side] = field(default_factory=dict)

    def each(self, steps: Iterable[DerivationStep]) -> Iterator[DerivationStep]:
        """Every step, before it is taken itself.

        Raises:
            EquationError: a left side does not fit together.
        """
        listed = list(steps)
        updating = False
        for step in listed:
            if step.stage == "update" and not updating:
                updating = True
                self._remember(listed)
            yield step
            self.take(step)

    def _remember(self, steps: list[DerivationStep]) -> None:
        """Know what the update remembers: an equation may read what a later one changes."""
        for step in steps:
            if step.stage == "update" and step.before is not None:
                self.side(step)

    def take(self, step: DerivationStep) -> None:
        """Take a step's value from now on."""
        side = self.side(step)
        if step.stage == "given":
            self.given[step.key, step.layer or 0] = side
        if not step.key.startswith(PARAMETERS):
            self.sheet.learn(side, step.value)

    def side(self, step: DerivationStep) -> Side:
        """The left side; a symbol of the rule's memory is laid out as the parameters that it belongs to."""
        if step.stage != "update" or step.key.startswith(PARAMETERS):
            return self.sheet.side(step, {} if step.example is None else {"i": step.example})
        remembered = np.zeros_like(step.value) if step.before is None else step.before
        return self.sheet.name(step.symbol, self._block(step), remembered)

    def _block(self, step: DerivationStep) -> Side | None:
        """The left side of the parameters that an array of memory belongs to; None for one of the whole network."""
        if step.layer is None:
            return None
        return self.given[step.key.partition("_")[2], step.layer]

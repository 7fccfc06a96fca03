"""Targets: what the examples should give, encoded as the loss takes them.

:class:`Classes`: one column, each example of one class. :class:`Labels`: one or several columns of truth values or
numbers between two bounds, each a question of its own (multi-label, or soft). :class:`Shares`: columns of the classes'
probabilities. :class:`Reals`: numbers to regress on. The loss's :class:`~bpcli.nn.losses.TargetForm` has the bounds,
and the codes of what is so and what is not.

Predictions go the other way, from a network's outputs to the terms of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from bpcli.data.encoding.classes import Classes
from bpcli.data.encoding.labels import Labels
from bpcli.data.encoding.reals import Reals
from bpcli.data.encoding.shares import Shares
from bpcli.data.encoding.target_cells import are_probabilities
from bpcli.data.files.dataset import Dataset
from bpcli.data.sources import Source
from bpcli.nn import Array, IndexArray
from bpcli.nn.losses import TargetForm
from bpcli.nn.tallies import Judging, Scoring
from bpcli.storage.strict_json import Saved


class Targets(Protocol):
    """A learned encoding of targets."""

    @property
    def names(self) -> list[str]:
        """The target columns."""
        ...

    @property
    def outputs(self) -> int:
        """n_L, the number of outputs it needs."""
        ...

    @property
    def output_names(self) -> list[str]:
        """What each output is of: a class or a column, and its level where it has several."""
        ...

    @property
    def units(self) -> Array:
        """(n_L,): one training unit in the target's own."""
        ...

    @property
    def origins(self) -> Array:
        """(n_L,): the target's own value of 0 in training units."""
        ...

    @property
    def form(self) -> TargetForm:
        """What targets the loss takes."""
        ...

    @property
    def counted_by(self) -> Scoring:
        """How outputs are judged."""
        ...

    def source(self, dataset: Dataset, rows: IndexArray, dtype: np.dtype) -> Source:
        """The encoded targets of ``rows``."""
        ...

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """Columns to print for outputs A (n_L, N); ``probabilities`` says that A lies in [0, 1]."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        ...


def judging_of(targets: Targets, output_range: tuple[float, float], threshold: float | None = None) -> Judging:
    """How outputs in this range are compared with their targets; ``threshold`` replaces the targets' own."""
    low, high = output_range
    return Judging(
        targets.outputs,
        targets.counted_by,
        threshold=targets.form.middle if threshold is None else threshold,
        middle=targets.form.middle,
        probabilities=low >= 0 and high <= 1 and are_probabilities(targets.form),
        units=targets.units,
        origins=targets.origins,
        levels=targets.form.levels,
    )


TARGETS: dict[str, Callable[[Saved, TargetForm], Targets]] = {
    "classes": Classes.from_json,
    "labels": Labels.from_json,
    "shares": Shares.from_json,
    "reals": Reals.from_json,
}
"""What reads an encoding back, by its kind."""


def targets_from_json(saved: Saved, form: TargetForm) -> Targets:
    """The encoding that :meth:`Targets.to_json` described, for a loss that takes targets of ``form``.

    Raises:
        MalformedError: it describes none.
    """
    described = saved.mapping()
    kind = described["kind"].one_of(TARGETS) if "kind" in described else saved.refuse("has no 'kind'")
    return TARGETS[kind](saved, form)

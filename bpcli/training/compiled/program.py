"""What is recorded: operations on symbols, and the names of the arrays and numbers that they get and give."""

from __future__ import annotations

from dataclasses import dataclass

from bpcli.training.compiled.operations import Operation
from bpcli.training.compiled.symbols import SymbolicArray

X, Y, WEIGHTS, METRIC_WEIGHTS, RATE, STEP = "X", "Y", "weights", "metric_weights", "rate", "step"
"""The names of a step's inputs: a batch, the learning rate, and how many updates there were."""

SCALE = "scale"
"""The name of the factor of the terms, where the gradient alone is recorded."""

OUTPUTS, LAST_Z = "outputs", "last_Z"
"""The names of the arrays to which A_L and Z_L are handed out, where something is counted outside of compiled code."""

REPORTS = "reports"
"""The name of the array that says which layers' gradients are there, where the gradient alone is recorded."""

LOSSES, TALLY = "losses", "tally_"
"""The name of the losses' sums, and what those of the tallies' begin with."""

ROOM = "room"
"""The name of the working memory of matrix products."""

NOISE = "noise"
"""What the names of further inputs begin with: the noise of a layer, with its number."""


@dataclass(frozen=True)
class Program:
    """The operations of one update, or of a gradient, on the arrays ``symbols`` by name.

    ``kept`` names the arrays whose changes outlive a call, ``results`` the numbers
    that the program returns: for an update the sum of the loss's terms and the
    number of updates. ``sizes``, the widths, and ``settings`` name its numeric
    arguments, ``inputs`` the arrays of the batch, its noise and its outputs too where they are handed
    out; ``constants`` maps arrays that no operation changes to the expressions that make them. ``single`` programs take
    batches of one example. ``class_indices`` says that Y is (m,).
    """

    operations: tuple[Operation, ...]
    symbols: dict[str, SymbolicArray]
    kept: tuple[str, ...]
    results: tuple[str, ...]
    sizes: tuple[str, ...]
    settings: tuple[str, ...]
    constants: dict[str, str]
    inputs: tuple[str, ...]
    single: bool
    class_indices: bool

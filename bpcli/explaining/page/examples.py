"""The examples of the training file that the page can show and train on, and the names of inputs and outputs."""

from __future__ import annotations

from typing import Any

from bpcli.data.encoding.classes import Classes
from bpcli.data.loading import Loaded
from bpcli.explaining.explained import ExplainedUpdate
from bpcli.explaining.explanation import column
from bpcli.lines.cells import shortened
from bpcli.nn.network import Network

MOST_EXAMPLES = 100
"""How many rows of the training part come along."""

LONGEST = 40
"""Characters of a name: more make the page wider than a screen."""


def examples_of(loaded: Loaded, update: ExplainedUpdate, network: Network) -> dict[str, Any]:
    """The examples shown, then further rows of the training part: rows of the file, inputs, targets, weights."""
    train, taken = loaded.parts["train"], {one.row for one in update.examples}
    further = [(train, int(row)) for row in train.rows[:MOST_EXAMPLES] if row not in taken]
    every = [(loaded.parts[one.part], one.row) for one in update.examples] + further
    columns = [column(network, part, row) for part, row in every]
    return {
        "rows": [row for _, row in every],
        "training": len(further) + sum(one.part == "train" for one in update.examples),
        "of": train.size,
        "X": [X.reshape(-1).tolist() for X, _, _ in columns],
        "targets": [Y.reshape(-1).tolist() for _, Y, _ in columns],
        "weights": [weights.item() for _, _, weights in columns],
    }


def names_of(loaded: Loaded, network: Network) -> dict[str, list[str]]:
    """What inputs and outputs are called: columns, a category with its column; classes. Long ones lose their middle."""
    return {what: [shortened(name, LONGEST) for name in names] for what, names in _names(loaded, network).items()}


def _names(loaded: Loaded, network: Network) -> dict[str, list[str]]:
    inputs = [f"{one.column} = {one.part}" if one.part else one.column for one in loaded.features.inputs]
    targets, outputs = loaded.targets, network.sizes[-1]
    if isinstance(targets, Classes):
        labels = [str(label) for label in targets.labels]
        return {
            "inputs": inputs,
            "outputs": labels if outputs > 1 else [f"{targets.name} = {labels[-1]}"],
            "classes": labels,
        }
    names = [targets.names[output % len(targets.names)] for output in range(outputs)]
    return {"inputs": inputs, "outputs": names, "classes": []}

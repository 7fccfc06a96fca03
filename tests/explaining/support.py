"""Small experiments to explain, and explanations as parsed JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.explaining import rendering
from bpcli.explaining.detail import Detail
from bpcli.explaining.explained import ExplainedUpdate, Explanation
from bpcli.explaining.explanation import explain
from bpcli.explaining.tracing import trace
from bpcli.nn import optimizers
from tests.cli.support import write_config, write_table
from tests.nn import support

ROWS = [
    [0.5, -1.0, 0, 1, "ash", 0.3],
    [1.5, 0.25, 1, 1, "birch", -1.2],
    [-0.75, 2.0, 1, 0, "ash", 0.9],
    [0.1, 0.9, 0, 0, "cedar", 2.1],
    [-1.25, -0.6, 0, 1, "birch", 0.4],
    [0.8, 1.1, 1, 1, "cedar", -0.5],
]
"""Two features; two 0/1 targets, a class and a number."""

LOSSES = {
    "binary": ("[c]", "binary_cross_entropy", "sigmoid"),
    "labels": ("[c, d]", "binary_cross_entropy", "sigmoid"),
    "classes": ("[tree]", "cross_entropy", "softmax"),
    "scores": ("[tree]", "cross_entropy", "sigmoid"),
    "numbers": ("[y, c]", "half_squared_error", "identity"),
    "number": ("[y]", "half_squared_error", "tanh"),
}
"""By kind: the targets, the loss and the output."""


SUITED = [
    ("binary", "binary"),
    ("binary", "brawer"),
    ("binary", "general"),
    ("labels", "brawer"),
    ("labels", "general"),
    ("classes", "biswas"),
    ("scores", "general"),
    ("numbers", "half-squared-error"),
    ("numbers", "general"),
    ("number", "half-squared-error"),
    ("number", "general"),
]
"""Kinds of experiment and the documents that express them."""

EXPRESSED = [*SUITED, *((kind, "standard") for kind in LOSSES)]
"""The same with the standard notation, which expresses every kind."""

DERIVING = dict(reversed(SUITED))
"""By kind: the document that derives it."""


def config(folder: Path, kind: str) -> Path:
    """A config of one kind over the table, in batch mode, with a 2-3-… network of sigmoids."""
    write_table(folder / "table.csv", ["u", "v", "c", "d", "tree", "y"], ROWS)
    target, loss, output = LOSSES[kind]
    task = "regression" if loss == "half_squared_error" else "classification"
    return write_config(
        folder / f"{kind}.yaml",
        f"""
        seed: 3
        data: {{path: table.csv, target: {target}, features: [u, v], scale: none, task: {task}}}
        network: {{hidden: [3], activation: sigmoid, output: {output}}}
        loss: {{name: {loss}}}
        optimizer: {{mode: batch, name: gradient_descent, learning_rate: 0.3}}
        """,
    )


def explained(
    folder: Path,
    kind: str,
    *changes: str,
    document: str | None = None,
    rows: tuple[int, ...] = (0,),
    with_derivation: bool = False,
    arithmetic: bool | None = False,
) -> Explanation:
    """An explanation of one kind of experiment; by default in the notation of the document that derives it."""
    path = config(folder, kind)
    detail = Detail(with_derivation, arithmetic=arithmetic, errata=True)
    return explain(path, list(changes), document or DERIVING[kind], rows, detail)


def json_of(explanation: Explanation) -> dict[str, Any]:
    """The explanation as its JSON has it."""
    parsed: dict[str, Any] = json.loads(rendering.FORMATS["json"](explanation))
    return parsed


def displaced(explanation: Explanation) -> Explanation:
    """The same of a network whose biases are not the zeros that they start from, in its one update."""
    (update,) = explanation.updates
    found = update.trace
    theta = found.before.theta.copy()
    rng = np.random.default_rng(theta.size)
    for b in found.network.parameters(theta).b[1:]:
        b[...] = rng.normal(0, 0.5, b.shape)
    recipe = support.recipe(found.network, found.optimizer)
    state = optimizers.start(found.optimizer, theta, found.network.parameters(theta).W[1:])
    moved = trace(recipe, state, theta, found.A[0], found.Y, found.mode, found.learning_rate)
    steps = explanation.document.steps(moved)
    return replace(explanation, updates=(ExplainedUpdate(update.examples, steps, moved),))

"""Permutation importance of a file's columns, against the same by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.config.reading import read_config
from bpcli.experiment import Experiment, build
from bpcli.nn.metrics import METRICS
from bpcli.reporting import importance
from bpcli.reporting.importance import REPEATS, importances, inputs_by_column
from bpcli.runs.model_file import Model, model_of
from bpcli.streams import stream
from tests.cli.support import write_config, write_table

CONFIG = """
    dtype: float64
    data: {path: trees.csv, target: height, split: {test: 0.5}, scale_targets: none}
    network: {hidden: []}
    loss: half_squared_error
"""


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Experiment, Model]:
    """A linear model that goes by age and kind, and not at all by noise."""
    rng = np.random.default_rng(0)
    rows = [[float(rng.normal(10, 3)), "fir" if rng.random() < 0.5 else "oak", float(rng.normal())] for _ in range(80)]
    table = [[*row, 2 * row[0] + (5 if row[1] == "fir" else 0)] for row in rows]  # type: ignore[operator]
    write_table(tmp_path / "trees.csv", ["age", "kind", "noise", "height"], table)
    built = build(read_config(write_config(tmp_path / "trees.yaml", CONFIG), []))
    model = model_of(built, built.parameters.theta)
    W, b = model.parameters.W[1], model.parameters.b[1]
    assert [one.part or one.column for one in model.features.inputs] == ["age", "fir", "oak", "noise"]
    age = model.features.inputs[0]
    assert age.width is not None
    assert age.shift is not None
    W[...] = [2 * age.width, 2.5, -2.5, 0]
    b[...] = 2 * age.shift + 2.5
    return built, model


def test_columns_that_matter_come_first_and_an_unused_one_is_worth_nothing(trees: tuple[Experiment, Model]) -> None:
    built, model = trees
    part = built.loaded.parts["test"]
    assert inputs_by_column(model) == {"age": [0], "kind": [1, 2], "noise": [3]}
    for name in ("r2", "rmse"):  # a higher one is better, a lower one is
        found = importances(model, part, METRICS[name](), seed=1)
        assert [one.column for one in found] == ["age", "kind", "noise"]
        assert found[0].worse > found[1].worse > 0.05
        assert found[2] == importance.Importance("noise", 0, 0, 0)
        assert all(one.least <= one.worse <= one.most for one in found)


def test_the_inputs_of_a_column_move_together(trees: tuple[Experiment, Model]) -> None:
    """fir and oak swap as one: the error of a dealt kind is 0 or 5, where two indicators apart could give 10."""
    built, model = trees
    part = built.loaded.parts["test"]
    X = np.empty((4, part.size))
    part.features.gather(np.arange(part.size), X)
    draws = stream(7, "importance")
    errors: list[float] = []
    for places in ([0], [1, 2]):
        errors = []
        for _ in range(REPEATS):
            dealt = X.copy()
            dealt[places] = X[places][:, draws.permutation(part.size)]
            errors.append(float(np.abs(model.parameters.W[1] @ (dealt - X)).mean()))
    found = {one.column: one for one in importances(model, part, METRICS["mae"](), seed=7)}["kind"]
    assert [found.worse, found.least, found.most] == pytest.approx([np.mean(errors), min(errors), max(errors)])


def test_many_examples_are_sampled_and_many_columns_left_out(
    trees: tuple[Experiment, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    built, model = trees
    part, metric = built.loaded.parts["test"], METRICS["mae"]()
    whole = importances(model, part, metric, seed=1)
    monkeypatch.setattr(importance, "MOST_EXAMPLES", 10)
    some = importances(model, part, metric, seed=1)
    assert some != whole
    assert some == importances(model, part, metric, seed=1)
    monkeypatch.setattr(importance, "MOST_COLUMNS", 2)
    assert importances(model, part, metric, seed=1) == []

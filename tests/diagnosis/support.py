"""Made tables, and experiments on them, for the checks of the doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bpcli.config.reading import read_config
from bpcli.data.files.dataset import Table as Dataset
from bpcli.data.raw import RawData
from bpcli.diagnosis.rehearsal import Rehearsal
from bpcli.diagnosis.table import Table
from bpcli.experiment import build
from bpcli.nn import Array

SIZE = 400


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clean(size: int = SIZE) -> dict[str, Array]:
    """Two columns of numbers, a category, and a class that depends on all of them, not exactly."""
    draw = rng()
    a, b, colour = draw.normal(size=size), draw.normal(3, 2, size), draw.choice(["red", "green", "blue"], size)
    chance = 1 / (1 + np.exp(-(a + 0.5 * (b - 3) + (colour == "red"))))
    y = np.where(draw.random(size) < chance, "yes", "no")
    return {"a": a, "b": b, "colour": colour.astype(object), "y": y.astype(object)}


def table(columns: dict[str, Any], *, classification: bool = True, test: float = 0.25) -> Table:
    """A table whose last column is the target, its last rows being the test part."""
    arrays = {
        name: np.asarray(column, float if np.asarray(column).dtype.kind in "fiu" else object)
        for name, column in columns.items()
    }
    *features, target = arrays
    size = len(arrays[target])
    cut = round(size * (1 - test))
    rows = {"train": np.arange(cut), "test": np.arange(cut, size)}
    return Table(RawData({"train": Dataset("made.csv", arrays)}, rows, features, [target], classification))


def rehearsal(folder: Path, config: str, X: Array, y: Array, *changes: str) -> Rehearsal:
    """A rehearsal of a config on made examples, whose last column is the target."""
    rows = [",".join(map(str, (*row, target))) for row, target in zip(X.tolist(), y.tolist(), strict=True)]
    names = ",".join([*(f"x{k}" for k in range(X.shape[1])), "y"])
    (folder / "made.csv").write_text("\n".join([names, *rows]) + "\n", encoding="utf-8")
    (folder / "made.yaml").write_text(config, encoding="utf-8")
    return Rehearsal(build(read_config(folder / "made.yaml", [*changes])))

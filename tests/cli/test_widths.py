"""Columns without names are found by their places, so a file must have as many of them as that of the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.support import csv, idx, npy, npz, parquet

from .support import bp, good, write_config

RNG = np.random.default_rng(4)
X = RNG.integers(0, 50, (12, 5))
Y = np.arange(12) % 2
XY = np.column_stack([X, Y])
EXTRA = np.column_stack([np.arange(12), XY])


def cells(values: Any) -> bytes:
    """A table without a header."""
    return "".join(",".join(map(str, row)) + "\n" for row in values.tolist()).encode()


FORMATS = {
    "npy": npy,
    "npz": lambda values: npz(features=values),
    "idx": lambda values: idx(values, "int32"),
    "csv": cells,
}


def trained(folder: Path, data: str, form: str) -> None:
    header = "header: false" if form == "csv" else "header: true"
    write_config(folder / "c.yaml", f"data: {{path: {data}, {header}}}\nloss: cross_entropy\nepochs: 1\n")
    good("train", "c.yaml", "--run", "run", "--quiet", cwd=folder)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_with_another_number_of_columns_without_names_is_refused(form: str, tmp_path: Path) -> None:
    """The last column is the target of the one run, a file of its own holds that of the other."""
    for name, values in {"X": X, "XY": XY, "EXTRA": EXTRA, "FEW": X[:, :4]}.items():
        (tmp_path / f"{name}.d").write_bytes(FORMATS[form](values))
    (tmp_path / "y.d").write_bytes(idx(Y))
    trained(tmp_path, "XY.d", form)
    assert good("predict", "run", "--data", "X.d", cwd=tmp_path) == good(
        "predict", "run", "--data", "XY.d", cwd=tmp_path
    )
    for name, found in (("EXTRA", 7), ("FEW", 4)):
        result = bp("predict", "run", "--data", f"{name}.d", cwd=tmp_path)
        assert (result.status, result.out) == (3, "")
        assert result.errors == [
            f"error: {name}.d: it has {found} columns without names, the training file has 6, or 5 without the target",
            "hint: give the columns of the training file in its order",
        ]
    assert bp("evaluate", "run", "--data", "EXTRA.d", cwd=tmp_path).status == 3
    (tmp_path / "run").rename(tmp_path / "old")
    trained(tmp_path, "{features: X.d, targets: y.d}", form)
    good("evaluate", "run", "--data", "X.d", "--targets", "y.d", cwd=tmp_path)
    for words in (["predict", "run", "--data", "XY.d"], ["evaluate", "run", "--data", "XY.d", "--targets", "y.d"]):
        result = bp(*words, cwd=tmp_path)
        assert (result.status, result.out) == (3, "")
        assert result.errors[0] == "error: XY.d: it has 6 columns without names, the training file has 5"


def test_the_parts_of_a_config_have_the_same_number_of_columns_without_names(tmp_path: Path) -> None:
    (tmp_path / "train.npy").write_bytes(npy(XY))
    (tmp_path / "test.npy").write_bytes(npy(EXTRA[:, [6, 0, 1, 2, 3, 6, 5]]))
    write_config(tmp_path / "c.yaml", "data: {train: train.npy, test: test.npy}\nloss: cross_entropy\nepochs: 1\n")
    result = bp("train", "c.yaml", cwd=tmp_path)
    assert result.status == 3
    assert "test.npy: it has 7 columns without names, the training file has 6" in result.errors[0]


def test_columns_with_names_may_stand_in_any_order_among_others(tmp_path: Path) -> None:
    columns = {**{f"c{i}": X[:, i] for i in range(5)}, "y": Y}
    turned = {"id": range(12), **dict(reversed(columns.items()))}
    for form, write in {"csv": lambda of: csv(of).encode(), "parquet": parquet}.items():
        folder = tmp_path / form
        folder.mkdir()
        (folder / "a").write_bytes(write(columns))
        (folder / "b").write_bytes(write(turned))
        (folder / "renamed").write_bytes(write({"C0" if name == "c0" else name: of for name, of in columns.items()}))
        trained(folder, "a", "")
        assert good("predict", "run", "--data", "a", cwd=folder) == good("predict", "run", "--data", "b", cwd=folder)
        result = bp("predict", "run", "--data", "renamed", cwd=folder)
        assert (result.status, result.out) == (2, "")
        assert "has no column 'c0'" in result.errors[0]
    (tmp_path / "csv/twice").write_bytes(csv(columns).replace("c1", "c0", 1).encode())
    assert bp("predict", "run", "--data", "twice", cwd=tmp_path / "csv").status == 3

"""CSV that a spreadsheet may open: text of the data is no formula there, and comes back."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bpcli.reporting.harmless import harmless
from tests.cli.support import good, write_config

FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-x", "-", "+x")
PLAIN = ("-1.5", "+3", "-1,234.5", "+1.234,5", "-1e-3", "-.5", "a=b", "'quoted'", "", "0", "p-x", "it's")


def test_a_formula_gets_one_apostrophe_and_anything_else_stays() -> None:
    for cell in FORMULAS:
        assert harmless(cell) == f"'{cell}"
    for plain in (*PLAIN, -1.5, None, 3):
        assert harmless(plain) == plain
    written = [harmless(cell) for cell in (*FORMULAS, *PLAIN)]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("formula", ["=1+1", "@x"])
def test_labels_names_and_kept_cells_are_no_formulas(formula: str, tmp_path: Path) -> None:
    rows = "".join(f"{i % 2},{formula}{i},{(formula, 'b')[i % 2]},-1.5\n" for i in range(20))
    (tmp_path / "t.csv").write_text(f"a,=id,y,c\n{rows}")
    config = "data: {path: t.csv, target: y, features: [a]}\nloss: cross_entropy\nepochs: 2\n"
    write_config(tmp_path / "c.yaml", config)
    good("train", "c.yaml", "--run", "run", "--quiet", cwd=tmp_path)
    found = good("predict", "run", "--data", "t.csv", "--keep", "=id", "--keep", "c", cwd=tmp_path).rows
    assert [row["'=id"] for row in found] == [f"'{formula}{i}" for i in range(20)]
    assert {row["prediction"] for row in found} <= {f"'{formula}", "b"}
    assert {row["c"] for row in found} == {"-1.5"}
    good("evaluate", "run", "--data", "t.csv", "--output", "e", cwd=tmp_path)
    for path in (tmp_path / "e").iterdir():
        with path.open(newline="") as file:
            assert not [cell for row in csv.reader(file) for cell in row if cell[:1] in ("=", "@")]
    assert f"'{formula}" in (tmp_path / "e/classes.csv").read_text()

"""Variables that would give BLAS threads are set aside, and commands that train say so and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpcli.cli import library_threads
from bpcli.cli.library_threads import VARIABLES, hold_to_one, warnings_of
from tests.cli.support import good, points, write_config

ASIDE = (
    "OMP_NUM_THREADS=4 is set aside: the number of BLAS's threads changes the last bits of results; "
    "threads: 4 uses the cores and changes none"
)


def test_only_another_number_than_one_is_set_aside() -> None:
    environment = {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": ""}
    assert hold_to_one(environment) == {"OMP_NUM_THREADS": "4"}
    assert {name: environment[name] for name in VARIABLES} == dict.fromkeys(VARIABLES, "1")
    assert environment["NUMBA_NUM_THREADS"] == "8"
    assert hold_to_one(environment) == {}
    assert warnings_of({"OMP_NUM_THREADS": "4"}) == [ASIDE]
    assert "threads: auto uses" in warnings_of({"OMP_NUM_THREADS": "4,2"})[0]


def test_a_training_says_so_once_and_a_quiet_one_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points(tmp_path / "points.csv")
    write_config(tmp_path / "points.yaml", "data: {path: points.csv}\nloss: cross_entropy\nepochs: 1\n")
    for words, said in ((["--quiet"], False), ([], True), ([], False)):
        if words or said:
            monkeypatch.setattr(library_threads, "set_aside", {"OMP_NUM_THREADS": "4"})
        found = good("train", "points.yaml", *words, cwd=tmp_path)
        assert (f"warning: {ASIDE}" in " ".join(found.err.split())) is said
    monkeypatch.setattr(library_threads, "set_aside", {"OMP_NUM_THREADS": "4"})
    assert good("evaluate", "runs/points-001", "--split", "train", cwd=tmp_path).err == ""

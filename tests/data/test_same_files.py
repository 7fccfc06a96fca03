"""Parts that are the same file: said, whatever its name."""

from __future__ import annotations

from pathlib import Path

from .support import csv, loaded, write


def test_parts_of_the_same_bytes_are_told_of(tmp_path: Path) -> None:
    rows = csv({"a": range(6), "y": ["u", "v"] * 3})
    path, copy = write(tmp_path, "a.csv", rows), write(tmp_path, "b.csv", rows)
    (tmp_path / "link.csv").symlink_to(path)
    other = write(tmp_path, "c.csv", rows.replace("0", "9"))
    for same in (path, copy, str(tmp_path / "link.csv")):
        assert loaded(path, validation=other, test=same).warnings.lines() == [
            f"test and train are the same examples: {same} has the same bytes"
        ]
    assert loaded(path, validation=other, test=copy.replace("b.csv", "c.csv")).warnings.lines() == [
        f"test and validation are the same examples: {other} has the same bytes"
    ]
    assert loaded(path, test=other).warnings.lines() == []

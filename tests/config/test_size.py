"""A config of any size is read or refused in about a second, with a report that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpcli.config import document
from bpcli.config.reading import MOST_ERRORS, read_config
from bpcli.errors import BpError

from .support import BASE


def reported(path: Path, text: str) -> list[str]:
    """The report of a config that is refused, its folder left out."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BpError) as found:
        read_config(path, [])
    return [line.replace(str(path), "c.yaml") for line in found.value.lines()]


def test_too_many_values_are_refused_where_they_become_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "MOST_VALUES", 200)
    hint = "hint: a config has a few lines; leave out lists that are so long"
    what = "it has more than 200 keys and values"
    lines = "".join(f"k{i}: []\n" for i in range(200))
    assert reported(tmp_path / "c.yaml", lines) == [f"error: c.yaml:100: {what}", hint]
    assert reported(tmp_path / "c.yaml", "[" + "x, " * 200 + "]") == [f"error: c.yaml:1: {what}", hint]


def test_mistakes_beyond_the_first_are_counted(tmp_path: Path) -> None:
    keys = "".join(f"key_{i}: 1\n" for i in range(MOST_ERRORS + 1000))
    found = reported(tmp_path / "c.yaml", BASE + keys)
    assert found[:2] == [
        "error: c.yaml:1: 1,000 more unknown keys than those named here",
        "hint: is this a config of bp?",
    ]
    assert sum(line.startswith("error:") for line in found) == MOST_ERRORS + 1
    values = "".join(f"{i}, " for i in range(MOST_ERRORS + 7))
    found = reported(tmp_path / "c.yaml", f"{BASE}network: {{hidden: [{values.replace(', ', '.5, ')}]}}\n")
    assert found[0] == "error: c.yaml:1: 7 more wrong values than those named here"

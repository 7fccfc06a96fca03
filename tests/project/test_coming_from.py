"""Every setting that docs/look_up/coming-from.md gives is one that a config takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bpcli.config.document import dump, parse
from bpcli.config.reading import read_config
from bpcli.errors import BpError

PAGE = Path(__file__).parents[2] / "docs/look_up/coming-from.md"

ROWS = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
"""The rows of its tables, heads among them."""


def settings(row: str) -> list[str]:
    """The YAML in a row: its second cell, and what stands as a whole key elsewhere."""
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
    return re.findall(r"`([^`]+)`", cells[1])


CASES = [text for row in ROWS for text in settings(row)]


def merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The base with the keys of ``own``, mapping by mapping."""
    both = dict(base)
    for key, value in own.items():
        old = both.get(key)
        both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


BASE: dict[str, Any] = {"data": {"path": "t.csv", "split": {"validation": 0.2}}, "loss": "half_squared_error"}


def test_every_piece_of_yaml_is_read_as_a_config(tmp_path: Path) -> None:
    assert len(CASES) > 90
    for text in CASES:
        given = parse(text, "page", tmp_path).plain()
        base = {**BASE, "data": {}} if "train" in given.get("data", {}) else BASE
        file = tmp_path / "c.yaml"
        file.write_text(dump(merged(base, given)), encoding="utf-8")
        try:
            read_config(file, [])
        except BpError as error:
            pytest.fail(f"{text}: {error}")


def test_a_setting_that_does_not_exist_would_be_noticed(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(dump(merged(BASE, {"optimizer": {"name": "adam", "nesterov": True}})), encoding="utf-8")
    with pytest.raises(Exception, match="nesterov"):
        read_config(file, [])

"""The tables of docs/understand/scaling.md are those that its commands print."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.scaling.tables import TABLES

PAGE = (Path(__file__).parents[2] / "docs" / "understand" / "scaling.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_page_is_what_its_command_prints(name: str) -> None:
    text = "\n".join(TABLES[name]())
    assert f"<!-- python -m benchmarks.scaling {name} -->\n\n{text}\n" in PAGE

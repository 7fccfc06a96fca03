"""Names of run folders: what one line can show, whatever the config is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.support import bp, good, line, listing, refused, write_config

CONFIG = """
    data: {path: line.csv, target: y}
    loss: half_squared_error
    epochs: 1
    """


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    line(tmp_path / "line.csv")
    return tmp_path


def test_an_automatic_name_is_printable_and_else_the_stem(folder: Path) -> None:
    for stem, name in {
        "a b": "a b",
        "-x": "-x",
        "größe (2)": "größe (2)",
        "two\nlines": "two_lines",
        "\x1b[31mred": "_[31mred",
        "tab\tnul\x7f": "tab_nul_",
        "a\u2028b\u202ec": "a_b_c",
        "$(touch x);'\"": "$(touch x);'\"",
    }.items():
        write_config(folder / f"{stem}.yaml", CONFIG)
        result = bp("train", f"./{stem}.yaml", "--quiet", cwd=folder)
        assert (result.status, result.out.encode("ascii", "backslashreplace").decode(), result.err) == (
            0,
            f"runs/{name}-001\n".encode("ascii", "backslashreplace").decode(),
            "",
        )
        assert (folder / f"runs/{name}-001/model.safetensors").is_file()
    assert not (folder / "x").exists()


def test_the_next_number_is_of_the_printable_name(folder: Path) -> None:
    for stem in ("a\tb", "a\nb"):
        write_config(folder / f"{stem}.yaml", CONFIG)
        good("train", f"{stem}.yaml", "--quiet", cwd=folder)
    assert sorted(os.listdir(folder / "runs")) == ["a_b-001", "a_b-002"]


def test_a_name_with_what_no_line_can_show_is_refused(folder: Path) -> None:
    write_config(folder / "c.yaml", CONFIG)
    before = listing(folder)
    for char, shown in {"\n": "\\n", "\x1b": "\\x1b", "\u2028": "\\u2028"}.items():
        error = f"x{shown}y: a run folder's name cannot have the character '{shown}'"
        words = ("train", "c.yaml", "--run", f"x{char}y")
        refused(*words, cwd=folder, status=2, error=error, hint="name another folder")
        refused(*words, "--seeds", "2", cwd=folder, status=2, error=error, hint="name another folder")
    assert listing(folder) == before

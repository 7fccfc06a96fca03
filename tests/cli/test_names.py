"""Names and labels of any characters: exact where a program reads them, escaped where a person does."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from bpcli.reporting.harmless import harmless
from tests.cli.support import good, read_metrics, refused, write_config, write_table

COLUMNS = ["x\x1b[31m", "[red]y[/red]", 'say "hi", you', "two\nlines"]
TARGET = "class: {b} #1"
LABELS = [
    "a,b",
    'q"uote',
    "line\nbreak",
    "carriage\rreturn",
    "\x1b]0;title\x07",
    "[bold]b[/]",
    ":smile:",
    "größe",
    "- x",
    "null",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("names")
    rows = [[i, i * i % 11, "uv"[i % 2], i % 3, LABELS[i % len(LABELS)]] for i in range(54)]
    write_table(place / "odd.csv", [*COLUMNS, TARGET], rows)
    write_config(
        place / "odd.yaml",
        """
        data:
          path: odd.csv
          target: "class: {b} #1"
          features: ["x\\e[31m", "[red]y[/red]", 'say "hi", you', "two\\nlines"]
          missing: []
        loss: cross_entropy
        epochs: 2
        """,
    )
    good("train", "odd.yaml", "--run", "run", cwd=place)
    return place


def test_the_resolved_config_keeps_them(folder: Path, tmp_path: Path) -> None:
    good("train", folder / "run/config.yaml", "--run", "again", cwd=tmp_path)
    assert read_metrics(tmp_path / "again") == read_metrics(folder / "run")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (folder / "run/model.safetensors").read_bytes()
    assert "\x1b" not in (folder / "run/config.yaml").read_text()


def test_predictions_are_csv_that_reads_back_but_for_an_apostrophe_before_formulas(folder: Path) -> None:
    words = ["--keep", COLUMNS[0], "--keep", TARGET, "--keep", COLUMNS[3]]
    result = good("predict", "run", "--data", "odd.csv", *words, cwd=folder)
    header, *rows = csv.reader(io.StringIO(result.out, newline=""))
    labels = sorted(LABELS)
    assert header == [COLUMNS[0], TARGET, COLUMNS[3], "prediction", *(f"p_{label}" for label in labels)]
    assert [row[1] for row in rows] == [harmless(LABELS[i % len(LABELS)]) for i in range(54)]
    for row in rows:
        shares = [float(cell) for cell in row[4:]]
        assert row[3] == harmless(labels[shares.index(max(shares))])


def test_an_output_file_has_the_bytes_of_standard_output(folder: Path) -> None:
    shown = good("predict", "run", "--data", "odd.csv", cwd=folder).out
    good("predict", "run", "--data", "odd.csv", "--output", "out.csv", cwd=folder)
    assert (folder / "out.csv").read_bytes().decode() == shown
    assert "\x1b]0;title\x07" in shown


def test_classes_are_exact_in_json_and_escaped_in_the_table(folder: Path) -> None:
    report = good("evaluate", "run", "--json", cwd=folder).json
    assert [row["class"] for row in report["classes"]] == sorted(LABELS)
    table = good("evaluate", "run", cwd=folder).out.splitlines()
    names = [
        "\\x1b]0;title\\x07",
        "- x",
        ":smile:",
        "[bold]b[/]",
        "a,b",
        "carriage\\rreturn",
        "größe",
        "line\\nbreak",
        "null",
        'q"uote',
    ]
    of_classes = table[table.index("") + 2 :][: len(names)]
    assert [row[: len(name)] for row, name in zip(of_classes, names, strict=True)] == names
    assert not any(character < " " for line in table for character in line)  # the confusion matrix included


def test_a_missing_column_is_named_with_escapes(folder: Path, tmp_path: Path) -> None:
    path = write_table(tmp_path / "narrow.csv", COLUMNS[1:], [[1, "u", 2]])
    refused(
        *("predict", "run", "--data", path),
        cwd=folder,
        status=2,
        error=f"{path} has no column 'x\\x1b[31m'",
        hint='its columns are [red]y[/red], say "hi", you, two\\nlines',
    )


def test_a_bad_cell_is_shown_with_escapes(folder: Path, tmp_path: Path) -> None:
    path = write_table(tmp_path / "bad.csv", COLUMNS, [[1, 2, "u", 0], [1, "[red]\x07", "u", 0]])
    result = good("predict", "run", "--data", path, cwd=folder)
    assert result.errors[-1] == (
        f"warning: column '[red]y[/red]', of numbers in training, holds '[red]\\x07' at {path}:4 (1 of 2 cells), "
        "which counts as missing; if it means missing: data.missing: ['[red]\\x07']"
    )


def test_warnings_name_columns_with_escapes(folder: Path, tmp_path: Path) -> None:
    rows = [[1, i * i % 11, "uv"[i % 2], i % 3, LABELS[i % 2]] for i in range(10)]
    write_table(tmp_path / "odd.csv", [*COLUMNS, TARGET], rows)
    result = good("train", folder / "odd.yaml", "data.path=odd.csv", "--run", "run", cwd=tmp_path)
    assert result.errors[0] == "warning: 1 column constant in training: x\\x1b[31m"


def test_runs_show_settings_with_escapes(folder: Path) -> None:
    for name, target in (("a", TARGET), ("b", "two\nlines")):
        changes = [f'data.target="{target}"'.replace("\n", "\\n"), "data.features=null", "--run", f"two/{name}"]
        good("train", "odd.yaml", *changes, cwd=folder)
    rows = good("runs", "two", "--csv", cwd=folder).rows
    assert {row["data.target"] for row in rows} == {TARGET, "two\nlines"}
    shown = good("runs", "two", cwd=folder).out
    assert len(shown.splitlines()) == 3
    assert "two\\nlines" in shown


def test_a_run_may_have_any_name_that_can_be_printed(folder: Path) -> None:
    name = "[red] größe ✓"
    result = good("train", "odd.yaml", "--run", name, cwd=folder)
    assert result.out == f"{name}\n"
    assert result.errors[-1] == f"run: {name}"
    hint = "name another folder"
    taken = f"{name}: it exists already, and a run is never overwritten"
    refused("train", "odd.yaml", "--run", name, cwd=folder, status=2, error=taken, hint=hint)
    for char, shown in (("\x1b", "\\x1b"), ("\n", "\\n"), ("\u202e", "\\u202e")):
        odd = f"r{shown}un: a run folder's name cannot have the character '{shown}'"
        refused("train", "odd.yaml", "--run", f"r{char}un", cwd=folder, status=2, error=odd, hint=hint)


def test_a_config_of_any_name_makes_a_run(folder: Path) -> None:
    path = folder / "[b] \x1b.v2.yaml"
    path.write_bytes((folder / "odd.yaml").read_bytes())
    assert good("train", path.name, "--quiet", cwd=folder).out == "runs/[b] _.v2-001\n"

"""``bp report``: one file, its name on standard output, and nothing of somebody else's written over."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.support import good, points, refused, write_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run."""
    path = tmp_path_factory.mktemp("reported")
    points(path / "points.csv")
    write_config(path / "points.yaml", "data: {path: points.csv, split: {test: 0.3}}\nloss: cross_entropy\nepochs: 2\n")
    good("train", "points.yaml", "--run", "runs/a", "--quiet", cwd=path)
    return path


def test_the_file_is_named_and_may_be_written_again(folder: Path) -> None:
    result = good("report", "runs/a", cwd=folder)
    assert (result.out, result.err) == ("report.html\n", "")
    first = (folder / "report.html").read_bytes()
    assert good("report", "runs", "--output", "all.html", cwd=folder).out == "all.html\n"
    good("report", "runs/a", cwd=folder)
    assert (folder / "report.html").read_bytes() == first
    (folder / "report.html").unlink()


def test_no_file_of_somebody_else_is_written_over(folder: Path) -> None:
    (folder / "mine.html").write_text("<p>mine</p>", encoding="utf-8")
    for output in ("mine.html", "points.csv"):
        error, hint = f"{output}: it is a file that bp did not write", "name another file to write, or remove it"
        refused("report", "runs/a", "--output", output, cwd=folder, status=2, error=error, hint=hint)
    error, hint = "runs/a/run.json: it belongs to the run in this folder", "name another file to write"
    refused("report", "runs/a", "--output", "runs/a/run.json", cwd=folder, status=2, error=error, hint=hint)


def test_what_is_missing_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error, hint = "nowhere: no such folder", "name the folder that holds the runs"
    refused("report", "nowhere", cwd=folder, status=3, error=error, hint=hint)
    for module, what, extra in (
        ("jinja2", "writing a report needs Jinja2", "report"),
        ("matplotlib.figure", "drawing a picture in a file needs Matplotlib", "plot"),
    ):
        with monkeypatch.context() as without:
            without.setitem(sys.modules, module, None)
            error, hint = f"command line: {what}", f"pip install 'bpcli[{extra}]'"
            refused("report", "runs/a", cwd=folder, status=2, error=error, hint=hint)

"""``bp plot``: in the terminal and in files, of one run and of several, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import bp, good, listing, on_terminal, points, refused, write_config


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a series of three seeds, a run of a regression, and one without a whole epoch."""
    folder = tmp_path_factory.mktemp("plot")
    points(folder / "points.csv")
    write_config(
        folder / "points.yaml",
        """
        data: {path: points.csv, split: {validation: 0.2, test: 0.2}}
        network: {hidden: [3]}
        loss: cross_entropy
        epochs: 3
        """,
    )
    good("train", "points.yaml", "--seeds", "3", "--run", "series", "--quiet", cwd=folder)
    regression = ("data.target=y", "loss=half_squared_error", "data.split=null", "network.hidden=[]")
    good("train", "points.yaml", *regression, "--run", "regression", "--quiet", cwd=folder)
    return folder


def test_the_default_is_learning_curves_in_80_columns(runs: Path) -> None:
    text = good("plot", "series/seed-0", cwd=runs).out
    lines = text.splitlines()
    assert lines[0] == "seed-0: learning curves"
    assert lines[2] == "loss:  o training  x validation  ◆ kept epoch"
    assert {len(line) for line in lines if "┐" in line} == {80}
    assert "\x1b" not in text
    assert lines[-1].startswith("3 epochs, epoch ")


def test_a_series_is_a_band(runs: Path) -> None:
    text = good("plot", "series", cwd=runs).out
    assert text.startswith("learning curves of 3 runs\n")
    assert "░" in text
    assert text.endswith("3 runs, a line through their medians, a band from the lowest to the highest.\n")
    named = ("series/seed-0", "series/seed-1", "series/seed-2")
    assert good("plot", *named, cwd=runs).out == text


@pytest.mark.parametrize(("suffix", "magic"), [("svg", b"<?xml"), ("PNG", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_file_has_the_format_of_its_suffix(runs: Path, tmp_path: Path, suffix: str, magic: bytes) -> None:
    result = good("plot", "series/seed-0", "--kind", "confusion", "--output", tmp_path / f"x.{suffix}", cwd=runs)
    assert (result.out, result.err) == ("", "")
    assert (tmp_path / f"x.{suffix}").read_bytes().startswith(magic)
    assert listing(tmp_path).keys() == {str(tmp_path / f"x.{suffix}")}


def test_a_picture_that_does_not_exist_is_refused_with_those_that_do(runs: Path) -> None:
    refused(
        *("plot", "regression", "--kind", "confusion"),
        cwd=runs,
        status=2,
        error="regression: there is no picture confusion: the run is a regression",
        hint="of it there is --kind curves, residuals, importance, weights, distributions, differences",
    )


def test_what_is_asked_wrongly_is_refused(runs: Path) -> None:
    for words, error, hint in (
        (("x", "--kind", "curve"), "no such folder", "see bp runs"),
        (("regression", "--kind", "curve"), "there is no kind of picture 'curve'", "did you mean 'curves'?"),
        (("series", "--kind", "confusion"), "confusion shows one run, not 3", "name one run; of several there is"),
        (("regression", "--split", "test"), "--split: curves shows no part of the data", "leave it out"),
        (("regression", "--output", "x.jpg"), "no picture has the suffix '.jpg'", "choose from .svg, .pdf, .png"),
        (("regression", "--output", "points.csv"), "no picture has the suffix '.csv'", "choose from"),
    ):
        result = bp("plot", *words, cwd=runs)
        assert (result.status, result.out) == (3 if words[0] == "x" else 2, "")
        assert error in result.err
        assert f"hint: {hint}" in result.err


def test_a_file_of_a_run_is_not_written_over(runs: Path) -> None:
    link = runs / "link.png"
    link.symlink_to("series/seed-0/metrics.csv")
    before = (runs / "series/seed-0/metrics.csv").read_bytes()
    result = bp("plot", "series", "--output", "link.png", cwd=runs)
    assert result.status == 2
    assert "it belongs to the run in this folder" in result.err
    assert (runs / "series/seed-0/metrics.csv").read_bytes() == before
    link.unlink()


def test_an_unreadable_run_among_others_is_left_out_with_a_warning(runs: Path) -> None:
    result = good("plot", "series/seed-0", "nowhere", cwd=runs)
    assert result.err == "warning: skipped: nowhere: no such folder\n"
    assert result.out == good("plot", "series/seed-0", cwd=runs).out


def test_a_run_that_has_no_such_picture_is_left_out_of_those_that_have(runs: Path) -> None:
    config = ("train", "points.yaml", "data.target=y", "loss=half_squared_error", "--quiet")
    bp(*config, "optimizer.learning_rate=1e30", "--run", "several/wild", cwd=runs)
    good(*config, "--run", "several/tame", cwd=runs)
    notes = good("plot", "several", cwd=runs).out.splitlines()[-2:]
    assert notes == [notes[0], "several/wild is left out: no epoch of it has ended."]
    assert notes[0].startswith("3 epochs")
    refused(
        *("plot", "several/wild", "several/wild"),
        cwd=runs,
        status=2,
        error="several/wild: there is no picture curves: no epoch of it has ended",
        hint="of it there is --kind residuals, importance, weights, distributions, differences",
    )


def test_a_run_that_is_named_twice_counts_once(runs: Path) -> None:
    twice = good("plot", "series/seed-0", "series/../series/seed-0", cwd=runs).out
    assert twice == good("plot", "series/seed-0", cwd=runs).out


def test_without_the_libraries_the_remedy_is_said(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("matplotlib", "plotext"):
        monkeypatch.setitem(__import__("sys").modules, library, None)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    refused(
        *("plot", "regression"),
        cwd=runs,
        status=2,
        error="command line: drawing in the terminal needs plotext",
        hint="pip install 'bpcli[plot]'",
    )
    refused(
        *("plot", "regression", "--output", tmp_path / "x.png"),
        cwd=runs,
        status=2,
        error="command line: drawing a picture in a file needs Matplotlib",
        hint="pip install 'bpcli[plot]'",
    )


def test_training_draws_its_curves_below_the_bar(runs: Path) -> None:
    words = ("train", "points.yaml", "epochs=40", "--plot", "--run", "live")
    text = on_terminal(*words, cwd=runs, width=80).out
    below = text.rpartition("epoch 40/40")[2]
    assert "loss:  o training  x validation" in below
    assert "└" in below


def test_curves_are_of_one_run_on_a_terminal(runs: Path) -> None:
    for words in (("--quiet",), ("--seeds", "2"), ("--folds", "2")):
        refused(
            *("train", "points.yaml", "--plot", *words),
            cwd=runs,
            status=2,
            error=f"command line: {words[0]} with --plot, which shows one run's progress",
            hint="leave one out; bp plot draws the curves of finished runs",
        )
    refused(
        *("train", "--resume", "series", "--plot"),
        cwd=runs,
        status=2,
        error="command line: --plot, which shows one run's progress, of a series",
        hint="leave it out; bp plot draws a series",
    )
    result = good("train", "points.yaml", "epochs=1", "--plot", "--run", "elsewhere", cwd=runs)
    assert result.err.startswith("warning: --plot draws on a terminal alone, and standard error is none; bp plot")
    assert "└" not in result.err

"""Where output goes: streams that are full, closed or absent, and reports of bp's own defects."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bpcli import cli
from bpcli.errors import DataError
from bpcli.runs import reopen
from tests.cli.support import Result, bp, good, listing, process, shell, write_config

CONTROL = set(map(chr, range(32))) - {"\n"} | {"\x7f"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("output")
    rng = np.random.default_rng(0)
    np.savez(place / "points.npz", features=rng.normal(0, 1, (60, 2)), targets=np.array(["ash", "birch"] * 30))
    write_config(
        place / "points.yaml", "data: {path: points.npz, split: {validation: 0.2}}\nloss: cross_entropy\nepochs: 3\n"
    )
    good("train", "points.yaml", "--run", "run", cwd=place)
    return place


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "run", "--data", "points.npz", "--output"],
        ["gradcheck", "run", "--export"],
        ["stepcheck", "run", "--export"],
        ["data", "convert", "points.csv"],
    ],
    ids=lambda words: words[0],
)
def test_no_command_writes_over_a_run_its_data_or_its_config(folder: Path, words: list[str]) -> None:
    """Whatever the command: by name, through a link, and where the file is not there yet."""
    (folder / "link.npy").unlink(missing_ok=True)
    (folder / "link.npy").symlink_to("run/model.safetensors")
    (folder / "points.csv").write_text("a,b\n1,2\n")
    own = ["run/model.safetensors", "run/checkpoint.safetensors", "run/config.yaml", "run/run.json", "run/metrics.csv"]
    given = {"data": ["link.npy"], "predict": [*own, "link.npy", "run/.lock", "points.npz"]}
    before = listing(folder)
    for name in given.get(words[0], [*own, "points.npz"]):
        result = bp(*words, name, cwd=folder)
        belongs = "it is an input of this command" if name == "points.npz" else "it belongs to the run in this folder"
        assert result == Result(2, "", f"error: {name}: {belongs}\nhint: name another file to write\n")
    assert listing(folder) == before


COMMANDS = [
    ["train", "points.yaml"],
    ["train", "points.yaml", "--json"],
    ["train", "points.yaml", "--quiet"],
    ["evaluate", "run"],
    ["evaluate", "run", "--json"],
    ["predict", "run", "--data", "points.npz"],
    ["runs", "."],
    ["runs", ".", "--csv"],
    ["runs", ".", "--json"],
    ["config", "check", "points.yaml"],
    ["config", "show", "points.yaml"],
    ["config", "schema"],
    ["list"],
    ["list", "losses"],
    ["list", "activations", "leaky_relu"],
    ["--version"],
    ["--help"],
    ["train", "--help"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_results_go_to_standard_output_and_what_training_checking_and_ranking_say_elsewhere_all_in_plain_text(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    result = good(*words, cwd=folder)
    assert not CONTROL & set(result.out + result.err)
    spoken = words[0] == "train" and "--quiet" not in words and "--help" not in words
    ranked = words == ["runs", "."]
    assert bool(result.err) == (spoken or ranked or words[:2] == ["config", "check"])
    assert bool(result.out) == (words[:2] != ["config", "check"])


def test_errors_go_to_standard_error_alone(folder: Path) -> None:
    result = bp("train", "nowhere.yaml", cwd=folder)
    assert result == Result(2, "", "error: nowhere.yaml: no such config\nhint: name a YAML file\n")


def test_output_is_utf_8_in_every_locale(tmp_path: Path) -> None:
    result = process("list", "losses", "größe", cwd=tmp_path, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert (result.status, result.errors[0]) == (2, "error: command line: no 'größe' among the losses")


# Full targets: no file may grow, not even for the superuser.


def test_an_output_that_cannot_be_written_is_the_systems_refusal(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("precious\n")
    line = f"ulimit -f 0; bp predict {folder}/run --data {folder}/points.npz --output old.csv"
    assert shell(line, cwd=tmp_path) == Result(
        74,
        "",
        "error: old.csv: can't write: file too large\nhint: check the path, its permissions and the space left\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "precious\n"


def test_standard_output_that_cannot_be_written_is_the_systems_refusal(folder: Path, tmp_path: Path) -> None:
    result = shell(f"ulimit -f 0; bp evaluate {folder}/run > out.txt", cwd=tmp_path)
    assert result == Result(74, "", "error: file too large\nhint: check the space left and the permissions\n")


def test_a_run_folder_that_cannot_be_written_is_the_systems_refusal(folder: Path, tmp_path: Path) -> None:
    result = shell(f"ulimit -f 0; bp train {folder}/points.yaml --quiet --run run", cwd=tmp_path)
    assert result == Result(
        74,
        "",
        "error: run/config.yaml: can't write: file too large\n"
        "hint: check the path, its permissions and the space left\n",
    )


@pytest.mark.parametrize("words", ["", "--seeds 2"])
def test_a_full_disk_is_said_with_how_to_go_on(folder: Path, tmp_path: Path, words: str) -> None:
    line = f"ulimit -f 8; bp train {folder}/points.yaml epochs=200 engine=numpy --quiet --run run {words}"
    result = shell(line, cwd=tmp_path)
    error, hint = result.errors
    assert (result.status, result.out) == (74, "")
    assert error.endswith("s.csv: can't write: file too large")
    assert hint.endswith("the space left; then, to go on: bp train --resume run")
    assert shell("bp train --resume run --quiet", cwd=tmp_path).status == 0


def test_standard_error_that_cannot_be_written_changes_no_status(folder: Path, tmp_path: Path) -> None:
    line = f"ulimit -f 0; bp evaluate {tmp_path}/nowhere 2> err.txt"
    assert shell(line, cwd=tmp_path) == Result(3, "", "")


def test_an_output_in_a_folder_that_is_not_there_is_the_systems_refusal(folder: Path) -> None:
    result = bp("predict", "run", "--data", "points.npz", "--output", "none/x.csv", cwd=folder)
    assert result == Result(
        74,
        "",
        "error: none/x.csv: can't write: no such file or directory\n"
        "hint: check the path, its permissions and the space left\n",
    )


def test_an_output_that_is_a_folder_is_the_systems_refusal(folder: Path, tmp_path: Path) -> None:
    result = bp("predict", "run", "--data", "points.npz", "--output", tmp_path, cwd=folder)
    assert (result.status, result.out) == (74, "")
    assert result.errors[0] == f"error: {tmp_path}: can't write: is a directory"


def test_a_pipe_is_written_to_and_not_replaced(folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        good("predict", "run", "--data", "points.npz", "--output", pipe, cwd=folder)
        assert os.read(reader, 1 << 16).decode() == good("predict", "run", "--data", "points.npz", cwd=folder).out
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_stays_and_its_file_is_replaced(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old\n")
    (tmp_path / "link.csv").symlink_to("real.csv")
    good("predict", "run", "--data", "points.npz", "--output", tmp_path / "link.csv", cwd=folder)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("prediction,p_ash,p_birch\n")


# Closed streams.


def test_a_closed_standard_output_stops_nothing(folder: Path, tmp_path: Path) -> None:
    result = shell(f"bp train {folder}/points.yaml --quiet --run run >&-", cwd=tmp_path)
    assert result == Result(0, "", "")
    assert (tmp_path / "run/model.safetensors").exists()


def test_a_closed_standard_error_hides_nothing_but_messages(folder: Path, tmp_path: Path) -> None:
    assert shell(f"bp evaluate {tmp_path}/nowhere 2>&-", cwd=tmp_path) == Result(3, "", "")


def test_a_closed_standard_input_is_empty(folder: Path) -> None:
    result = shell("bp predict run --data - <&-", cwd=folder)
    assert (result.status, result.errors[0]) == (3, "error: <stdin>: the file is empty")


# Defects in bp itself.


@pytest.fixture
def defect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A bp that fails to load models; the folder where it may write its reports."""

    def fail(path: Path) -> None:
        raise RuntimeError(f"no idea what {path} is \udcff")

    monkeypatch.setattr(reopen, "load_model", fail)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_defect_is_written_to_a_file_whose_path_is_shown(folder: Path, defect: Path) -> None:
    result = bp("evaluate", "run", cwd=folder)
    (report,) = defect.iterdir()
    assert result == Result(70, "", f"error: a defect in bp: RuntimeError\nhint: please report it with {report}\n")
    text = report.read_text()
    assert "bp evaluate run" in text
    assert "Traceback (most recent call last)" in text
    assert "RuntimeError: no idea what run is \\udcff" in text


def test_a_defect_whose_report_cannot_be_written_is_described(folder: Path, defect: Path) -> None:
    tempfile.tempdir = str(defect / "absent")
    result = bp("evaluate", "run", cwd=folder)
    assert (result.status, result.out) == (70, "")
    message, hint = result.errors
    assert message == "error: a defect in bp: RuntimeError"
    assert hint.startswith("hint: please report it with this message: no idea what run is \\udcff (")


def test_running_out_of_memory_is_the_systems_refusal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(reopen, "load_model", fail)
    assert bp("evaluate", "run", cwd=folder) == Result(
        74, "", "error: out of memory\nhint: take fewer examples or a smaller network\n"
    )


def test_an_error_is_shown_with_control_characters_as_escapes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise DataError("\x1b[31m[red]\n", where="a\tb", hint="\x07")

    monkeypatch.setattr(reopen, "load_model", fail)
    assert bp("evaluate", "run", cwd=folder) == Result(3, "", "error: a\\tb: \\x1b[31m[red]\\n\nhint: \\x07\n")


def test_the_module_is_the_command(folder: Path) -> None:
    result = process("list", "losses", cwd=folder)
    assert result == good("list", "losses", cwd=folder)
    assert cli.__file__

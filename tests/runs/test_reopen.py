"""A run opened again: what it is made of, and whether its data are still those that it was trained on."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest

from bpcli.errors import BpError, DataError, ExitStatus
from bpcli.runs.folder import RUN_FILES
from bpcli.runs.model_file import load_model
from bpcli.runs.reopen import open_experiment, reopen
from tests.cli.support import Result, bp, good, points, read_record, refused, write_config, write_record

CONFIG = """
    data: {train: train.csv, test: test.csv}
    network: {hidden: [5]}
    loss: cross_entropy
    epochs: 1
"""

ON_ITS_DATA = {"evaluate": ["evaluate", "run"], "explain": ["explain", "run"], "gradcheck": ["gradcheck", "run"]}
"""The commands that open a run with its own data."""

ALL = {**ON_ITS_DATA, "predict": ["predict", "run", "--data", "test.csv"]}

OVERRIDE_HINT = "restore the data file, or leave out the overrides that change how the data are encoded"
on_its_data = pytest.mark.parametrize("command", list(ON_ITS_DATA))
every_command = pytest.mark.parametrize("command", list(ALL))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run, ``run``, on train.csv and test.csv."""
    points(tmp_path / "train.csv")
    points(tmp_path / "test.csv", 9, seed=2)
    write_config(tmp_path / "points.yaml", CONFIG)
    good("train", "points.yaml", "--run", "run", "--quiet", cwd=tmp_path)
    return tmp_path


# What a run is made of.


@pytest.mark.parametrize("name", ["run", "run/model.safetensors"])
def test_a_model_is_opened_by_its_run_or_by_its_file(folder: Path, name: str) -> None:
    reopened = reopen(folder / name)
    assert reopened.path == folder / name
    assert reopened.model.parameters.theta.tobytes() == load_model(folder / "run").parameters.theta.tobytes()


def test_the_parts_are_those_of_the_training(folder: Path) -> None:
    parts = reopen(folder / "run").parts()
    assert {name: part.size for name, part in parts.items()} == {"train": 60, "test": 9}


def test_an_experiment_is_opened_at_the_trained_parameters_in_double_precision(folder: Path) -> None:
    opened = open_experiment(folder / "run", [])
    assert opened.trained
    assert opened.warnings == []
    theta = opened.experiment.parameters.theta
    assert theta.dtype == np.float64
    assert theta.tolist() == load_model(folder / "run").parameters.theta.astype(np.float64).tolist()


def test_overrides_change_the_experiment_of_a_run(folder: Path) -> None:
    opened = open_experiment(folder / "run", ["optimizer.mode=sgd", "optimizer.batch_size=null"])
    assert opened.config.optimizer.mode == "sgd"
    assert opened.experiment.plan.batch_size == 1


def test_an_experiment_of_a_config_has_its_initial_parameters(folder: Path) -> None:
    opened = open_experiment(folder / "points.yaml", ["seed=3"])
    assert not opened.trained
    assert opened.config.seed == 3
    assert opened.experiment.parameters.theta.dtype == np.float64
    assert not opened.experiment.parameters.b[1].any()


def test_the_parameters_that_a_run_started_from_are_not_needed_again(folder: Path) -> None:
    good("train", "points.yaml", "network.weights=run", "--run", "tuned", "--quiet", cwd=folder)
    (folder / "run/model.safetensors").unlink()
    assert open_experiment(folder / "tuned", []).trained


def test_a_network_of_another_shape_does_not_take_the_trained_parameters(folder: Path) -> None:
    with pytest.raises(DataError, match=r"tensor 'W1' is float32 in shape \(5, 2\), not floats in shape \(6, 2\)"):
        open_experiment(folder / "run", ["network.hidden=[6]"])


# Data that changed.


ON_ROWS = {"evaluate": ["evaluate", "run"], "predict": ["predict", "run", "--split", "train"]}
"""The commands that speak of the run's own rows."""

ON_ANY_ROWS = {command: ON_ITS_DATA[command] for command in ("explain", "gradcheck")}
"""Those whose result is right of any rows."""


@pytest.mark.parametrize("command", list(ON_ANY_ROWS))
def test_a_file_that_changed_is_warned_of(folder: Path, command: str) -> None:
    points(folder / "test.csv", 12, seed=3)
    result = good(*ON_ANY_ROWS[command], cwd=folder)
    assert result.errors == [f"warning: {folder}/test.csv has changed since the run"]
    assert result.out


def test_another_file_than_the_run_learned_from_is_warned_of(folder: Path) -> None:
    (folder / "copy.csv").write_bytes((folder / "train.csv").read_bytes())
    result = good("explain", "run", "data.train=copy.csv", cwd=folder)
    assert result.errors == [f"warning: {folder}/copy.csv is not what the run learned from"]


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("command", list(ON_ROWS))
@pytest.mark.parametrize("change", ["appended", "removed", "one digit", "a new class", "malformed", "another encoding"])
def test_rows_of_other_data_than_the_run_learned_from_are_refused(folder: Path, command: str, change: str) -> None:
    path = folder / "train.csv"
    before, text = sha(path), path.read_bytes().decode()
    lines = text.splitlines(keepends=True)
    changed = {
        "appended": text + lines[-1],
        "removed": "".join(lines[:-1]),
        "one digit": "".join([*lines[:-1], lines[-1].replace(lines[-1][0], "9", 1)]),
        "a new class": text + "1,2,strange\n",
        "malformed": text + "1,2\n",
        "another encoding": "".join([*lines[:-1], "1e9" + lines[-1][1:]]),
    }
    path.write_bytes(changed[change].encode())
    refused(
        *ON_ROWS[command],
        cwd=folder,
        status=3,
        error=f"{path}: not the run's data: its SHA-256 is {sha(path)[:12]}…, the run's was {before[:12]}…",
        hint="restore the file, or measure on any examples with --data FILE",
    )
    good("evaluate", "run", "--data", "test.csv", cwd=folder)
    path.write_bytes(text.encode())
    good(*ON_ROWS[command], cwd=folder)


def test_rows_of_a_file_that_the_run_has_no_hash_of_are_refused(folder: Path) -> None:
    config = folder / "run/config.yaml"
    (folder / "other.csv").write_bytes((folder / "test.csv").read_bytes())
    config.write_text(config.read_text().replace("/test.csv", "/other.csv"))
    write_record(folder / "run", {**read_record(folder / "run"), "config": sha(config)})
    result = bp("evaluate", "run", cwd=folder)
    assert (result.status, result.out) == (3, "")
    assert result.errors[0].endswith("the run has none of it")


def test_rows_that_are_dealt_otherwise_than_in_training_are_refused(folder: Path) -> None:
    write_config(folder / "dealt.yaml", "data: {path: train.csv, split: {test: 0.3}}\nloss: cross_entropy\nepochs: 1\n")
    good("train", "dealt.yaml", "--run", "dealt", "--quiet", cwd=folder)
    good("evaluate", "dealt", cwd=folder)
    split = folder / "dealt/split.csv"
    kept = split.read_text()
    for other in (kept + "60,test\n", kept[:-7], kept.replace("0,t", "1,t", 1)):
        split.write_text(other)
        result = bp("evaluate", "dealt", cwd=folder)
        assert (result.status, result.out) == (3, "")
        assert re.match("error: dealt/split.csv:[0-9]+: the run's rows are dealt to other parts", result.errors[0])
    split.unlink()
    assert bp("evaluate", "dealt", cwd=folder).errors[0] == "error: dealt/split.csv: no such file"


def test_evaluating_on_what_the_model_learned_from_is_said(folder: Path) -> None:
    write_config(folder / "dealt.yaml", "data: {path: train.csv, split: {test: 0.2}}\nloss: cross_entropy\nepochs: 1\n")
    good("train", "dealt.yaml", "--run", "dealt", "--quiet", cwd=folder)
    (folder / "copy.csv").write_bytes((folder / "train.csv").read_bytes())
    all_of_it = "copy.csv is what the model learned from: this is no test of it"
    some_of_it = (
        "copy.csv is the run's own file: the model learned from 48 of these 60 examples; "
        "--split test has those held out"
    )
    for run, said in (("run", all_of_it), ("dealt", some_of_it)):
        result = good("evaluate", run, "--data", "copy.csv", "--json", cwd=folder)
        assert f"warning: {said}" in result.errors
        assert result.json["note"] == said
        other = good("evaluate", run, "--data", "test.csv", "--json", cwd=folder)
        assert "note" not in other.json
    (folder / "run/run.json").unlink()
    assert "note" not in good("evaluate", "run", "--data", "copy.csv", "--json", cwd=folder).json


@on_its_data
def test_data_that_did_not_change_are_not_warned_of(folder: Path, command: str) -> None:
    assert good(*ON_ITS_DATA[command], cwd=folder).err == ""


@pytest.mark.parametrize("command", list(ON_ANY_ROWS))
def test_data_that_are_encoded_differently_are_refused(folder: Path, command: str) -> None:
    points(folder / "train.csv", seed=9)
    refused(
        *ON_ITS_DATA[command],
        cwd=folder,
        status=3,
        error="run: the data are not encoded as those the run was trained on; "
        f"{folder}/train.csv has changed since the run",
        hint=OVERRIDE_HINT,
    )


@pytest.mark.parametrize("change", ["data.scale=none", "data.features=[y, x]", "data.drop=[x]"])
def test_overrides_that_encode_the_data_differently_are_not_explained(folder: Path, change: str) -> None:
    result = bp("explain", "run", change, cwd=folder)
    assert (result.status, result.out) == (3, "")
    assert result.errors[0] == "error: run: the data are not encoded as those the run was trained on"


@pytest.mark.parametrize("change", ["data.scale=none", "data.features=[y, x]", "loss=half_squared_error"])
def test_a_gradient_is_checked_on_data_that_overrides_encode_differently(folder: Path, change: str) -> None:
    result = good("gradcheck", "run", change, cwd=folder)
    assert "the data are not encoded as those the run was trained on" in " ".join(result.errors)


@pytest.mark.parametrize("option", ["--export", "--against"])
def test_gradients_are_not_exchanged_on_data_that_are_encoded_differently(folder: Path, option: str) -> None:
    points(folder / "train.csv", seed=9)
    result = bp("gradcheck", "run", option, "gradients.npz", cwd=folder)
    assert (result.status, result.out) == (3, "")
    assert not (folder / "gradients.npz").exists()


def test_predicting_does_not_depend_on_the_data_of_the_run(folder: Path) -> None:
    before = good(*ALL["predict"], cwd=folder)
    points(folder / "train.csv", seed=9)
    assert good(*ALL["predict"], cwd=folder) == before
    assert before.err == ""


# Files of the run that changed.


FILE_BY_COMMAND = [
    ("config.yaml", ["evaluate", "run"]),
    ("config.yaml", ["evaluate", "run", "--data", "test.csv"]),
    ("config.yaml", ["predict", "run", "--split", "test"]),
    ("config.yaml", ["explain", "run"]),
    ("config.yaml", ["gradcheck", "run"]),
    ("config.yaml", ["stepcheck", "run"]),
    *((name, ["train", "--resume", "run"]) for name in ("config.yaml", "metrics.csv", "checkpoint.safetensors")),
    *((name, ["runs", "."]) for name in ("config.yaml", "metrics.csv")),
]


def test_a_file_of_the_run_that_changed_is_refused_by_whatever_reads_it(folder: Path) -> None:
    for name, words in FILE_BY_COMMAND:
        path = folder / "run" / name
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"1", b"2", 1))
        result = bp(*words, cwd=folder)
        path.write_bytes(whole)
        assert (result.status, result.out) == (3, ""), (name, words, result)
        assert result.errors[0].startswith(f"error: run/{name}: "), (name, words, result)


def test_rows_dealt_otherwise_are_refused_by_resume(folder: Path) -> None:
    write_config(folder / "dealt.yaml", "data: {path: train.csv, split: {test: 0.3}}\nloss: cross_entropy\nepochs: 1\n")
    good("train", "dealt.yaml", "--run", "dealt", "--quiet", cwd=folder)
    split = folder / "dealt/split.csv"
    split.write_text(split.read_text().replace("\n7,", "\n8,"))
    result = bp("train", "--resume", "dealt", cwd=folder)
    assert (result.status, result.out) == (3, "")
    assert result.errors[0].startswith("error: dealt/split.csv:9: the run's rows are dealt to other parts")


# Files that are absent.


@every_command
def test_a_run_without_a_model_is_refused(folder: Path, command: str) -> None:
    (folder / "run/model.safetensors").unlink()
    refused(
        *ALL[command],
        cwd=folder,
        status=3,
        error="run/model.safetensors: no such file",
        hint="name a run folder or a safetensors file",
    )


@on_its_data
def test_a_run_without_a_record_is_refused(folder: Path, command: str) -> None:
    (folder / "run/run.json").unlink()
    refused(
        *ON_ITS_DATA[command],
        cwd=folder,
        status=3,
        error="run: this is no run folder: it has no run.json",
        hint="see bp runs",
    )


@on_its_data
def test_a_run_without_a_config_is_refused(folder: Path, command: str) -> None:
    (folder / "run/config.yaml").unlink()
    result = bp(*ON_ITS_DATA[command], cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert result.errors[0] == "error: run/config.yaml: no such config"
    assert bp("plot", "run", cwd=folder).errors == result.errors


@on_its_data
def test_a_run_without_its_data_is_refused(folder: Path, command: str) -> None:
    (folder / "train.csv").unlink()
    result = bp(*ON_ITS_DATA[command], cwd=folder)
    assert (result.status, result.out) == (3, "")
    assert f"{folder}/train.csv: no such file" in result.errors[0]


@pytest.mark.parametrize("name", ["config.yaml", "run.json", "metrics.csv"])
def test_predicting_needs_the_model_alone(folder: Path, name: str) -> None:
    (folder / "run" / name).unlink()
    assert good(*ALL["predict"], cwd=folder).err == ""


DAMAGED = "the file is damaged: its SHA-256 is not that noted in it"


@pytest.mark.parametrize("cut", [0, 100, -1])
def test_a_model_that_is_cut_short_is_refused(folder: Path, cut: int) -> None:
    path = folder / "run/model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BpError, match=DAMAGED if cut else "not a readable safetensors file") as caught:
        reopen(folder / "run")
    assert caught.value.status == ExitStatus.DATA


@pytest.mark.parametrize("command", ["explain", "gradcheck"])
def test_a_run_is_not_opened_at_other_weights(folder: Path, command: str) -> None:
    refused(
        command,
        "run",
        "network.weights=run",
        cwd=folder,
        status=2,
        error="command line: network.weights, but a run is opened at its trained parameters",
        hint="leave it out, or name a config",
    )


@pytest.mark.parametrize("command", ["evaluate", "predict", "gradcheck", "explain", "doctor", "verify", "train"])
@pytest.mark.parametrize("name", RUN_FILES)
def test_a_pipe_among_the_files_of_a_run_is_not_waited_for(folder: Path, command: str, name: str) -> None:
    (folder / "run" / name).unlink(missing_ok=True)
    os.mkfifo(folder / "run" / name)
    words = {"predict": ["run", "--split", "test"], "train": ["--resume", "run"]}.get(command, ["run"])
    result = bp(command, *words, cwd=folder)
    error = f"error: run/{name}: it is a device or a pipe, not a file\nhint: copy the run again\n"
    assert result == Result(3, "", error)

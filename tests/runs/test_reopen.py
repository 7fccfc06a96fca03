"""A run opened again: what it is made of, and whether its data are still those that it was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.errors import BpError, DataError, ExitStatus
from bpcli.runs.model_file import load_model
from bpcli.runs.reopen import open_experiment, reopen
from tests.cli.support import bp, good, points, refused, write_config

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
HINTS = {
    "evaluate": "restore the data file, or name another with --data",
    "explain": OVERRIDE_HINT,
    "gradcheck": OVERRIDE_HINT,
}

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
    parts, warnings = reopen(folder / "run").parts()
    assert {name: part.size for name, part in parts.items()} == {"train": 60, "test": 9}
    assert warnings == []


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


@on_its_data
def test_a_file_that_changed_is_warned_of(folder: Path, command: str) -> None:
    points(folder / "test.csv", 12, seed=3)
    result = good(*ON_ITS_DATA[command], cwd=folder)
    assert result.errors == [f"warning: {folder}/test.csv has changed since the run"]
    assert result.out


@on_its_data
def test_data_that_did_not_change_are_not_warned_of(folder: Path, command: str) -> None:
    assert good(*ON_ITS_DATA[command], cwd=folder).err == ""


@on_its_data
def test_data_that_are_encoded_differently_are_refused(folder: Path, command: str) -> None:
    points(folder / "train.csv", seed=9)
    refused(
        *ON_ITS_DATA[command],
        cwd=folder,
        status=3,
        error="run: the data are not encoded as those the run was trained on",
        hint=HINTS[command],
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

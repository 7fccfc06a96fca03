"""Runs repeated: the same, or which epoch differs, in what, and what may be the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bpcli.runs.execution import Execution, RunEnded
from bpcli.runs.record import read_record
from bpcli.runs.verification import Verification
from bpcli.storage.sealed import write_json
from bpcli.training.loop import Epoch
from tests.cli.support import Result, bp, good, listing, points, write_config
from tests.runs.support import DIVERGING, execution

POINTS = """
    data: {path: points.csv, split: {validation: 0.2, test: 0.1}}
    network: {hidden: [5]}
    loss: cross_entropy
    optimizer: {name: adam, batch_size: 8}
    epochs: 4
"""

CONFIG_CHANGED = "config.yaml has changed since the run"
SPLIT_CHANGED = "split.csv has not the rows that config.yaml deals to each part"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv")
    write_config(tmp_path / "points.yaml", POINTS)
    good("train", "points.yaml", "--run", "run", "--quiet", cwd=tmp_path)
    return tmp_path


def change_record(folder: Path, **changes: Any) -> None:
    """Write other values into run.json."""
    path = folder / "run/run.json"
    write_json(path, read_record(folder / "run") | changes)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def verdict(folder: Path) -> list[str]:
    """What is printed of a run that is not the same."""
    result = bp("verify", "run", "--quiet", cwd=folder)
    assert (result.status, result.err) == (1, "")
    return result.out.splitlines()


def test_a_run_that_repeats_is_said_in_one_line_and_left_as_it_is(folder: Path) -> None:
    before = listing(folder)
    result = bp("verify", "run", cwd=folder)
    assert result.out == "run: the same bytes again: 4 epochs of metrics.csv and model.safetensors\n"
    assert result.status == 0
    assert [line.split("  ")[0] for line in result.errors[1:]] == ["epoch 1/4", "epoch 2/4", "epoch 4/4"]
    assert listing(folder) == before


def test_json_has_the_verdict(folder: Path) -> None:
    report = json.loads(bp("verify", "run", "--quiet", "--json", cwd=folder).out)
    same = {"run": "run", "same": True, "epochs": 4, "first": None, "differs": [], "model": True}
    assert report == {**same, "files": [], "environment": [], "not_compared": []}


def test_another_seed_differs_from_the_first_epoch_on(folder: Path) -> None:
    replace(folder / "run/config.yaml", "seed: 0", "seed: 1")
    first, *reasons = verdict(folder)
    assert first.startswith("run: epoch 1 is the first that differs: loss, ")
    assert first.endswith(", parameters")
    assert reasons == [CONFIG_CHANGED, SPLIT_CHANGED, "seed was 0 and is 1"]


def test_other_data_are_named(folder: Path) -> None:
    rows = (folder / "points.csv").read_text().splitlines()
    (folder / "points.csv").write_text("\n".join([rows[0], "9" + rows[1], *rows[2:]]) + "\n")
    lines = verdict(folder)
    assert lines[0].startswith("run: epoch 1 is the first that differs: ")
    assert f"{folder}/points.csv has changed" in lines


@pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")
@pytest.mark.slow
def test_another_engine_is_named(folder: Path) -> None:
    replace(folder / "run/config.yaml", "engine: numpy", "engine: numba")
    assert "engine was numpy and is numba" in verdict(folder)


def test_a_changed_bit_of_the_model_differs(folder: Path) -> None:
    data = bytearray((folder / "run/model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "run/model.safetensors").write_bytes(data)
    nothing = "no version, processor, engine or data file differs"
    assert verdict(folder) == ["run: 4 epochs are the same, model.safetensors differs", nothing]


@pytest.mark.parametrize("name", ["metrics.csv", "digests.csv"])
def test_the_first_row_and_the_column_that_differ_are_named(folder: Path, name: str) -> None:
    table = (folder / "run" / name).read_text().splitlines()
    row = table[3].split(",")
    row[-1] = row[-1][:-1] + ("1" if row[-1][-1] != "1" else "2")
    (folder / "run" / name).write_text("\n".join([*table[:3], ",".join(row), *table[4:]]) + "\n")
    column = table[0].split(",")[-1]
    first, *reasons = verdict(folder)
    assert (first, reasons) == (
        f"run: epoch 3 is the first that differs: {column}",
        [f"{name} has changed since the run"],
    )


@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize(
    ("name", "differs"), [("metrics.csv", "metrics.csv has no row of it"), ("digests.csv", "parameters")]
)
def test_a_row_that_is_missing_differs(folder: Path, name: str, differs: str, rows: int) -> None:
    table = (folder / "run" / name).read_text().splitlines(keepends=True)
    (folder / "run" / name).write_text("".join(table[: rows + 1 if rows else 0]))
    assert verdict(folder)[0] == f"run: epoch {rows + 1} is the first that differs: {differs}"


def other_epochs(run: Path) -> None:
    replace(run / "config.yaml", "epochs: 4", "epochs: 40")


def other_split(run: Path) -> None:
    replace(run / "split.csv", "\n1,train\n", "\n1,test\n")


def other_bit(run: Path) -> None:
    data = bytearray((run / "checkpoint.safetensors").read_bytes())
    data[-1] ^= 1
    (run / "checkpoint.safetensors").write_bytes(data)


def no_model(run: Path) -> None:
    (run / "model.safetensors").unlink()


CHANGES: dict[Callable[[Path], None], str] = {
    other_epochs: CONFIG_CHANGED,
    other_split: SPLIT_CHANGED,
    other_bit: "checkpoint.safetensors: the file is damaged: its SHA-256 is not that noted in it",
    no_model: "there is no model.safetensors",
}


@pytest.mark.parametrize(("change", "said"), CHANGES.items())
def test_a_changed_file_of_the_run_is_named(folder: Path, change: Callable[[Path], None], said: str) -> None:
    change(folder / "run")
    assert verdict(folder) == ["run: 4 epochs are the same, the run's files are not", said]


def test_a_run_that_diverged_diverges_again(tmp_path: Path) -> None:
    """To the parameters before that step, in the middle of an epoch."""
    ended = list(execution(tmp_path, *DIVERGING, "keep=last", "optimizer.batch_size=8").events())[-1]
    assert isinstance(ended, RunEnded)
    epochs, examples = ended.run.record["epochs"], ended.run.record["kept"].get("examples")
    assert (ended.outcome, examples) == ("diverged", 24)
    line = f"run: the same bytes again: {epochs} epochs of metrics.csv and model.safetensors\n"
    assert good("verify", "run", "--quiet", cwd=tmp_path).out == line


def test_versions_that_differ_are_named(folder: Path) -> None:
    replace(folder / "run/config.yaml", "seed: 0", "seed: 1")
    change_record(folder, numpy="1.0", cpu="an abacus", seed=1)
    reasons = [line for line in verdict(folder)[1:] if line not in (CONFIG_CHANGED, SPLIT_CHANGED)]
    assert len(reasons) == 2
    assert reasons[0].startswith("numpy was 1.0 and is ")
    assert reasons[1].startswith("cpu was an abacus and is ")


def interrupted(folder: Path, epochs: int, reason: str | None) -> None:
    """Train a run that a signal stops, or that is killed for no ``reason``, after as many epochs."""
    training = execution(folder, "epochs=9", "keep=last")
    for event in training.events():
        if isinstance(event, Epoch) and event.epoch == epochs:
            if reason is None:
                return
            training.stop(reason)


def test_a_run_that_was_killed_is_compared_as_far_as_it_came(tmp_path: Path) -> None:
    """Its rows, of which the last may be cut short, and its model, which is of an earlier epoch."""
    interrupted(tmp_path, 2, None)
    with (tmp_path / "run/metrics.csv").open("a") as file:
        file.write("3,6,0.")
    lines = good("verify", "run", "--quiet", cwd=tmp_path).out.splitlines()
    assert lines == [
        "run: the same bytes again: 2 epochs of metrics.csv and model.safetensors",
        "not compared: how it ends: the run has not ended",
    ]
    for name, epochs in (("ahead", 2), ("beyond", 3)):
        (tmp_path / name).mkdir()
        interrupted(tmp_path / name, epochs, "SIGTERM")
        shutil.copy(tmp_path / name / "run/model.safetensors", tmp_path / "run/model.safetensors")
        if name == "ahead":  # killed after the model was written, and before run.json was
            assert good("verify", "run", "--quiet", cwd=tmp_path).out.splitlines() == lines
        else:
            assert verdict(tmp_path)[0] == "run: 2 epochs are the same, model.safetensors differs"


def test_a_run_that_is_trained_meanwhile_is_compared_as_it_was_when_it_was_read(tmp_path: Path) -> None:
    interrupted(tmp_path, 2, None)
    (tmp_path / "later").mkdir()
    interrupted(tmp_path / "later", 5, None)
    (tmp_path / "last").mkdir()
    interrupted(tmp_path / "last", 5, "SIGTERM")
    verification = Verification(tmp_path / "run")
    for name, source in (("metrics.csv", "later"), ("digests.csv", "later"), ("model.safetensors", "last")):
        shutil.copy(tmp_path / source / "run" / name, tmp_path / "run" / name)
    for _ in verification.events(Execution(verification.experiment, verification.open_run)):
        pass
    assert (verification.verdict.same, verification.verdict.epochs) == (True, 2)


def test_a_run_that_was_stopped_is_compared_with_its_model(tmp_path: Path) -> None:
    interrupted(tmp_path, 2, "SIGTERM")
    line = "run: the same bytes again: 2 epochs of metrics.csv and model.safetensors\n"
    assert good("verify", "run", "--quiet", cwd=tmp_path).out == line


def test_what_cannot_be_compared_is_said(folder: Path) -> None:
    (folder / "run/digests.csv").unlink()
    record = read_record(folder / "run")
    del record["digests"]
    write_json(folder / "run/run.json", record | {"kept": record["kept"] | {"examples": 8}})
    assert good("verify", "run", "--quiet", cwd=folder).out.splitlines() == [
        "run: the same bytes again: 4 epochs of metrics.csv",
        "not compared: the parameters of each epoch: there is no digests.csv",
        "not compared: model.safetensors: its parameters are of the middle of an epoch",
    ]


def test_what_is_no_run_is_refused(folder: Path) -> None:
    hint = "hint: see bp runs"
    assert bp("verify", "points.yaml", cwd=folder) == Result(
        3, "", f"error: points.yaml: this is no run folder: it has no run.json\n{hint}\n"
    )


def test_what_a_run_went_on_with_that_had_changed_is_named(folder: Path) -> None:
    """Its record has the data of now, so no file differs from that."""
    replace(folder / "points.csv", "ash", "birch")
    good("train", "--resume", "run", "epochs=5", "--allow-drift", "--quiet", cwd=folder)
    first, reason = verdict(folder)
    assert first.startswith("run: epoch 1 is the first that differs: ")
    assert reason == f"resumed after epoch 4: {folder}/points.csv has changed"

"""bp train: what it prints, where the run goes, what it starts from, and that mistakes leave nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.storage import tensors as storage
from tests.cli.support import (
    Result,
    bp,
    good,
    listing,
    points,
    read_metrics,
    read_record,
    read_tensors,
    refused,
    write_config,
    write_tensors,
)

POINTS = """
    data: {path: points.csv, split: {validation: 0.2, test: 0.1}}
    network: {hidden: [5]}
    loss: cross_entropy
    epochs: 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv")
    write_config(tmp_path / "points.yaml", POINTS)
    return tmp_path


# What it prints.


def test_standard_output_is_the_runs_folder_alone(folder: Path) -> None:
    assert good("train", "points.yaml", cwd=folder).out == "runs/points-001\n"
    assert good("train", "points.yaml", "--run", "my run/a", cwd=folder).out == "my run/a\n"


def test_standard_error_shows_the_network_the_epochs_and_the_metrics(folder: Path) -> None:
    lines = good("train", "points.yaml", "--run", "a", cwd=folder).errors
    first, last = lines[0], lines[-1]
    assert first.startswith("2-5-3, 33 parameters; 42 train, 12 validation, 6 test examples; 2 columns became ")
    assert [text.partition("  ")[0] for text in lines[1:5]] == ["epoch 1/5", "epoch 2/5", "epoch 4/5", "epoch 5/5"]
    assert lines[5] == "kept: epoch 5, the best by val_loss"
    assert [text.split()[0] for text in lines[6:10]] == ["loss", "train", "validation", "test"]
    assert last == "run: a"
    assert len(lines) == 11


def test_lines_come_at_powers_of_two_and_the_last_epoch(folder: Path) -> None:
    lines = good("train", "points.yaml", "epochs=20", cwd=folder).errors
    epochs = [text.split()[1] for text in lines if text.startswith("epoch ")]
    assert epochs == ["1/20", "2/20", "4/20", "8/20", "16/20", "20/20"]


def test_an_epochs_line_shows_its_metrics_with_four_digits(folder: Path) -> None:
    lines = good("train", "points.yaml", "epochs=1", "--run", "a", cwd=folder).errors
    (row,) = read_metrics(folder / "a")
    values = "  ".join(f"{name} {row[name]:.4g}" for name in ("loss", "accuracy", "val_loss", "val_accuracy"))
    assert lines[1] == f"epoch 1/1  {values}"


def test_quiet_says_nothing_but_the_runs_folder(folder: Path) -> None:
    assert good("train", "points.yaml", "--quiet", cwd=folder) == Result(0, "runs/points-001\n", "")


def test_json_is_one_object_with_the_run_and_its_final_metrics(folder: Path) -> None:
    result = good("train", "points.yaml", "--json", cwd=folder)
    record = read_record(folder / "runs/points-001")
    assert result.json == {
        "run": "runs/points-001",
        "ended": "completed",
        "epochs": 5,
        "kept": record["kept"],
        "expect": [],
        "metrics": record["final"],
    }
    assert good("train", "points.yaml", "--json", "--quiet", cwd=folder).err == ""


NOT_IMPROVING = ["optimizer.learning_rate=3", "epochs=50", "early_stopping={patience: 5}"]
"""Options of a run that stops early, some epochs after its best."""


def test_a_run_that_stops_early_shows_its_last_epoch_the_reason_and_what_is_kept(folder: Path) -> None:
    lines = good("train", "points.yaml", *NOT_IMPROVING, "--run", "a", cwd=folder).errors
    record, rows = read_record(folder / "a"), read_metrics(folder / "a")
    kept, last = record["kept"]["epoch"], len(rows)
    assert last == kept + 5 < 50
    place = lines.index("early_stopping: val_loss has not improved for 5 epochs")
    assert lines[place - 1].startswith(f"epoch {last}/50  loss ")
    assert lines[place - 1].endswith(f"  kept {kept}")
    assert lines[place + 1] == f"kept: epoch {kept}, the best by val_loss"
    shown = good("runs", ".", cwd=folder).out.splitlines()
    assert shown[0].split()[:3] == ["run", "ended", "best_epoch"]
    assert shown[1].split()[:3] == ["a", "early_stopping", str(kept)]


def test_what_was_expected_and_not_met_is_named_and_the_run_is_saved(folder: Path) -> None:
    met, unmet = "train_me = 1", ["test_accuracy >= 1.5", "loss<0", "val_loss < 1e3"]
    result = bp("train", "points.yaml", f"expect=[{', '.join(unmet)}]", "--run", "a", "--json", cwd=folder)
    final = read_record(folder / "a")["final"]
    assert result.status == 1
    assert (
        result.json["expect"]
        == read_record(folder / "a")["expect"]
        == [
            {"expected": "test_accuracy >= 1.5", "value": final["test_accuracy"], "met": False},
            {"expected": "loss<0", "value": final["loss"], "met": False},
            {"expected": "val_loss < 1e3", "value": final["val_loss"], "met": True},
        ]
    )
    hint = "hint: the run is saved; its parameters are of epoch 5, the best by val_loss"
    assert result.errors[-4:] == [
        f"error: a: expected test_accuracy >= 1.5, but it is {final['test_accuracy']!r}",
        hint,
        f"error: a: expected loss<0, but it is {final['loss']!r}",
        hint,
    ]
    assert good("train", "points.yaml", "expect=loss < 1e3", "--quiet", cwd=folder).out == "runs/points-001\n"
    for wrong, message, told in (
        (
            met,
            f"expect.0 is '{met}'",
            "it must be METRIC >= NUMBER, with >=, >, <= or <, such as test_accuracy >= 0.97",
        ),
        ("val_acuracy > 0.5", "expect.0 is about val_acuracy, which is not measured", "did you mean 'val_accuracy'? ("),
        (
            "test_loss < 1",
            "expect.0 is about test_loss, but there is no test part",
            "hold one out with data.split.test",
        ),
    ):
        changes = [f"expect={wrong}", "data.split.test=0"]
        refusal = bp("train", "points.yaml", *changes, cwd=folder)
        assert refusal.status == 2
        assert refusal.errors[0] == f"error: command line: expect={wrong}: {message}"
        assert refusal.errors[1].startswith(f"hint: {told}")


def test_overrides_stand_in_any_position(folder: Path) -> None:
    words = [
        "epochs=1",
        "--run",
        "a",
        "optimizer.learning_rate=0.5",
        "points.yaml",
        "seed=9",
        "--quiet",
        "dtype=float64",
    ]
    good("train", *words, cwd=folder)
    assert [row["learning_rate"] for row in read_metrics(folder / "a")] == [0.5]
    assert read_record(folder / "a")["seed"] == 9


def test_a_config_may_be_named_like_an_override(folder: Path) -> None:
    (folder / "rate=1").write_text((folder / "points.yaml").read_text())
    assert good("train", "rate=1", "--quiet", cwd=folder).out == "runs/rate=1-001\n"


# Where the run goes.


def test_an_existing_run_is_never_touched(folder: Path) -> None:
    good("train", "points.yaml", "--run", "a", cwd=folder)
    refused(
        *("train", "points.yaml", "seed=1", "--run", "a"),
        cwd=folder,
        status=2,
        error="a: it exists already, and a run is never overwritten",
        hint="name another folder",
    )


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_a_run_is_made_neither_in_an_empty_folder_nor_over_a_file(folder: Path, make: object) -> None:
    assert callable(make)
    make(folder / "here")
    result = bp("train", "points.yaml", "--run", "here", cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert result.errors[0] == "error: here: it exists already, and a run is never overwritten"


def test_default_folders_are_numbered_by_the_configs_name(folder: Path) -> None:
    (folder / "other.yaml").write_text((folder / "points.yaml").read_text())
    folders = [good("train", name, "epochs=1", cwd=folder).out for name in ("points.yaml", "points.yaml", "other.yaml")]
    assert folders == ["runs/points-001\n", "runs/points-002\n", "runs/other-001\n"]


def test_default_folders_go_on_after_the_highest_number(folder: Path) -> None:
    for name in ("points-007", "points-x", "points-1e3", "points", "points-²", "points-extra-900"):
        (folder / "runs" / name).mkdir(parents=True)
    assert good("train", "points.yaml", "epochs=1", cwd=folder).out == "runs/points-008\n"
    (folder / "runs/points-999").mkdir()
    assert good("train", "points.yaml", "epochs=1", cwd=folder).out == "runs/points-1000\n"


def test_default_folders_lie_in_the_current_folder_not_the_configs(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    assert good("train", "../points.yaml", "epochs=1", cwd=folder / "elsewhere").out == "runs/points-001\n"
    assert (folder / "elsewhere/runs/points-001/run.json").exists()


def test_runs_that_start_together_never_share_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run makes its folder after this one has looked which numbers are taken."""
    (folder / "runs/points-001").mkdir(parents=True)
    monkeypatch.setattr("bpcli.runs.new_folder.os.listdir", lambda path: [])
    assert good("train", "points.yaml", "--quiet", cwd=folder).out == "runs/points-002\n"
    assert list((folder / "runs/points-001").iterdir()) == []
    assert (folder / "runs/points-002/run.json").exists()


def test_a_folder_that_cannot_be_made_is_the_systems_refusal(folder: Path) -> None:
    refused(
        *("train", "points.yaml", "--run", "points.csv/a/b"),
        cwd=folder,
        status=74,
        error="points.csv/a/b: can't make the folder: not a directory",
        hint="check the path, its permissions and the space left",
    )


# What it starts from.


def parameters(seed: int = 0) -> dict[str, Array]:
    """Parameters of the network of ``POINTS``."""
    rng = np.random.default_rng(seed)
    shapes = {"W1": (5, 2), "b1": (5,), "W2": (3, 5), "b2": (3,)}
    return {name: rng.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}


def untrained(folder: Path, weights: str, name: str = "a") -> dict[str, Array]:
    """The parameters of a run that starts from ``weights`` and hardly changes them."""
    changes = [f"network.weights={weights}", "optimizer.learning_rate=1e-30", "epochs=1"]
    good("train", "points.yaml", *changes, "--run", name, cwd=folder)
    return read_tensors(folder / name / "model.safetensors")[0]


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (1, -1)], ids=str)
def test_weights_come_from_any_safetensors_file(folder: Path, shape: tuple[int, ...]) -> None:
    start = parameters()
    shaped = {name: a.reshape(shape) if name in ("b1", "b2") else a for name, a in start.items()}
    write_tensors(folder / "start.safetensors", shaped)
    found = untrained(folder, "start.safetensors")
    assert {name: array.tobytes() for name, array in found.items()} == {n: a.tobytes() for n, a in start.items()}


@pytest.mark.parametrize(
    ("weight", "bias", "turned"),
    [("{}.weight", "{}.bias", False), ("dense_{}/kernel", "dense_{}/bias", True), ("coefs_{}", "intercepts_{}", True)],
    ids=["PyTorch", "Keras", "scikit-learn"],
)
@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_weights_come_from_a_frameworks_file(
    folder: Path, weight: str, bias: str, suffix: str, *, turned: bool
) -> None:
    start, theirs = parameters(), {}
    for l in (1, 2):
        theirs[weight.format(l)] = start[f"W{l}"].T if turned else start[f"W{l}"]
        theirs[bias.format(l)] = start[f"b{l}"]
    if suffix == "npz":
        np.savez(folder / "start.npz", **theirs)  # type: ignore[arg-type]
    else:
        write_tensors(folder / "start.safetensors", theirs)
    found = untrained(folder, f"start.{suffix}")
    assert {name: array.tobytes() for name, array in found.items()} == {n: a.tobytes() for n, a in start.items()}
    said = good("config", "check", "points.yaml", f"network.weights=start.{suffix}", cwd=folder).err
    assert f"{weight.format(1)} → W1, {bias.format(1)} → b1, " in said


def test_a_frameworks_tensor_that_is_missing_is_named_as_it_would_be_there(folder: Path) -> None:
    start = parameters()
    write_tensors(folder / "start.safetensors", {"fc1.weight": start["W1"], "fc2.weight": start["W2"]})
    refused(
        *("train", "points.yaml", "network.weights=start.safetensors"),
        cwd=folder,
        status=3,
        error=f"{folder}/start.safetensors: tensor 'fc1.bias' is missing",
        hint="layers 2-5-3 need fc1.weight, fc1.bias, fc2.weight, fc2.bias",
    )


def test_weights_of_another_precision_are_converted(folder: Path) -> None:
    start = parameters()
    write_tensors(folder / "start.safetensors", {name: array.astype(np.float64) for name, array in start.items()})
    found = untrained(folder, "start.safetensors")
    assert {name: array.tobytes() for name, array in found.items()} == {n: a.tobytes() for n, a in start.items()}


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_weights_come_from_an_export(folder: Path, suffix: str) -> None:
    good("train", "points.yaml", "--run", "first", cwd=folder)
    good("gradcheck", "first", "--export", f"given.{suffix}", cwd=folder)
    found = untrained(folder, f"given.{suffix}")
    first, _ = read_tensors(folder / "first/model.safetensors")
    assert {name: array.tobytes() for name, array in found.items()} == {n: a.tobytes() for n, a in first.items()}
    assert good("config", "check", "points.yaml", f"network.weights=given.{suffix}", cwd=folder).errors == [
        "points.yaml: no mistakes"
    ]


def test_a_header_of_any_content_is_a_difference(folder: Path) -> None:
    headers: list[dict[str, Any]] = [{"features": 1, "hidden": 5}, {"features": None, "hidden": [[]], "output": {}}]
    for i, header in enumerate(headers):
        storage.write_tensors(folder / "start.safetensors", dict(parameters()), header)
        assert untrained(folder, "start.safetensors", f"run{i}").keys() == parameters().keys()


def test_weights_come_from_a_run(folder: Path) -> None:
    good("train", "points.yaml", "--run", "first", cwd=folder)
    found = untrained(folder, "first")
    first, _ = read_tensors(folder / "first/model.safetensors")
    assert {name: array.tobytes() for name, array in found.items()} == {n: a.tobytes() for n, a in first.items()}


def test_a_fine_tuned_run_begins_where_the_other_ended(folder: Path) -> None:
    changes = ["data.split=null", "optimizer.mode=batch"]
    good("train", "points.yaml", *changes, "epochs=6", "--run", "whole", cwd=folder)
    good("train", "points.yaml", *changes, "epochs=3", "--run", "first", cwd=folder)
    good("train", "points.yaml", *changes, "epochs=3", "network.weights=first", "--run", "second", cwd=folder)
    whole, second = (read_metrics(folder / name) for name in ("whole", "second"))
    assert [row["loss"] for row in second] == [row["loss"] for row in whole[3:]]


LAYERS = "layers 2-5-3 need W1, b1, W2, b2"
SHAPES = "the network's layers are 2-5-3"


@pytest.mark.parametrize(
    ("change", "error", "hint"),
    [
        ({"b2": None}, "tensor 'b2' is missing", LAYERS),
        ({"W3": np.zeros((3, 3), "f4")}, "tensor 'W3' is more than the network has", LAYERS),
        (
            {"W1": np.zeros((2, 5), "f4")},
            "tensor 'W1' is float32 in shape (2, 5), not floats in shape (5, 2)",
            SHAPES,
        ),
        ({"b1": np.zeros(4, "f4")}, "tensor 'b1' is float32 in shape (4,), not floats in shape (5,)", SHAPES),
        ({"b1": np.zeros(5, "i4")}, "tensor 'b1' is int32 in shape (5,), not floats in shape (5,)", SHAPES),
        (
            {"b2": np.array([0, np.nan, 0], "f4")},
            "tensor 'b2' holds values that are not finite",
            "find what made them so: no network starts from them",
        ),
        (
            {"b2": np.array([0, np.inf, 0], "f8")},
            "tensor 'b2' holds values that are not finite",
            "find what made them so: no network starts from them",
        ),
        (
            {"b2": np.array([0, 1e300, 0], "f8")},
            "tensor 'b2' holds values that are too large for float32",
            "set dtype: float64",
        ),
    ],
    ids=["missing", "extra", "turned", "short", "whole numbers", "NaN", "infinite", "beyond float32"],
)
def test_weights_that_do_not_fit_are_refused(
    folder: Path, change: dict[str, Array | None], error: str, hint: str
) -> None:
    tensors = {name: array for name, array in {**parameters(), **change}.items() if array is not None}
    write_tensors(folder / "start.safetensors", tensors)
    refused(
        *("train", "points.yaml", "network.weights=start.safetensors"),
        cwd=folder,
        status=3,
        error=f"{folder}/start.safetensors: {error}",
        hint=hint,
    )


def test_weights_that_are_not_there_are_refused(folder: Path) -> None:
    refused(
        *("train", "points.yaml", "network.weights=nowhere"),
        cwd=folder,
        status=3,
        error=f"{folder}/nowhere: no such file",
        hint="name a run folder, a safetensors or an NPZ file",
    )


def test_weights_cut_short_are_refused(folder: Path) -> None:
    path = write_tensors(folder / "start.safetensors", parameters())
    path.write_bytes(path.read_bytes()[:-4])
    result = bp("train", "points.yaml", "network.weights=start.safetensors", cwd=folder)
    assert (result.status, result.out) == (3, "")
    assert result.errors[0].startswith(f"error: {path}: not a readable safetensors file: ")
    assert result.errors[1:] == ["hint: write it with numpy.savez, or with safetensors' save_file"]
    assert not (folder / "runs").exists()


# How it diverges.


def test_divergence_ends_with_status_4_and_keeps_the_best_finite_epoch(folder: Path) -> None:
    changes = ["network=null", "loss=half_squared_error", "optimizer.learning_rate=10"]
    result = bp("train", "points.yaml", *changes, "epochs=100", "--run", "a", cwd=folder)
    record = read_record(folder / "a")
    done = len(read_metrics(folder / "a"))
    assert 1 < done < 100
    message, hint = result.errors[-2:]
    assert result.status == 4
    assert result.out == "a\n"
    assert message.startswith("error: a: training diverged: the ")
    step = record["steps"] + 1
    assert (
        f"is no longer finite at epoch {done + 1}, step {step}; first in step {step}: the loss, of outputs" in message
    )
    best = min(read_metrics(folder / "a"), key=lambda row: row["val_loss"])["epoch"]
    lower = (
        "lower optimizer.learning_rate, which was 10 in this step, for example tenfold, or optimizer.clip: {norm: 1}"
    )
    assert hint == f"hint: {lower}; kept: epoch {best:.0f}, the best by val_loss"
    assert record["ended"] == message.removeprefix("error: a: ")
    assert record["epochs"] == done

    kept, _ = read_tensors(folder / "a/model.safetensors")
    assert all(np.isfinite(array).all() for array in kept.values())
    good("train", "points.yaml", *changes, f"epochs={done}", "--run", "b", cwd=folder)
    before, _ = read_tensors(folder / "b/model.safetensors")
    assert {name: array.tobytes() for name, array in kept.items()} == {n: a.tobytes() for n, a in before.items()}


def test_divergence_in_the_first_epoch_keeps_the_initial_parameters(folder: Path) -> None:
    changes = ["optimizer.learning_rate=1e+38", "loss=half_squared_error", "network.output=identity"]
    result = bp("train", "points.yaml", *changes, "--json", "--run", "a", cwd=folder)
    record = read_record(folder / "a")
    assert result.status == 4
    assert result.json["kept"] == {"epoch": 0, "monitor": "val_loss", "value": None}
    assert (result.json["ended"], result.json["epochs"], result.json["metrics"]) == (record["ended"], 0, {})
    assert not (folder / "a/metrics.csv").exists()
    kept, _ = read_tensors(folder / "a/model.safetensors")
    start = ["loss=half_squared_error", "network.output=identity", "optimizer.learning_rate=1e-38", "epochs=1"]
    good("train", "points.yaml", *start, "--run", "b", cwd=folder)
    initial, _ = read_tensors(folder / "b/model.safetensors")
    assert kept["W1"].tobytes() == initial["W1"].tobytes()
    assert not kept["b1"].any()


def test_a_run_that_diverged_can_be_evaluated(folder: Path) -> None:
    changes = ["optimizer.learning_rate=1e+38", "loss=half_squared_error", "network.output=identity"]
    bp("train", "points.yaml", *changes, "--run", "a", cwd=folder)
    assert good("evaluate", "a", "--json", cwd=folder).json["examples"] == 6


# Mistakes leave nothing behind.


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        (["epoch=5"], 2),
        (["data.target=twig"], 2),
        (["data.path=missing.csv"], 3),
        (["network.weights=missing.safetensors"], 3),
        (["optimizer.batch_size=1000"], 2),
    ],
)
@pytest.mark.parametrize("run", [[], ["--run", "a"]])
def test_nothing_is_made_where_config_or_data_are_wrong(
    folder: Path, changes: list[str], status: int, run: list[str]
) -> None:
    before = listing(folder)
    result = bp("train", "points.yaml", *changes, *run, cwd=folder)
    assert (result.status, result.out) == (status, "")
    assert listing(folder) == before


def test_weights_learned_on_something_else_are_reported(tmp_path: Path) -> None:
    points(tmp_path / "points.csv")
    write_config(
        tmp_path / "a.yaml", "data: {path: points.csv}\nnetwork: {hidden: [4]}\nloss: cross_entropy\nepochs: 1\n"
    )
    good("train", "a.yaml", "--run", "first", cwd=tmp_path)
    same = good("train", "a.yaml", "network.weights=first", cwd=tmp_path)
    other = good("train", "a.yaml", "network.weights=first", "data.scale=minmax", cwd=tmp_path)
    warning = "columns, categories or scaling: only W and b are taken over"
    assert warning not in same.err
    assert warning in other.err


# What is no config, and no run.


def test_a_table_is_no_config_and_a_config_no_run(folder: Path) -> None:
    refused(
        *("train", "points.csv"),
        cwd=folder,
        status=2,
        error="points.csv: this is data, not a config",
        hint="bp init points.csv writes a first config for it",
    )
    for words in (["evaluate", "points.yaml"], ["predict", "points.yaml", "--split", "test"]):
        refused(
            *words,
            cwd=folder,
            status=2,
            error="points.yaml: this is a config, not a run",
            hint="name the run folder that bp train points.yaml prints",
        )

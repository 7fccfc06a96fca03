"""bp runs: what differs between runs, which was best, in which order."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import Result, bp, good, line, points, read_metrics, refused, write_config, write_record

POINTS = """
    data: {path: points.csv, split: {validation: 0.2, test: 0.2}}
    network: {hidden: [4]}
    loss: cross_entropy
    epochs: 6
"""
RATES = {"fast": "0.3", "slow": "0.00001", "steady": "0.05"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs below ``sweep``, at as many learning rates."""
    place = tmp_path_factory.mktemp("runs")
    points(place / "points.csv")
    write_config(place / "points.yaml", POINTS)
    for name, rate in RATES.items():
        changes = [f"optimizer.learning_rate={rate}", "--run", f"sweep/{name}"]
        good("train", "points.yaml", *changes, cwd=place)
    return place


def fake(folder: Path, name: str, final: dict[str, float | None], rows: str = "", settings: str = "seed: 0") -> Path:
    """A run folder with these final metrics and rows of metrics.csv."""
    run = folder / name
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(settings + "\n")
    kept = {"epoch": max(0, rows.count("\n") - 1), "monitor": None, "value": None}
    write_record(run, {"ended": "completed", "final": final, "kept": kept, "epochs": kept["epoch"], "expect": []})
    if rows:
        (run / "metrics.csv").write_text(rows)
    return run


def order(result: Result) -> list[str]:
    return [Path(row["run"]).name for row in result.json["runs"]]


def test_json_is_one_object_with_a_row_for_each_run(folder: Path) -> None:
    report = good("runs", "sweep", "--json", cwd=folder).json
    assert (report["folder"], report["by"]) == ("sweep", "val_accuracy")
    by_name = {Path(row["run"]).name: row for row in report["runs"]}
    assert set(by_name) == set(RATES)
    for name, row in by_name.items():
        metrics = read_metrics(folder / "sweep" / name)
        kept = min(metrics, key=lambda row: row["val_loss"])
        assert row["settings"] == {"optimizer.learning_rate": float(RATES[name])}
        assert (row["run"], row["ended"], row["epochs"]) == (f"sweep/{name}", "completed", 6)
        assert (row["best_epoch"], row["best"]) == (kept["epoch"], kept["val_accuracy"])
        assert row["final"].items() >= {key: kept[key] for key in ("loss", "val_loss", "val_accuracy")}.items()
        assert set(row["final"]) == {f"{part}{name}" for part in ("", "test_", "val_") for name in ("accuracy", "loss")}


def test_the_table_is_the_csv_with_four_digits(folder: Path) -> None:
    shown = good("runs", "sweep", cwd=folder)
    header, *rows = (text.split() for text in shown.out.splitlines())
    exact = good("runs", "sweep", "--csv", cwd=folder).rows
    metrics = ["loss", "accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"]
    assert sorted(header[3:]) == sorted(metrics)
    assert header[:4] == ["run", "learning_rate", "best_epoch", "val_accuracy"]
    assert [row[0] for row in rows] == [row["run"] for row in exact]
    for cells, row in zip(rows, exact, strict=True):
        assert cells[3:] == [f"{float(row[name]):.4g}" for name in header[3:]]
    assert shown.err == "best first by val_accuracy\n"


def test_csv_holds_numbers_that_read_back_exactly(folder: Path) -> None:
    rows = good("runs", "sweep", "--csv", cwd=folder).rows
    assert list(rows[0])[:5] == ["run", "optimizer.learning_rate", "ended", "epochs_done", "best_epoch"]
    for row in rows:
        kept = read_metrics(folder / row["run"])[int(row["best_epoch"]) - 1]
        assert {name: float(row[name]) for name in ("loss", "val_loss", "val_accuracy")} == {
            name: kept[name] for name in ("loss", "val_loss", "val_accuracy")
        }


def test_the_best_comes_first(folder: Path) -> None:
    for metric, sign in (("val_loss", 1), ("loss", 1), ("val_accuracy", -1), ("test_accuracy", -1), ("test_loss", 1)):
        report = good("runs", "sweep", "--by", metric, "--json", cwd=folder).json
        values = [sign * row["final"][metric] for row in report["runs"]]
        assert report["by"] == metric
        assert values == sorted(values)


@pytest.mark.parametrize(
    ("metric", "best"), [("r2", "a"), ("val_r2", "a"), ("rmse", "b"), ("test_mae", "b"), ("val_loss", "b")]
)
def test_higher_is_better_for_r2_and_lower_for_errors(tmp_path: Path, metric: str, best: str) -> None:
    fake(tmp_path, "a", {metric: 0.9})
    fake(tmp_path, "b", {metric: 0.1})
    assert order(good("runs", ".", "--by", metric, "--json", cwd=tmp_path))[0] == best


def test_equal_runs_are_in_the_order_of_their_names_and_those_without_a_value_last(tmp_path: Path) -> None:
    for name, value in (("d", 0.5), ("a", None), ("c", 0.5), ("b", 0.9)):
        fake(tmp_path, name, {"accuracy": value})
    fake(tmp_path, "0", {})
    assert order(good("runs", ".", "--json", cwd=tmp_path)) == ["b", "c", "d", "0", "a"]


def test_ranking_is_by_validation_else_test_else_training(tmp_path: Path) -> None:
    metrics: dict[str, float | None] = {}
    for name in ("loss", "accuracy", "test_loss", "test_accuracy", "val_loss", "val_accuracy"):
        metrics[name] = 1.0
        fake(tmp_path, name, dict(metrics))
        assert good("runs", ".", "--json", cwd=tmp_path).json["by"] == name


def test_the_best_epoch_is_the_kept_one_by_whatever_metric_runs_are_ranked(tmp_path: Path) -> None:
    rows = "epoch,step,learning_rate,loss,val_loss\n1,1,0.1,3.0,1.0\n2,2,0.1,2.0,0.5\n3,3,0.1,1.0,0.75\n"
    run = fake(tmp_path, "a", {"loss": 2.0, "val_loss": 0.5, "test_loss": 7.0}, rows)
    record = json.loads((run / "run.json").read_text())
    write_record(run, {**record, "kept": {"epoch": 2}})
    for metric, value in (("val_loss", 0.5), ("loss", 2.0), ("test_loss", 7.0)):
        (row,) = good("runs", ".", "--by", metric, "--json", cwd=tmp_path).json["runs"]
        assert (row["best_epoch"], row["best"]) == (2, value)


def test_only_what_differs_between_configs_is_shown(folder: Path) -> None:
    changes = ["network.hidden=[4, {units: 2, activation: tanh}]", "optimizer.name=adam", "epochs=2"]
    good("train", "points.yaml", *changes, "--run", "kinds/deep", cwd=folder)
    good("train", "points.yaml", "epochs=2", "--run", "kinds/shallow", cwd=folder)
    for row in good("runs", "kinds", "--json", cwd=folder).json["runs"]:
        deep = row["run"] == "kinds/deep"
        assert row["settings"]["optimizer.name"] == ("adam" if deep else "gradient_descent")
        assert len(row["settings"]["network.hidden"]) == (2 if deep else 1)
        assert set(row["settings"]) == {
            "network.hidden",
            "optimizer.name",
            "optimizer.learning_rate",
        }


def test_settings_that_come_with_a_name_are_shown_only_where_they_differ(tmp_path: Path) -> None:
    for name, rule in (("a", "{name: adam, beta1: 0.9}"), ("b", "{name: adam, beta1: 0.8}"), ("c", "{name: momentum}")):
        fake(tmp_path, name, {"loss": 1.0}, settings=f"optimizer: {rule}")
    rows = good("runs", ".", "--json", cwd=tmp_path).json["runs"]
    assert [set(row["settings"]) for row in rows] == [{"optimizer.name", "optimizer.beta1"}] * 3


def test_settings_are_named_in_full_where_their_last_parts_are_alike(tmp_path: Path) -> None:
    for name in "ab":
        settings = f"seed: {ord(name)}\nloss: {{name: {name}}}\noptimizer: {{name: {name}}}"
        fake(tmp_path, name, {"loss": 1.0}, settings=settings)
    header = good("runs", ".", cwd=tmp_path).out.splitlines()[0].split()
    assert header == ["run", "seed", "loss.name", "optimizer", "best_epoch", "loss"]


def test_a_choice_by_its_name_alone_has_the_column_of_one_with_settings(tmp_path: Path) -> None:
    for name, keep in (("a", "last"), ("b", "{name: best, monitor: val_loss}")):
        fake(tmp_path, name, {"val_loss": 1.0}, settings=f"keep: {keep}")
    header, *rows = good("runs", ".", cwd=tmp_path).out.splitlines()
    assert header.split() == ["run", "keep", "best_epoch", "val_loss"]
    assert [row.split()[1] for row in rows] == ["last", "best"]
    assert list(good("runs", ".", "--csv", cwd=tmp_path).rows[0])[:2] == ["run", "keep.name"]


def test_one_run_differs_from_nothing(tmp_path: Path) -> None:
    fake(tmp_path, "a", {"loss": 1.0})
    assert good("runs", ".", cwd=tmp_path).out == ("run  best_epoch  loss\na                   1\n")


def test_runs_are_found_at_any_depth(folder: Path) -> None:
    found = good("runs", ".", "--json", cwd=folder).json["runs"]
    assert {"sweep/fast", "sweep/slow", "sweep/steady"} <= {row["run"] for row in found}


def test_the_folder_is_by_default_runs(folder: Path) -> None:
    good("train", "points.yaml", "epochs=1", cwd=folder)
    assert good("runs", "--json", cwd=folder).json["runs"][0]["run"] == "runs/points-001"


def test_an_unfinished_run_shows_the_epoch_it_keeps_so_far(tmp_path: Path) -> None:
    rows = "epoch,step,learning_rate,loss,accuracy\n1,1,0.1,3.0,0.5\n2,2,0.1,2.0,0.25\n"
    run = fake(tmp_path, "a", {}, rows)
    write_record(run, {**GOOD, "kept": {"epoch": 1}})
    (row,) = good("runs", ".", "--json", cwd=tmp_path).json["runs"]
    assert row == {
        "run": "a",
        "settings": {},
        "ended": None,
        "epochs": 2,
        "best_epoch": 1,
        "best": 0.5,
        "final": {"loss": 3.0, "accuracy": 0.5},
    }
    assert good("runs", ".", "--csv", cwd=tmp_path).rows[0]["ended"] == "unfinished"


def test_a_run_that_diverged_says_so(folder: Path, tmp_path: Path) -> None:
    line(tmp_path / "line.csv")
    changes = ["data.path=line.csv", "loss=half_squared_error", "optimizer.learning_rate=1e+30", "--run", "a"]
    assert bp("train", folder / "points.yaml", *changes, cwd=tmp_path).status == 4
    (row,) = good("runs", ".", "--csv", cwd=tmp_path).rows
    assert row["ended"].startswith("training diverged: the ")


def test_values_that_are_not_finite_are_null_in_json(tmp_path: Path) -> None:
    fake(tmp_path, "a", {}, "epoch,step,learning_rate,loss,rmse\n1,1,0.1,3.0,inf\n")
    (row,) = good("runs", ".", "--by", "rmse", "--json", cwd=tmp_path).json["runs"]
    assert (row["best"], row["final"]) == (None, {"loss": 3.0, "rmse": None})


def test_an_empty_folder_holds_no_runs(tmp_path: Path) -> None:
    assert good("runs", ".", "--json", cwd=tmp_path).json == {"folder": ".", "by": "loss", "runs": []}
    assert list(csv.reader(io.StringIO(good("runs", ".", "--csv", cwd=tmp_path).out))) == [
        ["run", "ended", "epochs_done", "best_epoch"]
    ]


def test_another_programs_run_json_is_passed_over(tmp_path: Path) -> None:
    fake(tmp_path, "a", {"loss": 1.0})
    (tmp_path / "other").mkdir()
    (tmp_path / "other/run.json").write_text("[1, 2]")
    assert order(good("runs", ".", "--json", cwd=tmp_path)) == ["a"]


# What it refuses.


def test_csv_and_json_exclude_each_other(folder: Path) -> None:
    refused(
        *("runs", "sweep", "--csv", "--json"),
        cwd=folder,
        status=2,
        error="command line: --csv and --json exclude each other",
        hint="give one",
    )


def test_a_metric_that_no_run_has_is_refused(tmp_path: Path) -> None:
    fake(tmp_path, "a", {"loss": 1.0, "accuracy": 0.5})
    refused(
        *("runs", ".", "--by", "val_acuracy"),
        cwd=tmp_path,
        status=2,
        error="command line: no run has a metric 'val_acuracy'",
        hint="did you mean 'accuracy'? (choose from accuracy, loss)",
    )


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused("runs", cwd=tmp_path, status=3, error="runs: no such folder", hint="name the folder that holds the runs")


KEPT = {"epoch": 0, "monitor": None, "value": None}
GOOD: dict[str, Any] = {"final": {}, "ended": None, "kept": KEPT, "epochs": 0, "expect": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"final": 3}, "final is 3, not an object"),
        ({"ended": 5}, "ended is 5, not a text"),
        ({"final": {"loss": "x"}}, "final.loss is 'x', not a number"),
        ({"data": None}, "data is null, not an object"),
        ({"data": {"a.csv": 3}}, "data.a.csv is 3, not a text"),
        ({"kept": None}, "kept is null, not an object"),
        ({"kept": {}}, "kept has no 'epoch'"),
        ({"kept": {**KEPT, "epoch": "x"}}, "kept.epoch is 'x', not a whole number"),
        ({"kept": {**KEPT, "epoch": -1}}, "kept.epoch is -1, not from 0 to 9007199254740992"),
        ({"examples": {"train": 1.5}}, "examples.train is 1.5, not a whole number"),
        ({"notes": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}, "nested more than 32 deep"),
    ],
)
def test_a_malformed_record_is_skipped_or_where_there_is_no_other_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    write_record(fake(tmp_path, "a", {}), {**GOOD, **change})
    refused(*("runs", "."), cwd=tmp_path, status=3, error=f"a/run.json: malformed: {said}", hint="copy the run again")
    fake(tmp_path, "b", {})
    result = good("runs", ".", "--json", cwd=tmp_path)
    assert order(result) == ["b"]
    assert result.errors == [f"warning: skipped: a/run.json: malformed: {said}"]


ROWS = "epoch,step,learning_rate,loss\n1,1,0.1,3.0\n"


@pytest.mark.parametrize(
    "rows",
    [
        *(ROWS + row + "\n" for row in ("2,2,0.1", "2,2,0.1,x", "2,2,0.1,3.0,4.0", "3,2,0.1,3.0", "nan,2,0.1,3")),
        *("x\n1\n", "step,epoch\n1,1\n", "epoch,step,learning_rate,a,a\n1,1,1,1,1\n", "\0" * 200_000 + "\n"),
    ],
)
def test_malformed_metrics_are_skipped(tmp_path: Path, rows: str) -> None:
    fake(tmp_path, "a", {}, rows)
    fake(tmp_path, "b", {})
    result = good("runs", ".", "--csv", cwd=tmp_path)
    assert [row["run"] for row in result.rows] == ["b"]
    (warning,) = result.errors
    assert warning.startswith("warning: skipped: a/metrics.csv: malformed: ")


def test_what_is_no_run_or_cannot_be_read_is_skipped_with_its_reason(tmp_path: Path) -> None:
    fake(tmp_path, "good", {"loss": 1.0})
    for name in ("pipe", "rows", "huge", "damaged", "config", "settings", "bytes", "no config", "no record"):
        fake(tmp_path, name, {"loss": 2.0}, ROWS)
    (tmp_path / "no record/run.json").unlink()
    (tmp_path / "no config/config.yaml").unlink()
    for path in (tmp_path / "pipe/run.json", tmp_path / "rows/metrics.csv", tmp_path / "config/config.yaml"):
        path.unlink()
        os.mkfifo(path)
    with (tmp_path / "huge/metrics.csv").open("ab") as file:
        file.truncate(1 << 33)
    with (tmp_path / "damaged/run.json").open("ab") as file:
        file.write(b" ")
    (tmp_path / "settings/config.yaml").write_text("a: [")
    (tmp_path / "bytes/metrics.csv").write_bytes(b"\xff\n")
    (tmp_path / "good/again").symlink_to(tmp_path)
    result = good("runs", ".", "--json", cwd=tmp_path)
    assert order(result) == ["good"]
    pipe = "it is a device or a pipe, not a file"
    assert [line.partition("skipped: ")[2] for line in result.errors] == [
        "bytes/metrics.csv: malformed: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        f"config/config.yaml: {pipe}",
        "damaged/run.json: the file is damaged: its SHA-256 is not that noted in it",
        "huge/metrics.csv: it is of 8,589,934,592 bytes, beyond the 268,435,456 that bp reads of it",
        "no config/config.yaml: no such config",
        "no record: this is no run folder: it has no run.json",
        f"pipe/run.json: {pipe}",
        f"rows/metrics.csv: {pipe}",
        "settings/config.yaml:1: not YAML: expected the node content, but found '<stream end>'",
    ]


def test_a_config_or_rows_that_have_changed_since_the_run_are_skipped(folder: Path) -> None:
    for name in ("config.yaml", "metrics.csv"):
        good("train", "points.yaml", "epochs=2", "--run", f"changed/{name}", cwd=folder)
        path = folder / "changed" / name / name
        path.write_text(path.read_text().replace("1", "2"))
    good("train", "points.yaml", "epochs=2", "--run", "changed/good", cwd=folder)
    result = good("runs", "changed", "--json", cwd=folder)
    assert order(result) == ["good"]
    assert len(result.errors) == 2
    assert "changed/config.yaml/config.yaml: it has changed since the run" in result.errors[0]
    assert "changed/metrics.csv/metrics.csv: " in result.errors[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_may_not_be_read_is_skipped(tmp_path: Path) -> None:
    fake(tmp_path, "a", {"loss": 1.0})
    fake(tmp_path, "b", {"loss": 1.0}).chmod(0)
    result = good("runs", ".", "--json", cwd=tmp_path)
    assert (order(result), result.errors) == (["a"], ["warning: skipped: ./b: can't read: permission denied"])


def test_a_run_that_has_not_finished_an_epoch_is_listed(tmp_path: Path) -> None:
    write_record(fake(tmp_path, "a", {}), GOOD)
    (row,) = good("runs", ".", "--json", cwd=tmp_path).json["runs"]
    assert (row["ended"], row["epochs"], row["best_epoch"], row["best"]) == (None, 0, None, None)
    for form in ([], ["--csv"]):
        assert "unfinished" in good("runs", ".", *form, cwd=tmp_path).out
    fake(tmp_path, "b", {"loss": 1.0})
    assert order(good("runs", ".", "--json", cwd=tmp_path)) == ["b", "a"]

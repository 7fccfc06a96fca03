"""Run folders: their names, their rows, and how they compare."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from threading import Thread

import pytest

from bpcli.errors import ConfigError, DataError
from bpcli.nn.metrics import METRICS
from bpcli.runs import comparison, folder
from bpcli.runs.comparison import Finished
from bpcli.runs.folder import Run
from bpcli.training.loop import Epoch

ROWS: list[dict[str, float]] = [
    {"epoch": 1, "loss": 3.0, "accuracy": 0.5, "val_loss": 2.0, "val_accuracy": 0.75},
    {"epoch": 2, "loss": 2.0, "accuracy": 0.75, "val_loss": 1.0, "val_accuracy": 0.75},
    {"epoch": 3, "loss": 1.0, "accuracy": 0.75, "val_loss": 1.5, "val_accuracy": 0.5},
]


def finished(final: dict[str, float | None] | None = None, name: str = "run", rows: int = 0) -> Finished:
    return Finished(Path(name), {"ended": "completed", "final": final or {}}, {}, ROWS[:rows])


def test_rows_are_added_below_one_header_with_all_their_digits(tmp_path: Path) -> None:
    run = Run(tmp_path, {})
    run.add(Epoch(1, 10, 0.1, {"loss": 1 / 3, "accuracy": 1.0}, 0.25, 0.5))
    run.add(Epoch(2, 20, 1e-7, {"loss": 1e300, "accuracy": 0.1}, 1.5, 0.0))
    assert (tmp_path / folder.METRICS_FILE).read_text() == (
        "epoch,step,learning_rate,loss,accuracy\n1,10,0.1,0.3333333333333333,1.0\n2,20,1e-07,1e+300,0.1\n"
    )
    assert (tmp_path / folder.TIMINGS).read_text() == (
        "epoch,train_seconds,validation_seconds\n1,0.25,0.5\n2,1.5,0.0\n"
    )


def test_how_it_ended_goes_into_the_record(tmp_path: Path) -> None:
    run = Run(tmp_path, {"seed": 3, "ended": None})
    run.finish("completed", 4, 40, {"loss": 0.5, "test_loss": float("inf")})
    assert json.loads((tmp_path / folder.RECORD).read_text()) == {
        "seed": 3,
        "ended": "completed",
        "epochs": 4,
        "steps": 40,
        "final": {"loss": 0.5, "test_loss": None},
    }


def test_threads_that_start_together_get_folders_of_their_own(tmp_path: Path) -> None:
    made: list[Path] = []
    with contextlib.chdir(tmp_path):
        threads = [Thread(target=lambda: made.append(folder._next("a"))) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(str(path) for path in made) == [f"runs/a-{number:03d}" for number in range(1, 17)]


def test_a_folder_taken_meanwhile_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs/a-001").mkdir(parents=True)
    monkeypatch.setattr("os.listdir", lambda _: [])
    with contextlib.chdir(tmp_path):
        assert folder._next("a") == Path("runs/a-002")


def test_the_processor_has_a_name() -> None:
    assert folder.cpu_type()


# Comparing.


@pytest.mark.parametrize("name", list(METRICS))
@pytest.mark.parametrize("prefix", ["", "val_", "test_"])
def test_more_is_better_as_the_metric_says(prefix: str, name: str) -> None:
    assert comparison.higher_is_better(prefix + name) == METRICS[name]().higher


@pytest.mark.parametrize("name", ["loss", "val_loss", "test_loss", "unknown"])
def test_less_is_better_of_any_loss(name: str) -> None:
    assert not comparison.higher_is_better(name)


@pytest.mark.parametrize(
    ("metric", "epoch", "value"),
    [
        ("loss", 3, 1.0),
        ("accuracy", 2, 0.75),
        ("val_loss", 2, 1.0),
        ("val_accuracy", 1, 0.75),
        ("test_loss", 2, 1.0),  # its validation twin's
        ("test_accuracy", 1, 0.75),
    ],
)
def test_the_best_epoch_is_the_first_of_the_best(metric: str, epoch: int, value: float) -> None:
    assert comparison.best_epoch(finished(rows=3), metric) == (epoch, value)


def test_a_run_without_epochs_or_without_the_metric_has_no_best() -> None:
    assert comparison.best_epoch(finished(), "loss") is None
    assert comparison.best_epoch(finished(rows=3), "rmse") is None


def test_a_test_metric_without_validation_goes_by_training() -> None:
    rows = [{"epoch": row["epoch"], "loss": row["loss"]} for row in ROWS]
    run = Finished(Path("run"), {"ended": None, "final": {}}, {}, rows)
    assert comparison.best_epoch(run, "test_loss") == (3, 1.0)


def test_runs_are_ranked_with_the_best_first_and_those_without_a_value_last() -> None:
    found = [finished({"r2": 0.1}, "a"), finished({"r2": None}, "b"), finished({"r2": 0.9}, "c"), finished({}, "d")]
    found.append(finished({"r2": 0.9}, "e"))
    assert [run.folder.name for run in comparison.ranked(found, "r2")] == ["c", "e", "a", "b", "d"]
    found = [finished({"rmse": value}, str(value)) for value in (3.0, 1.0, 2.0)]
    assert [run.folder.name for run in comparison.ranked(found, "rmse")] == ["1.0", "2.0", "3.0"]


def test_final_metrics_of_an_unfinished_run_are_its_last_epochs() -> None:
    assert finished(rows=2).final == {"loss": 2.0, "accuracy": 0.75, "val_loss": 1.0, "val_accuracy": 0.75}


def test_only_a_metric_that_some_run_has_can_be_wanted() -> None:
    found = [finished({"loss": 1.0}), finished({"val_rmse": 1.0})]
    assert comparison.monitored(found, "loss") == "loss"
    with pytest.raises(ConfigError, match="no run has a metric 'val_rmsee'") as caught:
        comparison.monitored(found, "val_rmsee")
    assert caught.value.hint == "did you mean 'val_rmse'? (choose from loss, val_rmse)"


def test_settings_differ_where_a_run_lacks_one_or_its_kind_is_another() -> None:
    settings = [{"a": 1, "b": [1], "c": "x"}, {"a": 1.0, "b": [1], "c": "x", "d": None}, {"a": 1, "b": [2], "c": "x"}]
    found = [Finished(Path("run"), {}, setting) for setting in settings]
    assert comparison.differing(found) == ["a", "b"]


def test_a_folder_without_a_record_is_no_run(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match=r"this is no run folder: it has no run\.json") as caught:
            folder.read_record(place)
        assert caught.value.where == str(place)

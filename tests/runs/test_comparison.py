"""Runs compared: which metric ranks them, which is best, and in which settings they differ."""

from __future__ import annotations

from math import nan
from pathlib import Path

import pytest

from bpcli.errors import ConfigError
from bpcli.nn.metrics import METRICS, column_of
from bpcli.runs import comparison
from bpcli.runs.comparison import RecordedRun

ROWS: list[dict[str, float]] = [
    {"epoch": 1, "loss": 3.0, "accuracy": 0.5, "val_loss": 2.0, "val_accuracy": 0.75},
    {"epoch": 2, "loss": 2.0, "accuracy": 0.75, "val_loss": 1.0, "val_accuracy": 0.75},
    {"epoch": 3, "loss": 1.0, "accuracy": 0.75, "val_loss": 1.5, "val_accuracy": 0.5},
]


def finished(final: dict[str, float | None] | None = None, name: str = "run", rows: int = 0) -> RecordedRun:
    return RecordedRun(Path(name), {"ended": "completed", "final": final or {}}, {}, ROWS[:rows])


@pytest.mark.parametrize("name", list(METRICS))
@pytest.mark.parametrize("prefix", ["", "val_", "test_"])
def test_more_is_better_as_the_metric_says(prefix: str, name: str) -> None:
    one = METRICS[name]()
    assert comparison.higher_is_better(prefix + column_of(one)) == one.higher


@pytest.mark.parametrize("name", ["loss", "val_loss", "test_loss", "unknown"])
def test_less_is_better_of_any_loss(name: str) -> None:
    assert not comparison.higher_is_better(name)


def test_the_final_metrics_are_those_of_the_kept_epoch_and_the_test_part() -> None:
    record = {"ended": None, "kept": {"epoch": 2}, "final": {"test_loss": 9.0}}
    run = RecordedRun(Path("run"), record, {}, ROWS)
    assert run.kept_epoch == 2
    assert run.final == {"loss": 2.0, "accuracy": 0.75, "val_loss": 1.0, "val_accuracy": 0.75, "test_loss": 9.0}
    assert RecordedRun(Path("run"), {**record, "kept": {"epoch": 0}}, {}, ROWS).final == {"test_loss": 9.0}
    assert finished({"test_loss": None, "test_accuracy": 0.5}).final == {"test_accuracy": 0.5}


def test_runs_are_ranked_with_the_best_first_and_those_without_a_value_last() -> None:
    found = [
        finished({"r2": 0.1}, "a"),
        finished({"r2": None}, "b"),
        finished({"r2": nan}, "n"),
        finished({"r2": 0.9}, "c"),
        finished({}, "d"),
    ]
    found.append(finished({"r2": 0.9}, "e"))
    assert [run.folder.name for run in comparison.rank_runs(found, "r2")] == ["c", "e", "a", "b", "n", "d"]
    found = [finished({"rmse": value}, str(value)) for value in (3.0, 1.0, 2.0)]
    assert [run.folder.name for run in comparison.rank_runs(found, "rmse")] == ["1.0", "2.0", "3.0"]


def test_a_record_that_names_no_kept_epoch_means_the_last() -> None:
    assert finished(rows=2).final == {"loss": 2.0, "accuracy": 0.75, "val_loss": 1.0, "val_accuracy": 0.75}


def test_only_a_metric_that_some_run_has_can_be_wanted() -> None:
    found = [finished({"loss": 1.0}), finished({"val_rmse": 1.0})]
    assert comparison.ranking_metric(found, "loss") == "loss"
    with pytest.raises(ConfigError, match="no run has a metric 'val_rmsee'") as caught:
        comparison.ranking_metric(found, "val_rmsee")
    assert caught.value.hint == "did you mean 'val_rmse'? (choose from loss, val_rmse)"


def test_settings_differ_where_a_run_lacks_one_or_its_kind_is_another() -> None:
    settings = [{"a": 1, "b": [1], "c": "x"}, {"a": 1.0, "b": [1], "c": "x", "d": None}, {"a": 1, "b": [2], "c": "x"}]
    found = [RecordedRun(Path("run"), {}, setting) for setting in settings]
    assert comparison.differing_settings(found) == ["a", "b"]


@pytest.mark.parametrize(
    ("final", "metric"),
    [
        ({"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_f1_macro": 0.4}, "val_f1_macro"),
        ({"loss": 1.0, "f1_macro": 0.5, "top_3": 0.6, "accuracy": 0.2}, "accuracy"),
        ({"loss": 1.0, "test_loss": 2.0}, "test_loss"),
        ({"loss": 1.0, "pinball_0.1": 0.5}, "pinball_0.1"),
    ],
)
def test_runs_are_ranked_by_a_metric_before_the_loss(final: dict[str, float | None], metric: str) -> None:
    assert comparison.ranking_metric([finished(final)], None) == metric

"""Runs read back from their folders and compared: the settings in which they differ, and which is best."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bpcli.config import document
from bpcli.errors import ConfigError, DataError, did_you_mean
from bpcli.nn.metrics import METRICS
from bpcli.runs.folder import CONFIG_FILE, METRICS_FILE, RECORD_FILE, read_record

NOT_MEASURED = ("epoch", "step", "learning_rate")
"""The columns of metrics.csv that are no result."""


@dataclass(frozen=True)
class RecordedRun:
    """A run as its folder records it, finished or not.

    ``record`` is run.json, ``settings`` the config with dotted keys, ``epochs`` the rows of metrics.csv.
    """

    folder: Path
    record: dict[str, Any]
    settings: dict[str, Any]
    epochs: list[dict[str, float]] = field(default_factory=list)

    @property
    def final(self) -> dict[str, float]:
        """The final metrics; of an unfinished run those of its last epoch."""
        last = self.epochs[-1] if self.epochs else {}
        measured = {key: value for key, value in last.items() if key not in NOT_MEASURED}
        return {**measured, **self.record["final"]}


def find_runs(folder: Path) -> list[RecordedRun]:
    """Every run below a folder, sorted by path; a run.json without a config beside it is not a run's.

    Raises:
        DataError: the folder is absent or a run in it is malformed.
    """
    if not folder.is_dir():
        raise DataError("no such folder", where=str(folder), hint="name the folder that holds the runs")
    paths = [path.parent for path in sorted(folder.rglob(RECORD_FILE))]
    return [_read_run(path) for path in paths if (path / CONFIG_FILE).exists()]


def _read_run(folder: Path) -> RecordedRun:
    record = read_record(folder)
    settings = _dotted_settings(document.read_yaml(folder / CONFIG_FILE).plain())
    try:
        return RecordedRun(folder, record, settings, _read_epochs(folder / METRICS_FILE))
    except (ValueError, TypeError) as error:
        raise DataError(
            f"malformed metrics: {error}", where=str(folder / METRICS_FILE), hint="move the run away"
        ) from error


def _dotted_settings(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted keys; a list stays one value."""
    if not isinstance(value, dict):
        return {prefix: value}
    items = [_dotted_settings(item, f"{prefix}.{key}" if prefix else key) for key, item in value.items()]
    return {key: item for flat in items for key, item in flat.items()}


def _read_epochs(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def differing_settings(runs: list[RecordedRun]) -> list[str]:
    """The keys of the settings in which the runs differ."""
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    differing = {key for key in keys if len({json.dumps(run.settings.get(key)) for run in runs}) > 1}
    return [key for key in keys if key in differing and not _is_implied(key, differing, runs)]


def _is_implied(key: str, differing: set[str], runs: list[RecordedRun]) -> bool:
    """Whether a differing ``name`` or ``mode`` beside ``key`` brings it: it has one value wherever it is present."""
    section = key.rpartition(".")[0]
    choices = {f"{section}.name", f"{section}.mode"} & differing - {key}
    return bool(choices) and len({json.dumps(run.settings[key]) for run in runs if key in run.settings}) == 1


def ranking_metric(runs: list[RecordedRun], requested: str | None) -> str:
    """The metric to rank by, ``requested`` or a default.

    By default validation comes before test before training, accuracy or R² before loss.

    Raises:
        ConfigError: no run has the requested metric.
    """
    known = list(dict.fromkeys(name for run in runs for name in run.final))
    if requested is not None:
        if requested not in known:
            hint = did_you_mean(requested, known)
            raise ConfigError(f"no run has a metric {requested!r}", where="command line", hint=hint)
        return requested
    candidates = [prefix + name for prefix in ("val_", "test_", "") for name in (*METRICS, "loss")]
    return next((name for name in candidates if name in known), "loss")


def higher_is_better(metric: str) -> bool:
    """Whether a higher value of a metric is better, whatever its prefix ``val_`` or ``test_``."""
    name = metric.removeprefix("val_").removeprefix("test_")
    return name in METRICS and METRICS[name]().higher


def best_epoch(run: RecordedRun, metric: str) -> tuple[int, float] | None:
    """The first epoch with the best value of a metric, and that value; None if no epoch has it.

    A test metric has no value per epoch: its validation metric stands for it, else its training metric.
    """
    name = metric.removeprefix("test_") if metric.startswith("test_") else metric
    for candidate in dict.fromkeys((metric, f"val_{name}", name)):
        rows = [row for row in run.epochs if candidate in row]
        if rows:
            sign = -1 if higher_is_better(candidate) else 1
            best = min(rows, key=lambda row: sign * row[candidate])
            return int(best["epoch"]), best[candidate]
    return None


def rank_runs(runs: list[RecordedRun], metric: str) -> list[RecordedRun]:
    """The best final value first, runs without one last; equal values keep their order."""
    sign = -1 if higher_is_better(metric) else 1

    def key(run: RecordedRun) -> tuple[bool, float]:
        value = run.final.get(metric)
        return (value is None, 0.0 if value is None else sign * value)

    return sorted(runs, key=key)

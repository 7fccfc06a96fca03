"""Runs read back from their folders, and compared: what differs between them, and which is best."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bpcli.config import document
from bpcli.errors import ConfigError, DataError, did_you_mean
from bpcli.nn.metrics import METRICS
from bpcli.runs.folder import CONFIG, METRICS_FILE, RECORD, read_record


@dataclass(frozen=True)
class Finished:
    """A run as it lies in its folder."""

    folder: Path
    record: dict[str, Any]
    settings: dict[str, Any]
    epochs: list[dict[str, float]] = field(default_factory=list)

    @property
    def final(self) -> dict[str, float]:
        """The final metrics; of a run that has not ended, the last epoch's."""
        last = self.epochs[-1] if self.epochs else {}
        measured = {key: value for key, value in last.items() if key not in ("epoch", "step", "learning_rate")}
        return {**measured, **self.record["final"]}


def find(folder: Path) -> list[Finished]:
    """Every run below a folder, by name; a run.json without a config beside it is somebody else's.

    Raises:
        DataError: the folder is absent or a run in it malformed.
    """
    if not folder.is_dir():
        raise DataError("no such folder", where=str(folder), hint="name the folder that holds the runs")
    found = []
    for path in sorted(folder.rglob(RECORD)):
        if not (path.parent / CONFIG).exists():
            continue
        record = read_record(path.parent)
        settings = _flat(document.read_yaml(path.parent / CONFIG).plain())
        try:
            found.append(Finished(path.parent, record, settings, _epochs(path.parent / METRICS_FILE)))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"malformed metrics: {error}", where=str(path.parent / METRICS_FILE), hint="move the run away"
            ) from error
    return found


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted keys; lists stay whole."""
    if not isinstance(value, dict):
        return {prefix: value}
    items = [_flat(item, f"{prefix}.{key}" if prefix else key) for key, item in value.items()]
    return {key: item for flat in items for key, item in flat.items()}


def _epochs(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def differing(found: list[Finished]) -> list[str]:
    """The settings in which runs differ."""
    keys = dict.fromkeys(key for run in found for key in run.settings)
    apart = {key for key in keys if len({json.dumps(run.settings.get(key)) for run in found}) > 1}
    return [key for key in keys if key in apart and not _follows(key, apart, found)]


def _follows(key: str, apart: set[str], found: list[Finished]) -> bool:
    """Whether a setting merely comes with another ``name`` or ``mode`` beside it: alike wherever it is at all."""
    section = key.rpartition(".")[0]
    chosen = {f"{section}.name", f"{section}.mode"} & apart - {key}
    return bool(chosen) and len({json.dumps(run.settings[key]) for run in found if key in run.settings}) == 1


def monitored(found: list[Finished], wanted: str | None) -> str:
    """The metric to rank by: as wanted, else validation before test before training, accuracy or R² before loss.

    Raises:
        ConfigError: no run has the one wanted.
    """
    known = list(dict.fromkeys(name for run in found for name in run.final))
    if wanted is not None:
        if wanted not in known:
            raise ConfigError(f"no run has a metric {wanted!r}", where="command line", hint=did_you_mean(wanted, known))
        return wanted
    for prefix in ("val_", "test_", ""):
        for name in (*METRICS, "loss"):
            if prefix + name in known:
                return prefix + name
    return "loss"


def higher_is_better(metric: str) -> bool:
    """Whether more of a metric is better, its part's prefix aside."""
    name = metric.removeprefix("val_").removeprefix("test_")
    return name in METRICS and METRICS[name]().higher


def best_epoch(run: Finished, metric: str) -> tuple[int, float] | None:
    """The first epoch at which a per-epoch metric was best; for a test metric, its validation or training twin."""
    name = metric.removeprefix("test_") if metric.startswith("test_") else metric
    for candidate in dict.fromkeys((metric, f"val_{name}", name)):
        rows = [row for row in run.epochs if candidate in row]
        if rows:
            sign = -1 if higher_is_better(candidate) else 1
            best = min(rows, key=lambda row: sign * row[candidate])
            return int(best["epoch"]), best[candidate]
    return None


def ranked(found: list[Finished], metric: str) -> list[Finished]:
    """Best final value first; runs without one last; equal ones by name."""
    sign = -1 if higher_is_better(metric) else 1

    def key(run: Finished) -> tuple[bool, float]:
        value = run.final.get(metric)
        return (value is None, 0.0 if value is None else sign * value)

    return sorted(found, key=key)

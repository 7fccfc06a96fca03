"""Runs read back from their folders and compared: the settings in which they differ, and which is best."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from math import isnan
from pathlib import Path
from typing import Any

from bpcli.choices import PLUGINS
from bpcli.config import document
from bpcli.errors import BpError, ConfigError, DataError, did_you_mean, refused
from bpcli.nn.metrics import METRICS, Metric, kind_of_column
from bpcli.runs.epoch_rows import METRICS_FILE, measured, read_epochs
from bpcli.runs.folder import CONFIG_FILE
from bpcli.runs.own_files import require_own_config, require_own_rows
from bpcli.runs.record import RECORD_FILE, read_record


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
    def kept_epoch(self) -> int:
        """The epoch whose parameters the run keeps, 0 before the first is saved; without a record of it, the last."""
        last = int(self.epochs[-1]["epoch"]) if self.epochs else 0
        return int(self.record.get("kept", {}).get("epoch", last))

    @property
    def final(self) -> dict[str, float]:
        """The metrics of the kept parameters; of an unfinished run without those of the test part.

        Without those that run.json has as null, because they were not finite.
        """
        known = {**measured(self.epochs, self.kept_epoch), **self.record["final"]}
        return {name: value for name, value in known.items() if value is not None}


def find_runs(folder: Path) -> tuple[list[RecordedRun], list[str]]:
    """Every run below a folder, sorted by path, and a warning for each that cannot be read.

    A folder with two of run.json, config.yaml and metrics.csv is a run's, others are not. Links to folders are
    not followed.

    Raises:
        DataError: the folder is absent, or there are runs in it and none can be read.
        SystemRefusedError: the system refused to read the folder itself.
    """
    if not folder.is_dir():
        raise DataError("no such folder", where=str(folder), hint="name the folder that holds the runs")
    unreadable: list[BpError] = []
    runs = []
    for path in _run_folders(folder, unreadable):
        try:
            runs.append(read_run(path))
        except BpError as error:
            unreadable.append(error)
    if unreadable and not runs:
        raise unreadable[0]
    named = {key.removesuffix(".name") for run in runs for key in run.settings if key.endswith(".name")}
    skipped = [f"skipped: {error.where}: {error.message}" for error in unreadable]
    return [replace(run, settings=_one_key_for_names(run.settings, named)) for run in runs], skipped


def _run_folders(folder: Path, unreadable: list[BpError]) -> list[Path]:
    """The folders below one that hold a run; what cannot be read goes to ``unreadable``."""

    def skip(error: OSError) -> None:
        unreadable.append(refused("read", error.filename, error))

    own = {RECORD_FILE, CONFIG_FILE, METRICS_FILE}
    return sorted(Path(at) for at, _, files in os.walk(folder, onerror=skip) if len(own & {*files}) > 1)


def read_run(folder: Path) -> RecordedRun:
    """The run in a folder.

    Raises:
        BpError: one of its files is malformed, damaged or no file.
    """
    record, config = read_record(folder), folder / CONFIG_FILE
    try:
        require_own_config(folder, record)
        settings = dotted_settings(document.read_yaml(config).plain())
        epochs = read_epochs(folder)
        require_own_rows(folder, record, ["metrics"])
        return RecordedRun(folder, record, settings, epochs)
    except OSError as error:
        raise refused("read", error.filename or folder, error) from error


def dotted_settings(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted keys; a list stays one value."""
    if not isinstance(value, dict):
        return {prefix: value}
    items = [dotted_settings(item, f"{prefix}.{key}" if prefix else key) for key, item in value.items()]
    return {key: item for flat in items for key, item in flat.items()}


def _one_key_for_names(settings: dict[str, Any], named: set[str]) -> dict[str, Any]:
    """``settings`` with ``keep: last`` as ``keep.name``, where that is among ``named``, as it is with its settings."""
    return {f"{key}.name" if key in named else key: value for key, value in settings.items()}


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
        _require_known_direction(requested, runs)
        return requested
    for prefix in ("val_", "test_", ""):
        columns = [name.removeprefix(prefix) for name in known if name.startswith(prefix)]
        measured = [name for name in columns if kind_of_column(name) is not None]
        usual = [name for name in METRICS if name in measured]
        for name in (*usual, *measured, "loss"):
            if name in columns:
                return prefix + name
    return "loss"


def _require_known_direction(metric: str, runs: list[RecordedRun]) -> None:
    """A metric of a user's own file needs the file, which says whether a higher value is better.

    Raises:
        ConfigError: the file is not loaded.
    """
    if _kind(metric) is not None or metric.endswith("loss"):
        return
    having = (run.record.get("plugins") for run in runs if metric in run.final)
    names = sorted({name for own in having if isinstance(own, dict) for name in own} - set(PLUGINS))
    if names:
        files, options = ", ".join(names), " ".join(f"--plugin {name}" for name in names)
        raise ConfigError(f"{metric} is a metric of {files}", where="command line", hint=f"add {options}")


def _kind(metric: str) -> type[Metric] | None:
    return kind_of_column(metric.removeprefix("val_").removeprefix("test_"))


def higher_is_better(metric: str) -> bool:
    """Whether a higher value of a metric is better, whatever its prefix ``val_`` or ``test_``."""
    kind = _kind(metric)
    return kind is not None and kind().higher


def rank_runs(runs: list[RecordedRun], metric: str) -> list[RecordedRun]:
    """The best final value first, runs without one last; equal values keep their order."""
    sign = -1 if higher_is_better(metric) else 1

    def key(run: RecordedRun) -> tuple[bool, float]:
        value = run.final.get(metric)
        return (True, 0.0) if value is None or isnan(value) else (False, sign * value)

    return sorted(runs, key=key)

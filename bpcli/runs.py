"""Run folders: made without ever touching another run, written whole, read back for comparison."""

from __future__ import annotations

import csv
import json
import os
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import __version__, model, storage
from bpcli.config import document
from bpcli.errors import ConfigError, DataError, did_you_mean, refused
from bpcli.experiment import Experiment
from bpcli.nn.metrics import METRICS
from bpcli.training import Epoch, TrainingState

CONFIG, METRICS_FILE, TIMINGS = "config.yaml", "metrics.csv", "timings.csv"
RECORD, CHECKPOINT = "run.json", "checkpoint.safetensors"
DEFAULT_FOLDER = Path("runs")


@dataclass
class Run:
    """A run being written."""

    folder: Path
    record: dict[str, Any]

    def add(self, epoch: Epoch) -> None:
        """One row more in metrics.csv and timings.csv."""
        row = {"epoch": epoch.epoch, "step": epoch.step, "learning_rate": epoch.learning_rate, **epoch.values}
        times = {
            "epoch": epoch.epoch,
            "train_seconds": epoch.train_seconds,
            "validation_seconds": epoch.validation_seconds,
        }
        for name, values in ((METRICS_FILE, row), (TIMINGS, times)):
            head = ",".join(values) + "\n" if epoch.epoch == 1 else ""
            storage.append(self.folder / name, head + ",".join(map(repr, values.values())) + "\n")

    def save(self, experiment: Experiment, state: TrainingState) -> None:
        """The model as of the last finite epoch, and the state to go on from."""
        model.save(self.folder / model.FILE, experiment.model(state.finite_theta))
        storage.write_tensors(self.folder / CHECKPOINT, state.tensors(), state.counters())

    def finish(self, ended: str, epochs: int, step: int, final: dict[str, float]) -> None:
        """Say how it ended."""
        self.record |= {"ended": ended, "epochs": epochs, "steps": step, "final": final}
        self.write_record()

    def write_record(self) -> None:
        """Write run.json."""
        text = storage.to_json(self.record, indent=2)
        storage.write(self.folder / RECORD, (text + "\n").encode())


def create(experiment: Experiment, stem: str, folder: Path | None) -> Run:
    """Make the run's folder and write what is known before training.

    Raises:
        ConfigError: ``folder`` exists.
        SystemRefusedError: the system refused.
    """
    run = Run(_make(folder) if folder is not None else _next(stem), _record(experiment))
    storage.write(run.folder / CONFIG, document.dump(experiment.resolved).encode())
    run.write_record()
    return run


def require_free(folder: Path | None) -> None:
    """Look whether a run can be made there, before there is much to lose by its refusal.

    Raises:
        ConfigError: ``folder`` exists.
    """
    if folder is not None and folder.exists():
        raise _taken(folder)


def _taken(folder: Path) -> ConfigError:
    return ConfigError(
        "it exists already, and a run is never overwritten", where=str(folder), hint="name another folder"
    )


def _make(folder: Path) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError as error:
        raise _taken(folder) from error
    except OSError as error:
        raise refused("make the folder", folder, error) from error
    return folder


def _next(stem: str) -> Path:
    """``runs/<stem>-001`` or the next free number; mkdir itself decides between two that start together."""
    try:
        DEFAULT_FOLDER.mkdir(exist_ok=True)
        taken = [name[len(stem) + 1 :] for name in os.listdir(DEFAULT_FOLDER) if name.startswith(f"{stem}-")]
        number = max((int(tail) for tail in taken if tail.isascii() and tail.isdigit()), default=0)
        while True:
            number += 1
            folder = DEFAULT_FOLDER / f"{stem}-{number:03d}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise refused("make a folder in", DEFAULT_FOLDER, error) from error


def _record(experiment: Experiment) -> dict[str, Any]:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "bp": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "engine": experiment.engine.name,
        "shards": experiment.engine.shards,
        "threads": experiment.engine.threads,
        "cpu": cpu_type(),
        "system": f"{platform.system()} {platform.machine()}",
        "seed": experiment.plan.seed,
        "layers": list(experiment.network.sizes),
        "parameters": experiment.parameters.theta.size,
        "examples": {part: found.size for part, found in experiment.loaded.parts.items()},
        "data": experiment.loaded.digests,
        "notes": experiment.loaded.notes.lines(),
        "ended": None,
        "epochs": 0,
        "steps": 0,
        "final": {},
    }


def cpu_type() -> str:
    """The processor's name, as far as the system tells it."""
    if sys.platform == "linux":
        try:
            with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.startswith("model name"):
                        return line.partition(":")[2].strip()
        except OSError:
            pass
    return platform.processor() or platform.machine()


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


def read_record(folder: Path) -> dict[str, Any]:
    """A run's run.json.

    Raises:
        DataError: there is none, or it is malformed.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("this is no run folder: it has no run.json", where=str(folder), hint="see bp runs") from error
    except ValueError as error:
        raise DataError(f"malformed: {error}", where=str(path), hint="copy the run again") from error
    except OSError as error:
        raise refused("read", path, error) from error
    if not isinstance(record, dict) or not isinstance(record.get("final"), dict) or "ended" not in record:
        raise DataError("malformed: not a record of a run", where=str(path), hint="copy the run again")
    return record


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
        settings = _flat(document.read(path.parent / CONFIG).plain())
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

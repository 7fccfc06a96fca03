"""Run folders: made without ever touching another run, written whole."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import __version__, storage
from bpcli.config import document
from bpcli.errors import ConfigError, DataError, refused
from bpcli.experiment import Experiment
from bpcli.runs import model_file
from bpcli.training.initial_parameters import MODEL
from bpcli.training.loop import Epoch
from bpcli.training.state import TrainingState

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
        model_file.save(self.folder / MODEL, model_file.of(experiment, state.finite_theta))
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
        "notes": experiment.loaded.warnings.lines(),
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

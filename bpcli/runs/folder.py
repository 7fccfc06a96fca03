"""Run folders: created without touching another run; every file in them is written whole."""

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
from bpcli.choices import PLUGINS
from bpcli.config import document
from bpcli.data.loading import Loaded
from bpcli.errors import ConfigError, DataError, refused
from bpcli.experiment import Experiment
from bpcli.nn import Array
from bpcli.runs import epoch_rows
from bpcli.runs.model_file import model_of, save_model
from bpcli.training.initial_parameters import MODEL
from bpcli.training.loop import Epoch
from bpcli.training.state import TrainingState

CONFIG_FILE, RECORD_FILE = "config.yaml", "run.json"
CHECKPOINT_FILE = "checkpoint.safetensors"
SPLIT_FILE = "split.csv"

ROWS_AT_ONCE = 1 << 16
"""How many rows of the split are written as one piece."""

RUNS_FOLDER = Path("runs")
"""Where a run goes that is given no folder."""


@dataclass
class RunWriter:
    """Writes the files of one run folder; ``record`` is the content of its run.json."""

    folder: Path
    record: dict[str, Any]

    def append_epoch(self, epoch: Epoch) -> None:
        """Append a row to metrics.csv and to timings.csv."""
        epoch_rows.append_epoch(self.folder, epoch)

    def measured(self, epoch: int) -> dict[str, float]:
        """What metrics.csv has of an epoch; nothing of one that has not ended."""
        return epoch_rows.measured(epoch_rows.read_epochs(self.folder), epoch)

    def save(self, experiment: Experiment, state: TrainingState) -> None:
        """Write the model with the kept parameters, their epoch, and the checkpoint to continue from."""
        save_model(self.folder / MODEL, model_of(experiment, state.kept.theta))
        storage.write_tensors(self.folder / CHECKPOINT_FILE, state.tensors(), state.counters())
        kept = {"epoch": state.kept.epoch, "value": state.kept.value}
        self.record["kept"] |= kept if state.kept.examples == 0 else {**kept, "examples": state.kept.examples}
        self.write_record()

    def note_rule(self, figures: dict[str, float]) -> None:
        """Note what the rule found besides θ; nothing where it has no figures."""
        if figures:
            self.record["rule"] = figures

    def finish(self, ended: str, epochs: int, step: int, final: dict[str, float]) -> None:
        """Write to run.json why training ended, how far it came, and the final metrics."""
        self.record |= {"ended": ended, "epochs": epochs, "steps": step, "final": final}
        self.write_record()

    def write_record(self) -> None:
        """Write run.json."""
        text = storage.to_json(self.record, indent=2)
        storage.write(self.folder / RECORD_FILE, (text + "\n").encode())


def create_run(experiment: Experiment, stem: str, folder: Path | None) -> RunWriter:
    """Create ``folder``, by default the next ``runs/<stem>-001``, with config.yaml and run.json.

    Raises:
        ConfigError: ``folder`` exists.
        SystemRefusedError: the system refused.
    """
    run = RunWriter(make_run_folder(stem, folder), _initial_record(experiment))
    storage.write(run.folder / CONFIG_FILE, document.dump(experiment.resolved).encode())
    if experiment.config.data.split.deals:
        _write_split(run.folder / SPLIT_FILE, experiment.loaded)
    run.write_record()
    return run


def _write_split(path: Path, loaded: Loaded) -> None:
    """Write which row of the training file, from 0, is in which part: a line for each row, in the file's order."""
    train = loaded.parts["train"]
    own = {name: part.rows for name, part in loaded.parts.items() if part.pair == train.pair}
    names = np.array(list(own))
    rows = np.concatenate(list(own.values()))
    parts = np.repeat(np.arange(len(own)), [len(of_part) for of_part in own.values()])
    order = np.argsort(rows)
    with storage.replacing(path) as file:
        file.write(b"row,part\n")
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = order[start : start + ROWS_AT_ONCE]
            lines = zip(rows[some].tolist(), names[parts[some]].tolist(), strict=True)
            file.write("".join(f"{row},{part}\n" for row, part in lines).encode())


def make_run_folder(stem: str, folder: Path | None) -> Path:
    """Create ``folder``, by default the next ``runs/<stem>-001``, empty.

    Raises:
        ConfigError: ``folder`` exists.
        SystemRefusedError: the system refused.
    """
    return _make_folder(folder) if folder is not None else _make_numbered_folder(stem)


def require_free_folder(folder: Path | None) -> None:
    """Refuse a folder that exists, before time is spent on preparing the run.

    Raises:
        ConfigError: ``folder`` exists.
    """
    if folder is not None and folder.exists():
        raise _folder_exists(folder)


def _folder_exists(folder: Path) -> ConfigError:
    return ConfigError(
        "it exists already, and a run is never overwritten", where=str(folder), hint="name another folder"
    )


def _make_folder(folder: Path) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError as error:
        raise _folder_exists(folder) from error
    except OSError as error:
        raise refused("make the folder", folder, error) from error
    return folder


def _make_numbered_folder(stem: str) -> Path:
    """Create ``runs/<stem>-001`` or the next free number; mkdir decides between runs that start together."""
    try:
        RUNS_FOLDER.mkdir(exist_ok=True)
        taken = [name[len(stem) + 1 :] for name in os.listdir(RUNS_FOLDER) if name.startswith(f"{stem}-")]
        number = max((int(tail) for tail in taken if tail.isascii() and tail.isdigit()), default=0)
        while True:
            number += 1
            folder = RUNS_FOLDER / f"{stem}-{number:03d}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise refused("make a folder in", RUNS_FOLDER, error) from error


def _initial_record(experiment: Experiment) -> dict[str, Any]:
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
        "plugins": dict(PLUGINS),
        "seed": experiment.plan.seed,
        "layers": list(experiment.network.sizes),
        "parameters": experiment.parameters.theta.size,
        "examples": {name: part.size for name, part in experiment.loaded.parts.items()},
        "data": experiment.loaded.digests,
        "notes": experiment.loaded.warnings.lines(),
        "ended": None,
        "epochs": 0,
        "steps": 0,
        "kept": {"epoch": 0, "monitor": experiment.control.keep.monitor or None, "value": None},
        "final": {},
        "expect": [],
    }


def read_checkpoint(folder: Path, state: TrainingState) -> tuple[dict[str, Array], dict[str, Any]]:
    """The tensors and counters of a run folder's checkpoint, from which ``state`` can continue.

    What is empty in ``state`` grows with the examples, so it has any shape in the checkpoint.

    Raises:
        DataError: the checkpoint is absent or malformed, or of another network, rule or metrics.
    """
    path = folder / CHECKPOINT_FILE
    tensors, counters = storage.read_tensors(path)
    for name, array in state.tensors().items():
        if name not in tensors or (array.size and tensors[name].shape != array.shape):
            found = f"in shape {tensors[name].shape}, not {array.shape}" if name in tensors else "not in the checkpoint"
            hint = "leave out the overrides that change the network or the optimizer"
            if name not in tensors and "." not in name:  # what every checkpoint has
                hint = "another version of bp wrote it: train again"
            raise DataError(f"tensor {name!r} is {found}", where=str(path), hint=hint)
    if counters is None or not counters.keys() >= state.counters().keys():
        raise DataError("the checkpoint's counters are missing", where=str(path), hint="copy the run again")
    return tensors, counters


def cpu_type() -> str:
    """The processor's name, or its architecture if the system does not give the name."""
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
    """Read a run folder's run.json.

    Raises:
        DataError: the file is absent or malformed.
    """
    path = folder / RECORD_FILE
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

"""Run folders: there with their first files or not at all; every file in them is written whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpcli.config import document
from bpcli.errors import DataError
from bpcli.experiment import Experiment
from bpcli.nn import Array
from bpcli.runs import epoch_rows
from bpcli.runs.model_file import model_of, save_model
from bpcli.runs.new_folder import new_run_folder
from bpcli.runs.record import RECORD_FILE, initial_record, is_number
from bpcli.runs.split_file import SPLIT_FILE, write_split
from bpcli.storage.files import write
from bpcli.storage.locks import LOCK_FILE
from bpcli.storage.tensors import read_tensors, write_tensors
from bpcli.storage.text import to_json
from bpcli.training.initial_parameters import MODEL
from bpcli.training.loop import Epoch
from bpcli.training.state import TrainingState

CONFIG_FILE = "config.yaml"
CHECKPOINT_FILE = "checkpoint.safetensors"

RUN_FILES = (CONFIG_FILE, RECORD_FILE, SPLIT_FILE, MODEL, CHECKPOINT_FILE, LOCK_FILE, *epoch_rows.TABLES)
"""All files of a run."""


@dataclass
class RunWriter:
    """Writes the files of one run folder; ``record`` is the content of its run.json."""

    folder: Path
    record: dict[str, Any]

    def append_epoch(self, epoch: Epoch, theta: Array) -> None:
        """Append a row of an epoch that left the parameters ``theta`` to every table."""
        epoch_rows.append_epoch(self.folder, epoch, theta)

    def measured(self, epoch: int) -> dict[str, float]:
        """What metrics.csv has of an epoch; nothing of one that has not ended."""
        return epoch_rows.measured(epoch_rows.read_epochs(self.folder), epoch)

    def save(self, experiment: Experiment, state: TrainingState) -> None:
        """Write the model with the kept parameters, their epoch, and the checkpoint to continue from.

        The rows of the epochs are on the disk before.
        """
        epoch_rows.sync(self.folder)
        save_model(self.folder / MODEL, model_of(experiment, state.kept.theta))
        write_tensors(self.folder / CHECKPOINT_FILE, state.tensors(), state.counters())
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
        text = to_json(self.record, indent=2)
        write(self.folder / RECORD_FILE, (text + "\n").encode())


@contextmanager
def create_run(experiment: Experiment, stem: str, folder: Path | None, state: TrainingState) -> Iterator[RunWriter]:
    """A run in ``folder``, by default the next ``runs/<stem>-001``, that starts from ``state``; held for the block.

    Raises:
        ConfigError: ``folder`` exists.
        SystemRefusedError: the system refused.
    """
    run = RunWriter(Path(), initial_record(experiment))

    def fill(part: Path) -> None:
        run.folder = part
        write(part / CONFIG_FILE, document.dump(experiment.resolved).encode())
        if experiment.config.data.split.deals:
            write_split(part / SPLIT_FILE, experiment.loaded)
        run.save(experiment, state)

    with new_run_folder(stem, folder, fill) as run.folder:
        yield run


def read_checkpoint(folder: Path, state: TrainingState) -> tuple[dict[str, Array], dict[str, Any]]:
    """The tensors and counters of a run folder's checkpoint, from which ``state`` can continue.

    What is empty in ``state`` grows with the examples, so it has any shape in the checkpoint.

    Raises:
        DataError: the checkpoint is absent or malformed, or of another network, rule or metrics.
    """
    path = folder / CHECKPOINT_FILE
    tensors, counters = read_tensors(path)
    for name, array in state.tensors().items():
        if name not in tensors or (array.size and tensors[name].shape != array.shape):
            found = f"in shape {tensors[name].shape}, not {array.shape}" if name in tensors else "not in the checkpoint"
            hint = "leave out the overrides that change the network or the optimizer"
            if name not in tensors and "." not in name:  # what every checkpoint has
                hint = "another version of bp wrote it: train again"
            raise DataError(f"tensor {name!r} is {found}", where=str(path), hint=hint)
    if not isinstance(counters, dict) or not counters.keys() >= state.counters().keys():
        raise DataError("the checkpoint's counters are missing", where=str(path), hint="copy the run again")
    for name, own in state.counters().items():
        if not is_number(counters[name], whole=isinstance(own, int)):
            message = f"the checkpoint's counter {name!r} is {counters[name]!r}"
            raise DataError(message, where=str(path), hint="copy the run again")
    return tensors, counters

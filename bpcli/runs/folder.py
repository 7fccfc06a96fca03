"""Run folders: there with their first files or not at all; every file in them is written whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from bpcli.config import document
from bpcli.config.past import digest_of_past
from bpcli.errors import DataError, refused
from bpcli.experiment import Experiment
from bpcli.nn import Array
from bpcli.runs import epoch_rows
from bpcli.runs.checkpoint import CHECKPOINT_FILE, save_checkpoint
from bpcli.runs.model_file import model_of, save_model
from bpcli.runs.new_folder import new_run_folder
from bpcli.runs.record import MARKED_TABLES, RECORD_FILE, Outcome, initial_record
from bpcli.runs.split_file import SPLIT_FILE, write_split
from bpcli.storage.bounded import require_regular
from bpcli.storage.files import write
from bpcli.storage.locks import LOCK_FILE
from bpcli.storage.sealed import write_json
from bpcli.training.initial_parameters import MODEL
from bpcli.training.loop import Epoch
from bpcli.training.state import TrainingState

CONFIG_FILE = "config.yaml"

RUN_FILES: Mapping[str, str] = {
    CONFIG_FILE: "the resolved config: `bp train` on it repeats the run to the same bytes",
    **epoch_rows.TABLES,
    MODEL: (
        "the kept parameters, `W1, b1, …`, and in its header all that prediction needs, and the file's SHA-256: "
        "a changed bit is refused"
    ),
    CHECKPOINT_FILE: (
        "the state of training, for `bp train --resume`: parameters, the optimizer's memory, counters; to start "
        "another run from its weights, use `network.weights`"
    ),
    SPLIT_FILE: "`row,part`: which row of the file, from 0, is in which part; where the file was split",
    RECORD_FILE: (
        "versions, processor, data hashes, which epoch's parameters are kept, their metrics, why training ended, and "
        "the SHA-256 of itself, of config.yaml, metrics.csv and digests.csv: a command that reads a file that has "
        "changed since ends with status 3"
    ),
    LOCK_FILE: "which process writes to the run, while one does; a second writer is refused with status 74",
}
"""All files of a run, and what each holds."""


def require_files(folder: Path, names: Iterable[str] = RUN_FILES, *, to_write: bool = False) -> None:
    """Refuse a run in which a file is a device or a pipe or, where bp is ``to_write`` to it, a link.

    A link in a run that somebody else made could have bp write to any file. What is absent is not refused here.

    Raises:
        DataError: one is; it is named.
        SystemRefusedError: the system refused to look.
    """
    for path in (folder / name for name in names):
        if to_write and path.is_symlink():
            message, hint = "it is a link: bp would write elsewhere", "put the file itself there"
            raise DataError(message, where=str(path), hint=hint)
        try:
            require_regular(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise refused("read", path, error) from error


@dataclass
class RunWriter:
    """Writes the files of one run folder; ``record`` is the content of its run.json. To be closed after its epochs."""

    folder: Path
    record: dict[str, Any]
    _tables: epoch_rows.EpochTables | None = field(default=None, init=False, repr=False)

    def append_epoch(self, epoch: Epoch, theta: Array) -> None:
        """Append a row of an epoch that left the parameters ``theta`` to every table."""
        if self._tables is None:
            self._tables = epoch_rows.EpochTables(self.folder)
        self._tables.append(epoch, theta)

    def close(self) -> None:
        """Let go of the tables."""
        if self._tables is not None:
            self._tables.close()

    def measured(self, epoch: int) -> dict[str, float]:
        """What metrics.csv has of an epoch; nothing of one that has not ended."""
        return epoch_rows.measured(epoch_rows.read_epochs(self.folder), epoch)

    def measured_as_saved(self) -> dict[str, float]:
        """What metrics.csv has of the kept parameters of the last save."""
        kept = self.record["kept"]
        return {} if "examples" in kept else self.measured(kept["epoch"])

    def save(self, experiment: Experiment, state: TrainingState) -> None:
        """Write the model with the kept parameters, the checkpoint to resume from, and run.json, in this order.

        The rows of the epochs are on the disk before.
        """
        epoch_rows.sync(self.folder)
        self._save_model(experiment, state)
        save_checkpoint(
            self.folder,
            state,
            digest_of_past(experiment.config),
            epoch_rows.mark(self.folder / epoch_rows.METRICS_FILE),
        )
        self._note(state)

    def keep(self, experiment: Experiment, state: TrainingState) -> None:
        """Write the model with the kept parameters, and run.json, where ``state`` itself can't go on."""
        self._save_model(experiment, state)
        self._note(state)

    def _save_model(self, experiment: Experiment, state: TrainingState) -> None:
        save_model(self.folder / MODEL, model_of(experiment, state.kept.theta))

    def _note(self, state: TrainingState) -> None:
        """Note in run.json which parameters are kept, and how far training has come."""
        self.record["kept"] |= {"epoch": state.kept.epoch, "value": state.kept.value}
        self.record["kept"].pop("examples", None)
        if state.kept.examples:
            self.record["kept"]["examples"] = state.kept.examples
        self.record |= {"epochs": state.epoch, "steps": state.optimizer.step}
        self.write_record()

    def note_rule(self, figures: dict[str, float]) -> None:
        """Note what the rule found besides θ; nothing where it has no figures."""
        if figures:
            self.record["rule"] = figures

    def finish(self, outcome: Outcome, ended: str, final: dict[str, float]) -> None:
        """Write to run.json how and why training ended, and the final metrics."""
        self.record |= {"outcome": outcome, "ended": ended, "final": final}
        self.record |= {key: epoch_rows.mark(self.folder / name) for key, name in MARKED_TABLES.items()}
        self.write_record()

    def write_config(self, experiment: Experiment) -> None:
        """Write config.yaml, and note its digest in the record."""
        data = document.dump(experiment.resolved).encode()
        write(self.folder / CONFIG_FILE, data)
        self.record["config"] = sha256(data).hexdigest()

    @contextmanager
    def config_replaced(self, experiment: Experiment) -> Iterator[None]:
        """Write config.yaml after the block, which writes run.json; until then that has the digests of both.

        So there is no moment at which config.yaml is none of those that run.json notes.
        """
        old = (self.folder / CONFIG_FILE).read_bytes()
        new = document.dump(experiment.resolved).encode()
        self.record["config"] = sha256(new).hexdigest()
        if new == old:
            yield
            return
        self.record["config_before"] = sha256(old).hexdigest()
        yield
        write(self.folder / CONFIG_FILE, new)
        del self.record["config_before"]
        self.write_record()

    def write_record(self) -> None:
        """Write run.json."""
        write_json(self.folder / RECORD_FILE, self.record)


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
        run.write_config(experiment)
        if experiment.config.data.split.deals:
            write_split(part / SPLIT_FILE, experiment.loaded)
        run.save(experiment, state)

    with new_run_folder(stem, folder, fill) as run.folder, closing(run):
        yield run

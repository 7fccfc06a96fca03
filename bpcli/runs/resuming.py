"""A run taken up where its checkpoint left it, to the bytes that it would have had without a stop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from math import nan
from pathlib import Path
from shlex import join, quote
from typing import Any

from bpcli.config.past import changed_keys, digest_of_past, free_keys, goes_by_epochs
from bpcli.config.reading import LocatedConfig, read_config
from bpcli.config.schema import MOST_EPOCHS, Config
from bpcli.config.writing import plain
from bpcli.data.raw import Look
from bpcli.errors import ConfigError, DataError, DivergedError, SystemRefusedError, refused
from bpcli.experiment import Experiment, build
from bpcli.readers import ONE_READER, Readers
from bpcli.runs import epoch_rows
from bpcli.runs.checkpoint import CHECKPOINT_FILE, Checkpoint, read_checkpoint
from bpcli.runs.environment import drift, drift_note, environment_of
from bpcli.runs.execution import RunEnded
from bpcli.runs.folder import CONFIG_FILE, RunWriter, require_files
from bpcli.runs.kept_parameters import describe_kept
from bpcli.runs.own_files import read_own_config, require_own_split
from bpcli.runs.record import initial_record, read_record
from bpcli.runs.split_file import SPLIT_FILE, write_split
from bpcli.storage.locks import only_writer
from bpcli.training.loop import over
from bpcli.training.monitors import TEST
from bpcli.training.state import DIVERGED_HINT, TrainingState, start

DRIFTED = "the run would not go on to the same bytes: {}"
DRIFT_HINT = "restore what has changed, or go on all the same with --allow-drift; run.json then notes it"


@dataclass(frozen=True)
class Resumed:
    """A run to go on with: its experiment, its state, and what has changed around it, which run.json is to note.

    ``saved`` is the SHA-256 of the checkpoint that was read. ``complete`` says why nothing is left to do; it is empty
    where something is.
    """

    folder: Path
    record: dict[str, Any]
    experiment: Experiment
    state: TrainingState
    saved: str
    drifted: list[str]
    complete: str

    @contextmanager
    def open_run(self, state: TrainingState) -> Iterator[RunWriter]:
        """The run folder, brought back to its checkpoint: rows of later epochs are cut off. It is held for the block.

        Raises:
            DataError: another process has trained it meanwhile, or a file of rows is not the run's.
            SystemRefusedError: another process is writing to it, or the system refused.
        """
        with only_writer(self.folder):
            if _digest(self.folder / CHECKPOINT_FILE) != self.saved:
                message = "another process has gone on with it meanwhile"
                raise DataError(message, where=str(self.folder), hint="resume it again")
            epoch_rows.trim(self.folder, state.epoch)
            if self.drifted and self.experiment.config.data.split.deals:
                write_split(self.folder / SPLIT_FILE, self.experiment.loaded)
            run = RunWriter(self.folder, self._record(state))
            with run.config_replaced(self.experiment):
                run.save(self.experiment, state)
            with closing(run):
                yield run

    def tidy(self) -> None:
        """Remove the lock and the temporary files that a dead writer left, where this process may."""
        with suppress(SystemRefusedError), only_writer(self.folder):
            pass

    def _record(self, state: TrainingState) -> dict[str, Any]:
        """What run.json holds of a run that goes on: as at its start, with what has changed around it."""
        record, notes = initial_record(self.experiment), [*self.record.get("drift", [])]
        if self.drifted:
            notes.append(drift_note(state.epoch, state.optimizer.step, self.drifted))
        return {**record, "drift": notes} if notes else record


def resume(
    folder: Path,
    changes: list[str],
    look: Look | None = None,
    *,
    allow_drift: bool = False,
    readers: Callable[[LocatedConfig], Readers] = lambda _: ONE_READER,
) -> Resumed:
    """Open a run folder to go on with; nothing is written yet. ``look`` sees the data, as when the run began.

    ``readers`` gives those that read the data of the config together.

    Raises:
        ConfigError: an override would change the past, or the config is wrong.
        DataError: there is no checkpoint, the run diverged, the environment is another one, or a file is malformed.
    """
    require_files(folder, to_write=True)
    record = read_record(folder)
    _require_resumable(folder, record)
    before = read_own_config(folder)
    after = read_config(folder / CONFIG_FILE, changes)
    _refuse_other_past(before.config, after.config, folder, changes)
    experiment = build(after, look, readers(after))
    drifted = drift(record, environment_of(experiment))
    if drifted and not allow_drift:
        raise DataError(DRIFTED.format("; ".join(drifted)), where=str(folder), hint=DRIFT_HINT)
    if not drifted:
        require_own_split(folder, after.config, experiment.loaded)
    state = start(experiment.recipe, experiment.parameters.theta, experiment.tallies())
    saved = _digest(folder / CHECKPOINT_FILE)
    try:
        checkpoint = read_checkpoint(folder, state)
        _require_config(checkpoint, before)
        _require_agreement(checkpoint, state, experiment)
    except DataError as error:
        if drifted:
            error.hint = f"it can't go on with what has changed; restore it: {'; '.join(drifted)}"
        raise
    _require_epochs_left(experiment.plan.epochs, checkpoint.counters)
    _require_rows(folder / epoch_rows.METRICS_FILE, checkpoint)
    state.restore(checkpoint.tensors, checkpoint.counters)
    changed = plain(before.config) != plain(after.config)
    complete = "" if changed or record.get("outcome") != "completed" else _complete(experiment, state)
    return Resumed(folder, record, experiment, state, saved, drifted, complete)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise refused("read", path, error) from error


def _complete(experiment: Experiment, state: TrainingState) -> str:
    """Why a run that has ended has nothing left to do; empty where it has, after ``max_seconds`` say."""
    steps = experiment.engine.steps(experiment.recipe, state, experiment.loaded.parts["train"])
    return over(steps, experiment.plan, state, experiment.control)


def _require_resumable(folder: Path, record: Mapping[str, Any]) -> None:
    """There is a checkpoint, the run has not diverged, and its data can be read again."""
    if not (folder / CHECKPOINT_FILE).exists():
        raise DataError(
            "nothing to resume: the run ended before its first checkpoint was on the disk",
            where=str(folder),
            hint=f"start it again: bp train {quote(str(folder / CONFIG_FILE))} --run FOLDER",
        )
    if record.get("outcome") == "diverged":
        raise DataError(
            f"nothing to resume: {record.get('ended')}",
            where=str(folder),
            hint=f"start again from what was kept, for example: bp train {quote(str(folder / CONFIG_FILE))} "
            f"{quote(f'network.weights={folder}')} optimizer.learning_rate=…",
        )
    if record.get("outcome") == "failed":
        raise DataError(f"nothing to resume: {record.get('ended')}", where=str(folder), hint="train again")
    for path in record.get("data", {}):
        if Path(path).exists() and not Path(path).is_file():
            message = f"{path} is no file: the data came through a pipe and can't be read again"
            raise DataError(message, where=str(folder), hint="save the data in a file, and train on it")


def _refuse_other_past(before: Config, after: Config, folder: Path, changes: list[str]) -> None:
    """Overrides change only what the past does not depend on."""
    free = free_keys(after)
    for key in changed_keys(plain(before), plain(after)):
        top = key.partition(".")[0]
        if top in free:
            continue
        if top == "epochs" and goes_by_epochs(after):
            what = "epochs can't change: the schedule goes by the whole training, so each rate so far depends on it"
        else:
            what = f"{key} can't change: what the run has done depends on it"
        hint = f"{', '.join(free)} can; for another run: bp train {join([str(folder / CONFIG_FILE), *changes])}"
        raise ConfigError(what, where="command line", hint=hint)


def _require_config(checkpoint: Checkpoint, written: LocatedConfig) -> None:
    """config.yaml is what the checkpoint was written with, but for the keys that are free."""
    if checkpoint.config != digest_of_past(written.config):
        message = "it is not the config that the checkpoint was written with"
        hint = "restore it; epochs and the like may change, on the command line"
        raise DataError(message, where=str(written.path), hint=hint)


def _require_rows(path: Path, checkpoint: Checkpoint) -> None:
    """metrics.csv begins with the rows that the checkpoint was written with."""
    if not epoch_rows.begins_with(path, checkpoint.metrics):
        message = f"its first {checkpoint.metrics['bytes']:,} bytes are not those that the checkpoint was written with"
        raise DataError(message, where=str(path), hint="copy the run again, or train again")


def _require_agreement(checkpoint: Checkpoint, state: TrainingState, experiment: Experiment) -> None:
    """The tensors are those of the state, and the counters those of a point in this training."""
    for name in sorted({*checkpoint.tensors} - {*state.tensors()}):
        raise checkpoint.wrong(f"tensor {name!r} is unknown")
    counters, plan, size = checkpoint.counters, experiment.plan, experiment.loaded.parts["train"].size
    epoch, position = counters["epoch"], counters["position"]
    possible = {
        "epoch": range(MOST_EPOCHS + 1),
        "position": _points(position, size, plan.batch_size),
        "step": [epoch * plan.updates(size) - (-position // plan.batch_size)],
        "kept.epoch": range(epoch + 1),
        "kept.examples": _points(counters["kept.examples"], size, plan.batch_size),
        "waiting.epochs": range(epoch + 1),
        "plateau.waited": range(epoch + 1),
        "plateau.cooling": range(2**63),
        "plateau.reductions": range(epoch + 1),
    }
    for name, values in possible.items():
        if counters[name] not in values:
            raise checkpoint.wrong(
                f"the checkpoint's counter {name!r} is {counters[name]}, which this training has not"
            )


def _points(position: int, size: int, batch_size: int) -> Sequence[int]:
    """Where in an epoch a state can be, near ``position``; at its end while its validation is measured."""
    return [size] if position == size else range(0, size, batch_size)


def _require_epochs_left(epochs: int, counters: Mapping[str, int]) -> None:
    reached = counters["epoch"] + (counters["position"] > 0)
    if epochs < reached:
        message = f"epochs is {epochs}, but the run is in epoch {reached}"
        raise ConfigError(message, where="command line", hint="ask for more")


def finished(folder: Path, experiment: Experiment) -> RunEnded | None:
    """The end of a run of an experiment that has ended by itself; None of one that was stopped, or is under way.

    Its final metrics are in the order in which training gives them.
    """
    record = read_record(folder)
    outcome, reason = record.get("outcome"), str(record.get("ended"))
    names = [*experiment.measure.columns, *(f"{TEST}{name}" for name in ("loss", *experiment.metrics))]
    final = {name: record["final"][name] for name in names if name in record["final"]}
    record["final"] = {name: nan if value is None else value for name, value in final.items()}
    run = RunWriter(folder, record)
    if outcome == "completed":
        return RunEnded(run, "completed", reason)
    if outcome == "diverged":
        hint = f"{DIVERGED_HINT}; kept: {describe_kept(record)}"
        return RunEnded(run, "diverged", reason, DivergedError(reason, where=str(folder), hint=hint))
    return None

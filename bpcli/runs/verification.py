"""A run trained again from its config.yaml, and compared with it bit for bit as it proceeds.

The rerun goes as far as the run's rows, and no further. The parameters of each epoch are
compared by their SHA-256, the columns of metrics.csv by their text, the model by its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bpcli.config.reading import read_config
from bpcli.ending.unfinished import unfinished
from bpcli.errors import BpError, DataError
from bpcli.experiment import Experiment, build
from bpcli.nn import Array
from bpcli.runs.checkpoint import CHECKPOINT_FILE
from bpcli.runs.environment import drift, drifts_noted, environment_of
from bpcli.runs.epoch_rows import DIGESTS_FILE, METRICS_FILE, PARAMETERS, digest, read_rows, rows_of
from bpcli.runs.execution import Event, Execution, RunStarted
from bpcli.runs.folder import CONFIG_FILE, RunWriter, create_run, require_files
from bpcli.runs.model_file import load_model
from bpcli.runs.own_files import changed_tables, is_own_config, require_own_config
from bpcli.runs.record import read_record
from bpcli.runs.split_file import SPLIT_FILE, is_split
from bpcli.storage.tensors import read_tensors
from bpcli.training.initial_parameters import MODEL
from bpcli.training.loop import Epoch
from bpcli.training.state import TrainingState

NO_TIME_LIMIT = "max_seconds=null"
"""A limit of time ends a rerun elsewhere, and no number depends on it."""


@dataclass
class Verdict:
    """How many ``epochs`` were compared, and what differs.

    ``first`` is the first epoch that differs, ``differs`` what of it does: columns of metrics.csv, and
    the parameters. ``model`` says whether the model is the same, None where it could not be compared;
    ``files`` in words which other files of the run are not as it left them.
    """

    environment: list[str]
    files: list[str]
    epochs: int = 0
    first: int | None = None
    differs: list[str] = field(default_factory=list)
    model: bool | None = None
    not_compared: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.first is None and self.model is not False and not self.files


class Verification:
    """A run and the experiment that repeats it; iterate over :meth:`events` of its execution for the verdict."""

    def __init__(self, run: Path) -> None:
        """Read the run, and build the experiment of its config.

        Raises:
            BpError: the run, its config or its data are absent or malformed.
        """
        require_files(run)
        self._run, self._record = run, read_record(run)
        self.experiment: Experiment = _experiment_of(run, self._record)
        now = environment_of(self.experiment) | {"seed": self.experiment.plan.seed}
        environment = [*drifts_noted(self._record), *drift(self._record, now)]
        self.verdict = Verdict(environment, [*_changed_files(run, self._record, self.experiment)])
        self._epochs: int = self._record.get("epochs") or 0
        self._kept = digest(load_model(run).parameters.theta) if self._record["ended"] is None else ""
        self._rows = _recorded(run, self._epochs)  # after the model, which is of one of these epochs, even in training
        self._digests = [digest(self.experiment.parameters.theta)]  # by epoch, 0 being the start
        self._state: TrainingState | None = None

    @contextmanager
    def open_run(self, state: TrainingState) -> Iterator[RunWriter]:
        """A run folder among the system's temporary files; its model is compared at the end."""
        self._state = state
        with (
            TemporaryDirectory(prefix="bp-verify-") as place,
            unfinished(Path(place)),
            create_run(self.experiment, "again", Path(place) / "run", state) as again,
        ):
            yield again
            self._finish(again)

    def events(self, execution: Execution) -> Iterator[Event]:
        """The events of the rerun, up to the end of the run's rows or to the first that differs."""
        for event in execution.events():
            if isinstance(event, Epoch) and self.verdict.first is None:
                self._compare_epoch(event)
            if isinstance(event, RunStarted | Epoch) and self._is_over():
                execution.stop("compared")
            yield event

    def _is_over(self) -> bool:
        """Whether there is no row left to compare; a run that diverged is to diverge again."""
        all_rows = self.verdict.epochs == len(self._rows)
        return self.verdict.first is not None or (all_rows and self._record.get("outcome") != "diverged")

    def _compare_epoch(self, epoch: Epoch) -> None:
        """Compare what the run has of an epoch with what the rerun comes to."""
        assert self._state is not None
        if self.verdict.epochs == len(self._rows):
            self.verdict.first, self.verdict.differs = epoch.epoch, ["the run diverged in it"]
            return
        rows = rows_of(epoch, self._state.theta)
        self._digests.append(rows[DIGESTS_FILE][PARAMETERS])
        found = rows[METRICS_FILE] | rows[DIGESTS_FILE]
        recorded = self._rows[self.verdict.epochs]
        columns = dict.fromkeys([*recorded, *rows[METRICS_FILE]])
        differs = [name for name in columns if recorded.get(name) != found.get(name)]
        if differs:
            self.verdict.first, self.verdict.differs = epoch.epoch, differs
        else:
            self.verdict.epochs += 1

    def _finish(self, again: RunWriter) -> None:
        """Compare the models, unless the epochs differ already, and note what was not compared."""
        verdict = self.verdict
        if verdict.first is None and verdict.epochs < len(self._rows):
            verdict.first, verdict.differs = verdict.epochs + 1, ["the rerun ends before it"]
        elif verdict.first is None and verdict.epochs < self._epochs:
            verdict.first, verdict.differs = verdict.epochs + 1, [f"{METRICS_FILE} has no row of it"]
        if not (self._run / DIGESTS_FILE).exists():
            verdict.not_compared.append(f"the parameters of each epoch: there is no {DIGESTS_FILE}")
        if self._record["ended"] is None:
            verdict.not_compared.append("how it ends: the run has not ended")
        if verdict.first is None:
            self._compare_models(again)

    def _compare_models(self, again: RunWriter) -> None:
        """Compare the files where both keep the same parameters, else these with those of the epoch kept.

        Of a run that has not ended, run.json may tell of an earlier epoch than the model's.

        Raises:
            DataError: the model can't be compared, and is damaged or malformed.
        """
        kept, own = self._record["kept"], again.record["kept"]
        if not (self._run / MODEL).exists():
            self.verdict.files.append(f"there is no {MODEL}")
        elif self._record["ended"] and (kept["epoch"], kept.get("examples")) == (own["epoch"], own.get("examples")):
            self.verdict.model = _same_bytes(self._run / MODEL, again.folder / MODEL)
        else:
            self._compare_parameters(load_model(self._run).parameters.theta, kept)

    def _compare_parameters(self, theta: Array, kept: Mapping[str, Any]) -> None:
        """Compare parameters with those of their epoch, if the rerun came to its end."""
        if kept.get("examples"):
            self.verdict.not_compared.append(f"{MODEL}: its parameters are of the middle of an epoch")
        elif self._record["ended"] is None:
            self.verdict.model = self._kept in self._digests[kept["epoch"] :]
        elif kept["epoch"] >= len(self._digests):
            self.verdict.not_compared.append(f"{MODEL}: there is no row of its epoch, {kept['epoch']}")
        else:
            self.verdict.model = self._digests[kept["epoch"]] == digest(theta)


def _experiment_of(run: Path, record: Mapping[str, Any]) -> Experiment:
    """The experiment of the run's config.yaml; where that is wrong, it matters first whether it is the run's own."""
    try:
        return build(read_config(run / CONFIG_FILE, [NO_TIME_LIMIT]))
    except BpError:
        require_own_config(run, record)
        raise


def _same_bytes(recorded: Path, again: Path) -> bool:
    """Whether two files are the same; one of another length is not read."""
    return recorded.stat().st_size == again.stat().st_size and recorded.read_bytes() == again.read_bytes()


def _changed_files(run: Path, record: Mapping[str, Any], experiment: Experiment) -> Iterator[str]:
    """In words, which files of a run beside its tables and its model are not as it left them."""
    split, checkpoint = run / SPLIT_FILE, run / CHECKPOINT_FILE
    changed = [] if is_own_config(run, record) else [CONFIG_FILE]
    yield from (f"{name} has changed since the run" for name in [*changed, *changed_tables(run, record)])
    if experiment.config.data.split.deals and not is_split(split, experiment.loaded):
        yield f"{SPLIT_FILE} has not the rows that {CONFIG_FILE} deals to each part"
    try:
        if checkpoint.exists():
            read_tensors(checkpoint)
    except DataError as error:
        yield f"{CHECKPOINT_FILE}: {error.message}"


def _recorded(run: Path, epochs: int) -> list[dict[str, str]]:
    """The rows of metrics.csv, each with the digest of the parameters, empty where one of so many epochs is missing.

    Raises:
        DataError: a table is malformed.
    """
    metrics, digests = (read_rows(run / name) for name in (METRICS_FILE, DIGESTS_FILE))
    if not (run / DIGESTS_FILE).exists():
        return metrics
    missing = [{PARAMETERS: ""}] * (min(epochs, len(metrics)) - len(digests))
    beyond: list[dict[str, str]] = [{}] * (len(metrics) - epochs)
    return [row | of_parameters for row, of_parameters in zip(metrics, [*digests, *missing, *beyond], strict=False)]

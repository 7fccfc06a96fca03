"""A run of which pictures are made: its record and epochs, and what else a picture asks for, opened once.

A folder of several runs stands for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bpcli.data.encoding.targets import judging_of
from bpcli.data.loading import Loaded, Part
from bpcli.data.raw import Look
from bpcli.data.splitting import PARTS
from bpcli.errors import BpError, ConfigError
from bpcli.nn.tallies import Judging
from bpcli.reporting.evaluation import Evaluation, evaluate_model
from bpcli.reporting.importance import Importance, importances
from bpcli.runs.comparison import RecordedRun, find_runs, read_run
from bpcli.runs.model_file import Model
from bpcli.runs.record import RECORD_FILE
from bpcli.runs.reopen import ReopenedRun, reopen
from bpcli.runs.series import REFIT, SERIES_FILE

SEED = 0
"""Of what a picture draws at random, so that the picture of a run is always the same."""


@dataclass(frozen=True)
class PlottedRun:
    """The run in a folder; ``split`` is the part that its model is looked at on.

    By default that is the test part, else the validation part, else the training part. Everything is read where it is
    first asked for, and then kept. ``look`` sees the data before they are encoded.
    """

    folder: Path
    split: str | None = None
    look: Look | None = None

    @cached_property
    def recorded(self) -> RecordedRun:
        """The record, the settings and the epochs.

        Raises:
            BpError: one of the run's files is absent, malformed or damaged.
        """
        return read_run(self.folder)

    @cached_property
    def reopened(self) -> ReopenedRun:
        """The run with its model.

        Raises:
            DataError: the model file is absent or malformed.
        """
        return reopen(self.folder)

    @property
    def model(self) -> Model:
        """The model that the run keeps."""
        return self.reopened.model

    @property
    def judging(self) -> Judging:
        """How the model's outputs are compared with targets; its data are not read for that."""
        return judging_of(self.model.targets, self.model.network.head.activation.range)

    @cached_property
    def loaded(self) -> Loaded:
        """The run's data.

        Raises:
            BpError: the data are not those of the run.
        """
        return self.reopened.loaded(self.look)

    @property
    def parts(self) -> dict[str, Part]:
        """The parts of the run's data.

        Raises:
            BpError: the data are not those of the run.
        """
        return self.loaded.parts

    @property
    def part_name(self) -> str:
        """The name of the part that is looked at.

        Raises:
            ConfigError: the run has no such part.
        """
        name = self.split or next(part for part in reversed(PARTS) if part in self.parts)
        if name not in self.parts:
            hint = f"it has {', '.join(self.parts)}"
            raise ConfigError(f"the run has no {name} part", where=str(self.folder), hint=hint)
        return name

    @property
    def part(self) -> Part:
        """The examples that are looked at."""
        return self.parts[self.part_name]

    @cached_property
    def evaluation(self) -> Evaluation:
        """What the model gives on them."""
        return evaluate_model(self.model, self.part, self.reopened.metrics(), threads=self.reopened.threads)

    @cached_property
    def importances(self) -> list[Importance]:
        """How much worse its first metric is on them without each column; see :func:`importances`."""
        metric = next(iter(self.reopened.metrics().values()))
        return importances(self.model, self.part, metric, SEED)

    @property
    def title(self) -> str:
        """The run's name, with the part and how many examples it has."""
        return f"{self.folder.name}, {self.part.size:,} {self.part_name} examples"


def plotted_runs(folders: Sequence[Path], split: str | None = None) -> tuple[list[PlottedRun], list[str]]:
    """The runs in folders, each once, and a warning for each that cannot be read; the refit of a series is left out.

    Raises:
        BpError: none can be read.
    """
    runs: list[PlottedRun] = []
    skipped: list[str] = []
    errors: list[BpError] = []
    known: set[Path] = set()
    for folder in folders:
        try:
            found, notes = _runs_in(folder)
        except BpError as error:
            errors.append(error)
            skipped.append(f"skipped: {error.where}: {error.message}")
        else:
            runs += [PlottedRun(each, split) for each in found if each.resolve() not in known]
            known |= {each.resolve() for each in found}
            skipped += notes
    if errors and not runs:
        raise errors[0]
    if not runs:
        raise ConfigError("there are no runs below it", where=str(folders[0]), hint="see bp runs")
    return runs, skipped


def _runs_in(folder: Path) -> tuple[list[Path], list[str]]:
    """The run itself, or the runs below a folder, and a warning for each of them that cannot be read.

    Raises:
        BpError: the run cannot be read, or none of them.
    """
    if (folder / RECORD_FILE).exists() or not folder.is_dir():
        read_run(folder)
        return [folder], []
    found, skipped = find_runs(folder)
    of_series = (folder / SERIES_FILE).exists()
    return [run.folder for run in found if not (of_series and run.folder.name == REFIT)], skipped

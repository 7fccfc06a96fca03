"""A run of which pictures are made: its record and epochs, and what else a picture asks for, opened once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bpcli.data.loading import Loaded, Part
from bpcli.data.raw import Look
from bpcli.data.splitting import PARTS
from bpcli.errors import ConfigError
from bpcli.reporting.evaluation import Evaluation, evaluate_model
from bpcli.runs.comparison import RecordedRun, read_run
from bpcli.runs.reopen import ReopenedRun, reopen


@dataclass(frozen=True)
class Subject:
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
        return evaluate_model(self.reopened.model, self.part, self.reopened.metrics())

    @property
    def title(self) -> str:
        """The run's name, with the part and how many examples it has."""
        return f"{self.folder.name}: {self.part_name}, {self.part.size:,} examples"

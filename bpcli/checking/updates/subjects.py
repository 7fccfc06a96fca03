"""Which engines and precisions are checked, from the initial state of a config or a run's checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcli.checking.updates.reference import Snapshot
from bpcli.checking.updates.subject import Subject
from bpcli.experiment import Experiment
from bpcli.runs.checkpoint import read_checkpoint
from bpcli.runs.reopen import open_experiment
from bpcli.training.engines import Engine, EngineName, Work, choose_engine
from bpcli.training.state import TrainingState, start

CHECKED_PRECISION = "float64"
"""The precision that is checked beside the one that the config trains in."""


@dataclass(frozen=True)
class Opened:
    """A config or a run whose updates are checked: its experiment in each precision, and the warnings of opening it."""

    source: Path
    experiments: tuple[Experiment, ...]
    trained: bool
    warnings: tuple[str, ...]

    @property
    def experiment(self) -> Experiment:
        """The experiment in float64."""
        return self.experiments[0]

    def subject(self, experiment: Experiment, engine: Engine) -> Subject:
        """An engine's updates, from the checkpoint of a run, else from the initial state."""
        examples = experiment.examples("train")
        assert examples is not None

        def initial() -> TrainingState:
            return start(experiment.recipe, experiment.parameters.theta.copy(), experiment.tallies())

        if not self.trained:
            return Subject(experiment.recipe, engine, examples, initial)
        checkpoint = read_checkpoint(self.source, initial())
        tensors, counters = checkpoint.tensors, checkpoint.counters

        def restored() -> TrainingState:
            state = initial()
            state.restore(tensors, counters)
            return state

        dtype, memory = experiment.parameters.theta.dtype, initial().optimizer.memory
        saved = {name: np.asarray(tensors[f"optimizer.{name}"], dtype) for name in memory}
        beginning = Snapshot(np.asarray(tensors["theta"], dtype), saved, int(counters["step"]))
        return Subject(experiment.recipe, engine, examples, restored, beginning)

    def engine(self, experiment: Experiment, name: EngineName) -> Engine:
        """The engine as the config would use it.

        Raises:
            ConfigError: it is not installed, or cannot compile this training.
        """
        config, train = experiment.config, experiment.loaded.parts["train"]
        dtype, weighted = experiment.parameters.theta.dtype, train.weights is not None
        work = Work(experiment.recipe, experiment.tallies(), dtype, train.size, weighted=weighted)
        return choose_engine(name, config.shards, config.threads, work)[0]


def open_updates(source: Path, changes: list[str]) -> Opened:
    """A config or a run folder in float64 and in the precision that it trains in.

    Raises:
        ConfigError, DataError: as :func:`bpcli.runs.reopen.open_experiment`.
    """
    own = open_experiment(source, changes, own_precision=True)
    if own.experiment.config.dtype == CHECKED_PRECISION:
        return Opened(source, (own.experiment,), own.trained, tuple(own.warnings))
    wide = open_experiment(source, changes)
    return Opened(source, (wide.experiment, own.experiment), own.trained, tuple(own.warnings))

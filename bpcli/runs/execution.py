"""The training of one experiment, from the initial parameters to a finished run folder, as events.

:class:`Execution` prints nothing and handles no signals. A command iterates over its
events, shows them, and calls :meth:`Execution.stop` if training must end early.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from bpcli.data.splitting import PARTS
from bpcli.errors import DataError, DivergedError
from bpcli.experiment import Experiment
from bpcli.nn.optimizers.second_order.rule import figures_of
from bpcli.runs.assessment import assess_model, single_class_note
from bpcli.runs.cadence import Cadence
from bpcli.runs.folder import RunWriter
from bpcli.runs.kept_parameters import describe_kept
from bpcli.runs.model_file import model_of
from bpcli.runs.record import Outcome
from bpcli.training.loop import COMPLETED, Epoch, Stopped, TrainingEvent, train
from bpcli.training.safe_point import SafePoint
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.state import TrainingState, start


@dataclass(frozen=True)
class RunStarted:
    """The run folder exists and holds the parameters that training starts from."""

    run: RunWriter


@dataclass(frozen=True)
class RunEnded:
    """The run is over and its folder is final; ``reason`` is what run.json says of why it ended.

    A run that ended early, by its own rules, is completed too. ``divergence`` is the error of a run that diverged.
    """

    run: RunWriter
    outcome: Outcome
    reason: str
    divergence: DivergedError | None = None
    notes: tuple[str, ...] = ()


Event = RunStarted | TrainingEvent | RunEnded

OpenRun = Callable[[TrainingState], AbstractContextManager[RunWriter]]
"""Gives the run folder to write to, with the state that training starts from saved in it."""


class Execution:
    """One training of an experiment: iterate over :meth:`prepare`, then over :meth:`events`, each once.

    ``open_run`` is called when training is about to start, and closed when it is over.
    ``state`` is where training continues from; by default it starts from the
    experiment's initial parameters. Of several ``ranks`` the first iterates over events, the others over
    :meth:`accompany`.
    """

    def __init__(
        self, experiment: Experiment, open_run: OpenRun, state: TrainingState | None = None, ranks: Ranks = ALONE
    ) -> None:
        self._experiment, self._ranks = experiment, ranks
        self._open_run = open_run
        self._state = state or start(experiment.recipe, experiment.parameters.theta, experiment.tallies())
        self._training_part = experiment.loaded.parts["train"]
        self._steps = experiment.engine.steps(experiment.recipe, self._state, self._training_part, ranks)
        self._safe = SafePoint(self._state)
        self._run: RunWriter | None = None
        self._ended: RunEnded | None = None
        self._cadence = Cadence(experiment.config.checkpoint)
        self._stop_reason = ""

    @property
    def seen(self) -> int:
        """The examples that training has seen in all its epochs, each as often as it has."""
        return self._state.epoch * self._training_part.size + self._state.position

    @property
    def folder(self) -> Path | None:
        """The run's folder; None where another rank has it, or before there is one."""
        return None if self._run is None else self._run.folder

    def prepare(self) -> Iterator[str]:
        """Compile or load what takes the training steps; yields a message before slow work. Writes no run."""
        yield from self._steps.prepare(self._experiment.plan.batch_size)

    def events(self) -> Iterator[Event]:
        """Train; the first event is :class:`RunStarted`, the last :class:`RunEnded`, whatever the outcome.

        The run folder is complete and readable at every event.

        Raises:
            ConfigError: the run folder exists already.
            DataError: a mapped file was written to in training; the run folder says so.
            SystemRefusedError: the system refuses to write.
        """
        with self._open_run(self._state) as run:
            ended = yield from self._events_in(run)
        yield ended

    def _events_in(self, run: RunWriter) -> Generator[Event, None, RunEnded]:
        """The events but the last, which is returned."""
        self._run = run
        ended = RunEnded(run, "completed", COMPLETED)
        values: Mapping[str, float] = {}
        try:
            for event in self._recorded_events(run):
                if isinstance(event, Stopped):
                    ended, values = RunEnded(run, "completed", event.reason), event.values
                with self._safe.resting():
                    yield event
                    self._agree()
                if self._stop_reason and not isinstance(event, Stopped):
                    ended = RunEnded(run, "stopped", self._stop_reason)
                    break
                if not isinstance(event, RunStarted | Stopped) and self._cadence.due(event):
                    self._save(run)
        except DivergedError as error:
            error.where = str(run.folder)
            ended = RunEnded(run, "diverged", error.message, error)
        final = dict(values) or self._measured(run)
        if ended.outcome == "completed":
            ended = self._assessed(run, ended, final)
        return self._closed(run, ended, final)

    def accompany(self) -> Iterator[TrainingEvent]:
        """Train and judge as the first rank does, to the same end, and write nothing."""
        self._agree()
        if self._stop_reason:
            return
        with suppress(DivergedError):
            for event in self._training_events():
                with self._safe.resting():
                    yield event
                    self._agree()
                if self._stop_reason and not isinstance(event, Stopped):
                    return
            self._judged()

    def _agree(self) -> None:
        """Stop all ranks where one has been told to."""
        self._stop_reason = self._ranks.agree(self._stop_reason)

    def _assessed(self, run: RunWriter, ended: RunEnded, final: dict[str, float]) -> RunEnded:
        """A completed run with its notes; the test part's metrics are added to ``final``, and expectations judged."""
        with self._safe.resting():
            metrics, note = self._judged()
            final |= metrics
            ended = replace(ended, notes=(*([note] if note else []), *self._moved_on()))
        run.record["expect"] = [one.result(final) for one in self._experiment.expected]
        run.record["notes"] = [*run.record["notes"], *ended.notes]
        return ended

    def _closed(self, run: RunWriter, ended: RunEnded, final: dict[str, float]) -> RunEnded:
        """The end of a run whose folder is final; after a divergence the last checkpoint that can go on stays.

        Raises:
            DataError: a mapped file was written to in training.
        """
        with self._safe.resting():
            written_to = None if ended.outcome == "stopped" else self._file_written_to()
        if written_to is not None:
            ended = replace(ended, outcome="failed", reason=written_to.message)
        if ended.divergence is None:
            self._save(run)
        else:
            run.keep(self._experiment, self._state)
            self._note_rule(run)
        run.finish(ended.outcome, ended.reason, final)
        if written_to is not None:
            raise written_to
        if ended.divergence is not None:
            ended.divergence.hint += f"; kept: {describe_kept(run.record)}"
        self._ended = ended
        self._safe.leave()
        return ended

    def stop(self, reason: str) -> None:
        """End training when the iteration continues: the run is saved, and ``reason`` goes into its record."""
        self._stop_reason = reason

    def rescue(self, reason: str, *, patient: bool = True) -> RunEnded | None:
        """End a run whose :meth:`events` are busy, from another thread; they do not go on. None where there is no run.

        What is saved is the state that :class:`SafePoint` has. Where it has none, the last checkpoint stays.
        ``patient``: the steps that are being taken may end, and are waited for.

        Raises:
            SystemRefusedError: the system refuses to write.
        """
        state = self._safe.take(patient=patient)
        if self._ended is not None or self._run is None:
            return self._ended
        if state is not None:
            self._state = state
            self._save(self._run)
        self._run.finish("stopped", reason, self._run.measured_as_saved())
        return RunEnded(self._run, "stopped", reason)

    def _recorded_events(self, run: RunWriter) -> Iterator[RunStarted | TrainingEvent]:
        """The events up to the last epoch, each after it has been written to the run folder."""
        yield RunStarted(run)
        for event in self._training_events():
            if isinstance(event, Epoch):
                run.append_epoch(event, self._state.theta)
            yield event

    def _training_events(self) -> Iterator[TrainingEvent]:
        experiment = self._experiment
        measure, control = experiment.measure, experiment.control
        return train(self._steps, experiment.plan, self._state, measure, control, self._safe, self._ranks)

    def _judged(self) -> tuple[dict[str, float], str]:
        """The test part's metrics, none without one, and what the user should know of the kept parameters.

        All ranks compute both together. The note is on the part that is evaluated by default.
        """
        experiment, threads = self._experiment, self._experiment.measure.threads
        model, parts = model_of(experiment, self._state.kept.theta), experiment.loaded.parts
        values, test = dict[str, float](), experiment.examples("test")
        if test is not None:
            values = assess_model(model, test, experiment.metrics, threads, self._ranks)
        name = next(part for part in reversed(PARTS) if part in parts)
        note = single_class_note(model, parts[name], name, threads, self._ranks)
        return {f"test_{name}": value for name, value in values.items()}, note

    def _moved_on(self) -> list[str]:
        """The notes of files that are others now than those that were read."""
        paths = self._experiment.loaded.moved_on()
        return [f"{path} has changed since it was read: the hash in run.json is of what was read" for path in paths]

    def _file_written_to(self) -> DataError | None:
        """The error for a mapped file that was written to since its hash was taken, None where there is none."""
        try:
            for part in self._experiment.loaded.parts.values():
                part.require_learned_bytes()
        except DataError as error:
            return error
        return None

    def _measured(self, run: RunWriter) -> dict[str, float]:
        """What metrics.csv has of the kept parameters: nothing where they are of an epoch that has not ended."""
        kept = self._state.kept
        return {} if kept.examples else run.measured(kept.epoch)

    def _save(self, run: RunWriter) -> None:
        began = monotonic()
        run.save(self._experiment, self._state)
        self._note_rule(run)
        self._cadence.saved(monotonic() - began)

    def _note_rule(self, run: RunWriter) -> None:
        run.note_rule(figures_of(self._experiment.recipe.optimizer, self._state.optimizer))

"""A training as a command runs it: prepared, shown as it proceeds, and stopped at a signal."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from bpcli.cli.library_threads import tell
from bpcli.cli.tracking import following
from bpcli.errors import BpError, SystemRefusedError
from bpcli.ranks.group import SOLO

if TYPE_CHECKING:
    from bpcli.ending.notice import Notice
    from bpcli.experiment import Experiment
    from bpcli.figures.live import LiveCurves
    from bpcli.ranks.group import Group, On
    from bpcli.runs.execution import Event, Execution, OpenRun, RunEnded
    from bpcli.runs.folder import RunWriter
    from bpcli.tracking.following import Following
    from bpcli.tracking.protocol import Tracker
    from bpcli.training.shards.ranks import Ranks
    from bpcli.training.state import TrainingState


def prepared(
    experiment: Experiment,
    open_run: OpenRun,
    *,
    quiet: bool,
    state: TrainingState | None = None,
    group: Group = SOLO,
) -> Execution:
    """The execution of an experiment, from a ``state`` on, compiled if it has to be, with a message before slow work.

    It is returned on the first process of the ``group``; the others take part in it to its end.

    Raises:
        SystemExit: with status 0, on those others.
    """
    from bpcli import display
    from bpcli.runs.execution import Execution
    from bpcli.runs.sameness import sameness

    if not quiet and group.index == 0:
        display.warn(tell())
    ranks = joined(group, partial(sameness, experiment, state), experiment, quiet=quiet)
    execution = Execution(experiment, open_run, state, ranks)
    _prepare(execution, quiet=quiet)
    group.guard(None if group.index else execution.rescue, partial(_after_a_loss, execution))
    if group.index:
        _accompany(execution)
    leave_the_rest_to_rank_0(group)
    return execution


def joined(group: Group, on: On, experiment: Experiment, *, quiet: bool) -> Ranks:
    """Those who compute the shards together, once all of the ``group`` are ready; a warning tells of idle ones.

    What ``on`` says must be the same for all.

    Raises:
        SystemExit: with status 0, on a process that has no shard.
        BpError: on rank 0, another process is not ready, or for something else.
    """
    from bpcli import display
    from bpcli.training.engines import most_shards

    shards = experiment.engine.shards
    if group.count > shards and not quiet:
        display.warn([idle(group.count, shards, most_shards(experiment.recipe))])
    ranks = group.together(on, shards)
    if ranks is None:
        leave_the_rest_to_rank_0(group)
    assert ranks is not None, "rank 0 has a shard"
    return ranks


def leave_the_rest_to_rank_0(group: Group) -> None:
    """End any other process of the group.

    Raises:
        SystemExit: with status 0, on those others.
    """
    if group.index:
        group.leave()
        raise SystemExit(0)


def _prepare(execution: Execution, *, quiet: bool) -> None:
    """Compile or load what trains; what is compiled is said, until the next is, or the end."""
    from bpcli import display

    with ExitStack() as shown:
        for message in execution.prepare():
            shown.close()
            if not quiet:
                shown.enter_context(display.growing(message))


def idle(ranks: int, shards: int, most: int) -> str:
    """That some ranks have no shard, and what gives them one, if batches can be cut into ``most`` shards."""
    cut = "are computed whole" if shards == 1 else f"are cut into {shards} shards"
    more = f"shards: {min(ranks, most)} cuts them into more"
    remedy = more if shards < most else "they cannot be cut into more: start fewer ranks"
    return f"{ranks - shards} of {ranks} ranks compute nothing: batches {cut}; {remedy}"


def _after_a_loss(execution: Execution) -> str:
    """How to go on where a rank is lost; only rank 0 knows the run's folder."""
    from bpcli.ranks.failure import GO_ON

    return GO_ON.format("RUN" if execution.folder is None else quote(str(execution.folder)))


def _accompany(execution: Execution) -> None:
    """Train beside the rank that writes the run; a signal stops all, and the first rank ends by it.

    It is handed on to that rank where the work does not end soon.
    """
    from bpcli.ending.notice import noticed

    with noticed() as notice:
        for _ in execution.accompany():
            if notice.heard is not None:
                execution.stop(notice.heard.name)
        notice.heard = None


def follow(
    execution: Execution,
    experiment: Experiment,
    introduction: Sequence[str],
    notice: Notice,
    *,
    quiet: bool,
    series: Path | None = None,
    plot: bool = False,
    trackers: Mapping[str, Tracker] | None = None,
) -> RunEnded:
    """Say the lines of ``introduction``, show training as it proceeds, and stop it at a signal.

    ``series`` is the folder of the series that the run is one of; with ``plot`` its curves stand below the bar.
    ``trackers`` follow its events.

    Raises:
        BpError: as :meth:`Execution.events`; what the system refused is said with how to go on.
    """
    from bpcli import display
    from bpcli.runs.execution import RunEnded, RunStarted

    notice.rescue = partial(_rescue, execution, experiment.plan.epochs, series)
    events = execution.events()
    started = next(events)  # what follows is shown only once there is a run
    assert isinstance(started, RunStarted)
    for line in introduction:
        display.say(line)
    tracking = following(trackers or {}, experiment)
    _track(tracking, started, started.run, quiet=quiet)
    examples, shown = experiment.loaded.parts["train"].size, shown_column(experiment)
    curves = _curves(started.run.folder) if plot else None
    training_display = display.TrainingDisplay(
        experiment.plan.epochs, examples, shown, quiet=quiet, seen=execution.seen, curves=curves
    )
    try:
        for event in events:
            _track(tracking, event, started.run, quiet=quiet)
            if isinstance(event, RunEnded):
                notice.rescue = None  # which would say the same once more
                if event.outcome == "stopped":
                    display.say(stopped_line(event, experiment.plan.epochs, series))
                    notice.heard = signal.Signals[event.reason]  # which another rank may have heard
                return event
            if not isinstance(event, RunStarted):
                training_display.show(event)
            if notice.heard is not None:
                training_display.close()
                execution.stop(notice.heard.name)
    except SystemRefusedError as error:
        error.hint += f"; then, {how_to_go_on(series or started.run.folder)}"
        raise
    finally:
        training_display.close()
    raise AssertionError("the last event of an execution is RunEnded")


def _track(tracking: Following | None, event: Event, run: RunWriter, *, quiet: bool) -> None:
    """Tell the trackers of an event; what fails of them is noted in the run's record, and said unless ``quiet``."""
    from bpcli.display import warn

    failed = [] if tracking is None else tracking.see(event)
    run.record["notes"] = [*run.record["notes"], *failed]
    if failed and not quiet:
        warn(failed)


def curves_are_shown() -> bool:
    """Whether curves can be drawn below the bar: not off a terminal, of which a warning tells.

    Raises:
        ConfigError: plotext is not installed.
    """
    import sys

    from bpcli.display import warn
    from bpcli.figures.libraries import terminal_library

    terminal_library()
    if not sys.stderr.isatty():
        warn(["--plot draws on a terminal alone, and standard error is none; bp plot draws the curves afterwards"])
    return sys.stderr.isatty()


def _curves(folder: Path) -> LiveCurves:
    """The curves of a run from its first epoch on, also where it is resumed."""
    from bpcli.figures.live import LiveCurves
    from bpcli.runs.epoch_rows import read_epochs

    return LiveCurves(read_epochs(folder))


def introduction(experiment: Experiment) -> list[str]:
    """The warnings of the data, and what is trained."""
    from bpcli.display import warning

    return [*map(warning, experiment.loaded.warnings.lines()), _summary(experiment)]


def shown_column(experiment: Experiment) -> str:
    """What is shown beside the loss: the monitor; where that is a loss, the first metric, of validation if possible."""
    monitor, metric = experiment.control.keep.monitor, next(iter(experiment.metrics))
    if monitor and not monitor.endswith("loss"):
        return monitor
    return f"val_{metric}" if "validation" in experiment.loaded.parts else metric


def _summary(experiment: Experiment) -> str:
    """The widths, the number of parameters, the examples of each part, what columns became, and what was assumed."""
    layers = "-".join(map(str, experiment.network.sizes))
    examples = ", ".join(f"{part.size:,} {name}" for name, part in experiment.loaded.parts.items())
    assumed = f"; assumed: {', '.join(experiment.assumed)}" if experiment.assumed else ""
    columns = experiment.loaded.features.summary
    return f"{layers}, {experiment.parameters.theta.size:,} parameters; {examples} examples; {columns}{assumed}"


def stopped_line(ended: RunEnded, epochs: int, series: Path | None) -> str:
    """How far a run of so many epochs came that a signal stopped, and how to go on with it; a series says that itself.

    After the last epoch there is the test part, in which a run is stopped too.
    """
    done = ended.run.record["epochs"]
    place = f"in epoch {done + 1}" if done < epochs else f"after epoch {done}"
    saved = f"stopped by {ended.reason} {place}; saved"
    return saved if series else f"{saved}, {how_to_go_on(ended.run.folder)}"


def how_to_go_on(folder: Path) -> str:
    """The command that goes on with a run, or a series."""
    return f"to go on: bp train --resume {quote(str(folder))}"


def _rescue(execution: Execution, epochs: int, series: Path | None, number: signal.Signals) -> None:
    """Save a run from another thread than the one that trains; if the system refuses, end by that error."""
    from bpcli.display import say_without_waiting

    try:
        ended = execution.rescue(number.name)
    except BpError as error:
        say_without_waiting(error.lines())
        os._exit(error.status)
    if ended is not None and ended.outcome == "stopped":
        say_without_waiting([stopped_line(ended, epochs, series)])


def require_expectations(runs: Iterable[tuple[Path, Mapping[str, Any]]]) -> None:
    """End with what fell short of the config's expectations, if anything did; ``runs`` are folders and records.

    Raises:
        BpError: a final metric is not as expected.
    """
    from bpcli.errors import CheckFailedError, raise_all
    from bpcli.runs.kept_parameters import describe_kept
    from bpcli.training.expectations import shortfalls

    hint = "the run is saved; its parameters are of {}"
    raise_all(
        [
            CheckFailedError(text, str(folder), hint.format(describe_kept(record)))
            for folder, record in runs
            for text in shortfalls(record["expect"])
        ]
    )

"""``bp train``: executes and shows a run, and stops it at a signal."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bpcli.cli.arguments import Json, Words, config_and_overrides
from bpcli.cli.output import emit, emit_json
from bpcli.cli.signals import collected_signals, end_by

if TYPE_CHECKING:
    from bpcli.display import TrainingDisplay
    from bpcli.experiment import Experiment
    from bpcli.runs.execution import Execution, RunEnded
    from bpcli.runs.folder import RunWriter


def train(
    words: Words,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="FOLDER", help="The run folder; default runs/<config>-001, ….")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no progress, tables or warnings; run.json keeps the warnings.")
    ] = False,
    json: Json = False,
) -> None:
    """Train a network; print the run folder.

    Example: bp train configs/iris.yaml optimizer.learning_rate=0.05 epochs=100
    """
    path, changes = config_and_overrides(words)
    from bpcli import display
    from bpcli.config.reading import read_config
    from bpcli.experiment import build
    from bpcli.runs.execution import Execution
    from bpcli.runs.folder import create_run, require_free_folder

    experiment = build(read_config(path, changes))
    require_free_folder(run)
    execution = Execution(experiment, partial(create_run, experiment, path.stem, run))
    for message in execution.prepare():
        if not quiet:
            display.say(message)
    with collected_signals() as collected:
        ended = _follow(execution, experiment, collected, quiet=quiet)
        if collected:
            _end_by_signal(ended, collected[0])
    if ended.divergence is None and not quiet:
        _show_final_metrics(experiment, ended.run)
    _print_result(ended.run, json=json)
    if ended.divergence is not None:
        raise ended.divergence


def _follow(execution: Execution, experiment: Experiment, collected: list[signal.Signals], *, quiet: bool) -> RunEnded:
    """Show training as it proceeds, and stop it at the first collected signal."""
    from bpcli.runs.execution import RunEnded
    from bpcli.training.loop import Epoch, Stretch

    events = execution.events()
    next(events)  # RunStarted: what follows is shown only once there is a run
    training_display = _introduce(experiment, quiet=quiet)
    try:
        for event in events:
            if isinstance(event, RunEnded):
                return event
            if isinstance(event, Stretch | Epoch):
                training_display.show(event)
            if collected:
                training_display.close()
                execution.stop(collected[0].name)
    finally:
        training_display.close()
    raise AssertionError("the last event of an execution is RunEnded")


def _introduce(experiment: Experiment, *, quiet: bool) -> TrainingDisplay:
    """Show the warnings and what is trained; return the display of the training itself."""
    from bpcli import display

    parts = experiment.loaded.parts
    if not quiet:
        display.warn(experiment.loaded.warnings.lines())
        display.say(_summary(experiment))
    metric = next(iter(experiment.metrics))
    shown_metric = f"val_{metric}" if "validation" in parts else metric
    return display.TrainingDisplay(experiment.plan.epochs, parts["train"].size, shown_metric, quiet=quiet)


def _summary(experiment: Experiment) -> str:
    """The widths, the number of parameters, the examples of each part, and what was assumed."""
    layers = "-".join(map(str, experiment.network.sizes))
    examples = ", ".join(f"{part.size:,} {name}" for name, part in experiment.loaded.parts.items())
    assumed = f"; assumed: {', '.join(experiment.assumed)}" if experiment.assumed else ""
    return f"{layers}, {experiment.parameters.theta.size:,} parameters; {examples} examples{assumed}"


def _end_by_signal(ended: RunEnded, number: signal.Signals) -> NoReturn:
    """End by the signal; if it stopped the run, say where the run is saved."""
    from bpcli.display import say

    run = ended.run
    if ended.outcome == "stopped":
        say(f"stopped by {number.name} in epoch {run.record['epochs'] + 1}; saved in {run.folder}")
    end_by(number)


def _show_final_metrics(experiment: Experiment, run: RunWriter) -> None:
    """A table of the final metrics with a row for each part, then the run folder."""
    import sys
    from contextlib import suppress

    from bpcli import display

    final = run.record["final"]
    names = ["loss", *experiment.metrics]
    prefixes = {"train": "", "validation": "val_", "test": "test_"}
    rows = [[part, *(final.get(prefixes[part] + name) for name in names)] for part in experiment.loaded.parts]
    with suppress(OSError):
        display.print_table(["", *names], rows, sys.stderr)
    if not sys.stdout.isatty():  # on a terminal the result is the next line anyway
        display.say(f"run: {run.folder}")


def _print_result(run: RunWriter, *, json: bool) -> None:
    """Print the run folder, or one JSON object about the run."""
    record = run.record
    if json:
        emit_json(
            {"run": str(run.folder), "ended": record["ended"], "epochs": record["epochs"], "metrics": record["final"]}
        )
    else:
        emit(f"{run.folder}\n")

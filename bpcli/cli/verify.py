"""``bp verify``: a run repeated and compared bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.arguments import Json, Plugins, RunFolder
from bpcli.cli.output import emit_json, emit_lines
from bpcli.cli.running import introduction, prepared, shown_column
from bpcli.errors import ExitStatus

if TYPE_CHECKING:
    from pathlib import Path

    from bpcli.runs.execution import Execution
    from bpcli.runs.verification import Verdict, Verification


def verify(
    run: RunFolder,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress and no warnings.")] = False,
    json: Json = False,
    plugin: Plugins = None,
) -> int:
    """Train a run again and compare it bit for bit.

    The run's config.yaml is trained from its start, as far as the run came, in a temporary folder. The parameters
    after each epoch, every column of metrics.csv and the model are compared. The first epoch that differs is named,
    and what of the versions, the processor, the engine and the data is not as it was. Exit status 0 if all is the
    same, 1 if not.

    Example: bp verify runs/iris-001
    """
    from bpcli import display
    from bpcli.runs.verification import Verification

    verification = Verification(run)
    execution = prepared(verification.experiment, verification.open_run, quiet=quiet)
    if not quiet:
        for line in introduction(verification.experiment):
            display.say(line)
    _follow(verification, execution, quiet=quiet)
    verdict = verification.verdict
    if json:
        emit_json({"run": str(run), "same": verdict.same, **vars(verdict)})
    else:
        emit_lines("\n".join(_lines(run, verdict)))
    return ExitStatus.DONE if verdict.same else ExitStatus.CHECK_FAILED


def _follow(verification: Verification, execution: Execution, *, quiet: bool) -> None:
    """Show the rerun as it proceeds."""
    from bpcli import display
    from bpcli.runs.execution import RunEnded, RunStarted

    experiment = verification.experiment
    examples = experiment.loaded.parts["train"].size
    shown = display.TrainingDisplay(experiment.plan.epochs, examples, shown_column(experiment), quiet=quiet)
    try:
        for event in verification.events(execution):
            if not isinstance(event, RunStarted | RunEnded):
                shown.show(event)
    finally:
        shown.close()


def _lines(run: Path, verdict: Verdict) -> list[str]:
    """What was found, in words: one line where all is the same."""
    from bpcli.runs.epoch_rows import METRICS_FILE
    from bpcli.training.initial_parameters import MODEL

    epochs = f"{verdict.epochs} {'epoch' if verdict.epochs == 1 else 'epochs'}"
    if verdict.same:
        model = f" and {MODEL}" if verdict.model else ""
        found = f"{run}: the same bytes again: {epochs} of {METRICS_FILE}{model}"
    elif verdict.first is not None:
        found = f"{run}: epoch {verdict.first} is the first that differs: {', '.join(verdict.differs)}"
    else:
        differs = f"{MODEL} differs" if verdict.model is False else "the run's files are not"
        found = f"{run}: {epochs} are the same, {differs}"
    reasons = [*verdict.files, *verdict.environment] or ["no version, processor, engine or data file differs"]
    reasons = [] if verdict.same else reasons
    return [found, *reasons, *(f"not compared: {one}" for one in verdict.not_compared)]

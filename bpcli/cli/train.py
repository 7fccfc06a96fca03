"""``bp train``: writes the run, shows it, handles signals; the loop itself is ``training``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.arguments import Json, Words, config_and_overrides

if TYPE_CHECKING:
    from bpcli.experiment import Experiment
    from bpcli.runs.folder import Run
    from bpcli.training.loop import Epoch, Steps
    from bpcli.training.state import TrainingState

SAVE_SECONDS = 10.0
"""The least time between two saves of a run under way: what a crash can cost."""

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE")


def train(
    words: Words,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="FOLDER", help="The run's folder; default runs/<config>-001, ….")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no progress, tables or warnings; run.json keeps the warnings.")
    ] = False,
    json: Json = False,
) -> None:
    """Train a network; print the run's folder.

    Example: bp train configs/iris.yaml optimizer.learning_rate=0.05 epochs=100
    """
    path, changes = config_and_overrides(words)
    from bpcli import display, experiment
    from bpcli.config.reading import load
    from bpcli.errors import DivergedError
    from bpcli.runs import folder as runs
    from bpcli.training.state import start

    built = experiment.build(load(path, changes))
    runs.require_free(run)
    state = start(built.parameters.theta, built.optimizer, built.tally())
    steps = _steps(built, state, quiet=quiet)
    created = runs.create(built, path.stem, run)
    if not quiet:
        display.warn(built.loaded.warnings.lines())
        display.say(_before(built))
    try:
        _run(built, created, state, steps, quiet=quiet)
    except DivergedError:
        _result(created, json=json)
        raise
    if not quiet:
        _after(built, created)
    _result(created, json=json)


def _result(run: Run, *, json: bool) -> None:
    """The run's folder on standard output, or one JSON object about it."""
    from bpcli.cli.output import emit
    from bpcli.storage import to_json

    record = run.record
    told = {"run": str(run.folder), "ended": record["ended"], "epochs": record["epochs"], "metrics": record["final"]}
    emit((to_json(told) if json else str(run.folder)) + "\n")


def _before(built: Experiment) -> str:
    """Widths, parameters, examples, and what was assumed."""
    layers = "-".join(map(str, built.network.sizes))
    examples = ", ".join(f"{part.size:,} {name}" for name, part in built.loaded.parts.items())
    assumed = f"; assumed: {', '.join(built.assumed)}" if built.assumed else ""
    return f"{layers}, {built.parameters.theta.size:,} parameters; {examples} examples{assumed}"


def _run(built: Experiment, run: Run, state: TrainingState, steps: Steps, *, quiet: bool) -> None:
    """Train, keeping the run's folder whole at any moment.

    Raises:
        DivergedError: training diverged; the run is kept.
    """
    from bpcli.cli import die_of
    from bpcli.display import TrainingDisplay
    from bpcli.errors import DivergedError
    from bpcli.training import loop

    examples = built.examples("train")
    assert examples is not None
    events = loop.train(
        built.network,
        built.optimizer,
        built.plan,
        state,
        examples,
        built.metrics,
        built.units,
        built.examples("validation"),
        steps,
    )
    first = next(iter(built.metrics))
    shown = f"val_{first}" if "validation" in built.loaded.parts else first
    last: Epoch | None = None
    with _caught_signals() as caught:
        run.save(built, state)
        saved = monotonic()
        shower = TrainingDisplay(built.plan.epochs, examples.size, shown, quiet=quiet)
        try:
            for event in events:
                if isinstance(event, loop.Epoch):
                    last = event
                    run.add(event)
                shower.show(event)
                if caught:
                    shower.close()
                    _stop(built, run, state, last, caught[0])
                if monotonic() - saved > SAVE_SECONDS:
                    run.save(built, state)
                    saved = monotonic()
            final = {**(last.values if last else {}), **_tested(built, state)}
            run.save(built, state)
            run.finish("completed", state.epoch, state.optimizer.step, final)
        except DivergedError as error:
            run.save(built, state)
            run.finish(error.message, state.epoch, state.optimizer.step, last.values if last else {})
            error.where = str(run.folder)
            raise
        finally:
            shower.close()
        if caught:  # while the test part was evaluated: nothing is left to save
            die_of(caught[0])


def _steps(built: Experiment, state: TrainingState, *, quiet: bool) -> Steps:
    """What takes the steps; compiled code is compiled now, before there is a run to lose, which takes seconds once."""
    from bpcli import display

    examples = built.examples("train")
    assert examples is not None
    steps = built.engine.steps(built.network, built.optimizer, state, examples)
    for words in steps.prepare(built.plan.batch_size):
        if not quiet:
            display.say(words)
    return steps


def _tested(built: Experiment, state: TrainingState) -> dict[str, float]:
    """The test part, evaluated once, with the parameters that the run keeps."""
    from bpcli.nn.parameters import Parameters
    from bpcli.training import inference, loop

    test = built.examples("test")
    if test is None:
        return {}
    tally = built.tally()
    parameters = Parameters(built.network.sizes, state.finite_theta)
    loss = inference.assess(built.network, parameters, test.features, test.targets, tally)
    values = {"loss": loss, **loop.read(built.metrics, tally, built.units)}
    return {f"test_{name}": value for name, value in values.items()}


@contextmanager
def _caught_signals() -> Iterator[list[signal.Signals]]:
    """Signals to stop, collected; a second one acts at once, as it would without us."""
    caught: list[signal.Signals] = []

    watched = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    previous = {number: signal.getsignal(number) for number in watched}
    heeded = [number for number, handler in previous.items() if handler is not signal.SIG_IGN]

    def catch(number: int, _frame: object) -> None:
        caught.append(signal.Signals(number))
        for other in heeded:
            signal.signal(other, signal.SIG_DFL)

    for number in heeded:
        signal.signal(number, catch)
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stop(built: Experiment, run: Run, state: TrainingState, last: Epoch | None, number: signal.Signals) -> None:
    """Save everything, then die of the signal."""
    from bpcli.cli import die_of
    from bpcli.display import say

    run.save(built, state)
    run.finish(number.name, state.epoch, state.optimizer.step, last.values if last else {})
    say(f"stopped by {number.name} in epoch {state.epoch + 1}; saved in {run.folder}")
    die_of(number)


def _after(built: Experiment, run: Run) -> None:
    """A short table of the final metrics by part, and where the run lies."""
    import sys
    from contextlib import suppress

    from bpcli import display

    final = run.record["final"]
    names = ["loss", *built.metrics]
    prefixes = {"train": "", "validation": "val_", "test": "test_"}
    rows = [[part, *(final.get(prefixes[part] + name) for name in names)] for part in built.loaded.parts]
    with suppress(OSError):
        display.table(["", *names], rows, sys.stderr)
    if not sys.stdout.isatty():  # where it is, the folder follows by itself
        display.say(f"run: {run.folder}")

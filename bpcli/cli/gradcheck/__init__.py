"""``bp gradcheck``: the gradient that trains against differences, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bpcli.cli.arguments import Json, Words, config_and_overrides
from bpcli.errors import ExitStatus

if TYPE_CHECKING:
    from bpcli.checking.comparison import Checked, Comparison
    from bpcli.checking.step_sizes import StepSize
    from bpcli.checking.subject import Group
    from bpcli.experiment import Experiment
    from bpcli.nn import IndexArray

LONG_SECONDS = 2.0
"""From so long on, the time is told in advance and a bar is shown."""


def gradcheck(
    words: Words,
    method: Annotated[
        Literal["complex-step", "central"] | None,
        typer.Option("--method", help="How differences are taken; default complex-step."),
    ] = None,
    examples: Annotated[
        int | None,
        typer.Option(
            "--examples", min=1, metavar="N", help="Examples in the full batch; default the config's batch, at most 32."
        ),
    ] = None,
    parameters: Annotated[
        int | None,
        typer.Option(
            "--parameters",
            min=1,
            metavar="N",
            help="Parameters checked of each layer's W and b; default all of up to 2000, else 100.",
        ),
    ] = None,
    step_sizes: Annotated[
        bool, typer.Option("--step-sizes", help="Show the error of central differences against their step.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write parameters and examples (safetensors, or .npz) and stop."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Judge somebody else's dW1, db1, … for what --export writes."),
    ] = None,
    json: Json = False,
) -> int:
    """Check backpropagation: the trainer's own gradient against differences of the loss.

    Takes a config, at its initial parameters, or a run's folder, at its trained ones.
    In float64, on real examples: a full batch, then a shorter one through the same buffers.
    Exit status 0 if all of it agrees, 1 if not.

    Example: bp gradcheck configs/iris.yaml --method central
    """
    from bpcli.checking import subject
    from bpcli.checking.comparison import Comparison
    from bpcli.cli.gradcheck import report

    path, changes = config_and_overrides(words)
    if export is not None or against is not None:
        _refuse({"--method": method, "--parameters": parameters, "--step-sizes": step_sizes or None})
    method = method or "complex-step"
    built = _built(path, changes)
    batches = _batches(built, examples)
    theta, part = built.parameters.theta, built.examples("train")
    assert part is not None
    if export is not None or against is not None:
        from bpcli.cli.gradcheck import foreign

        return foreign.exchanged(built, batches[0], export, against, json=json)
    chosen = subject.groups(built.network, parameters, built.plan.seed)
    gradients = subject.gradients_of(built.network, theta, part, batches, built.engine, built.optimizer)
    comparisons = [
        Comparison(built.network, theta, gradient, subject.probe_of(built.network, part, batch), method)
        for batch, gradient in zip(batches, gradients, strict=True)
    ]
    checked, sizes = _checked(comparisons, chosen, step_sizes=step_sizes, quiet=json)
    rows = {len(batch): built.loaded.parts["train"].rows[batch] for batch in batches}
    found = report.Report(str(path), method, comparisons, checked, sizes, rows)
    if json:
        from bpcli.cli.output import emit
        from bpcli.storage import to_json

        emit(to_json(found.as_dict()) + "\n")
    else:
        report.show(found)
    return ExitStatus.DONE if found.passed else ExitStatus.CHECK_FAILED


def _refuse(options: dict[str, object]) -> None:
    """Refuse options that take no part where gradients are exchanged."""
    from bpcli.errors import ConfigError

    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(
            f"{' and '.join(given)} with --export or --against, where no differences are taken",
            where="command line",
            hint="leave it out" if len(given) == 1 else "leave them out",
        )


def _built(path: Path, changes: list[str]) -> Experiment:
    """The experiment in float64, at a run's trained parameters where ``path`` is a run."""
    from bpcli import experiment
    from bpcli.config.reading import read_config
    from bpcli.runs.folder import CONFIG
    from bpcli.training.initial_parameters import read_weights

    config = path / CONFIG if path.is_dir() else path
    built = experiment.build(read_config(config, [*changes, "dtype=float64"]))
    if path.is_dir():
        read_weights(path, built.parameters)
    return built


def _batches(built: Experiment, wanted: int | None) -> list[IndexArray]:
    """Examples spread evenly over the training part, so that a sorted file shows every class; then half of them."""
    import numpy as np

    from bpcli.errors import ConfigError

    size = built.loaded.parts["train"].size
    if wanted is not None and wanted > size:
        raise ConfigError(
            f"--examples is {wanted}, but there are {size} training examples",
            where="command line",
            hint="ask for fewer",
        )
    full = wanted or min(built.plan.batch_size, 32, size)
    shorter = (full + 1) // 2
    spread = np.arange(full) * size // full
    return [spread] + ([spread[full - shorter :]] if shorter < full else [])


def _checked(
    comparisons: list[Comparison], chosen: list[Group], *, step_sizes: bool, quiet: bool
) -> tuple[list[Checked], list[StepSize]]:
    """Every group by every comparison, and, where asked for, the errors of central differences by their step."""
    from bpcli import display
    from bpcli.checking.step_sizes import STEPS, step_size
    from bpcli.cli.gradcheck import report

    steps = STEPS if step_sizes else ()
    places = sum(len(group.places) for group in chosen)
    pieces = places * (len(comparisons) + len(steps))
    seconds = _seconds(comparisons, chosen[-1], steps) * places
    long = seconds > LONG_SECONDS and not quiet
    if long:
        display.say(f"checking {pieces:,} derivatives takes about {report.duration(seconds)}")
    checked, sizes = [], []
    with display.counted(pieces, "derivatives", long=long) as advance:
        for comparison in comparisons:
            for group in chosen:
                checked.append(comparison.check(group))
                advance(len(group.places))
        for h in steps:
            sizes.append(step_size(comparisons[0], chosen, h))
            advance(places)
    return checked, sizes


TIMINGS = 3
"""Of so many the one in the middle counts; the first has yet to make its buffers."""


def _seconds(comparisons: list[Comparison], group: Group, steps: tuple[float, ...]) -> float:
    """What checking one parameter will take, from doing so a few times."""
    from bpcli.checking.step_sizes import step_size

    one = replace(group, places=group.places[:1])
    seconds = _timed(lambda: comparisons[0].slopes(one.places)) * len(comparisons)
    if steps:
        seconds += _timed(lambda: step_size(comparisons[0], [one], steps[0])) * len(steps)
    return seconds


def _timed(work: Callable[[], object]) -> float:
    """The seconds that a piece of work takes."""
    from statistics import median
    from time import perf_counter

    taken = []
    for _ in range(TIMINGS):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return median(taken)

"""``bp gradcheck``: the trainer's gradient against the certified derivative and differences of the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bpcli.cli.arguments import Json, Plugins, Words, config_and_overrides, refuse_export_with_against, refuse_options
from bpcli.cli.output import emit_json
from bpcli.cli.output_file import require_no_loss
from bpcli.cli.running import joined, leave_the_rest_to_rank_0
from bpcli.errors import ConfigError, ExitStatus
from bpcli.ranks.group import SOLO

if TYPE_CHECKING:
    from bpcli.checking.comparison import GradientComparison, GroupCheck
    from bpcli.checking.step_sizes import StepSizeError
    from bpcli.checking.subject import ParameterGroup
    from bpcli.experiment import Experiment
    from bpcli.nn import IndexArray
    from bpcli.ranks.group import Group

PRODUCTS, FEWEST_EXAMPLES = 1_000_000, 2
"""Products of a parameter and an example that decimals compute in a second or two; the fewest examples by default."""

MOST_POINTS = 1_000_000.0
"""The most points that a gradient can have."""

LONG_SECONDS = 2.0
"""A check that takes longer announces its time and shows a progress bar."""


def gradcheck(
    context: typer.Context,
    words: Words,
    method: Annotated[
        Literal["complex-step", "central"] | None,
        typer.Option("--method", help="The differences that are shown too; default complex-step."),
    ] = None,
    examples: Annotated[
        int | None,
        typer.Option(
            "--examples",
            min=1,
            metavar="N",
            help="Examples in the full batch; default the config's batch size, at most 32, fewer of a large network.",
        ),
    ] = None,
    parameters: Annotated[
        int | None,
        typer.Option(
            "--parameters",
            min=1,
            metavar="N",
            help="Differences taken of each layer's W and b; default all of up to 2000 parameters, else 100.",
        ),
    ] = None,
    step_sizes: Annotated[
        bool, typer.Option("--step-sizes", help="Show how the error of central differences depends on their step.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export", metavar="FILE", help="Write parameters and examples to a .safetensors or .npz file and stop."
        ),
    ] = None,
    starter: Annotated[
        Literal["pytorch", "jax", "flax", "keras", "scikit-learn"] | None,
        typer.Option("--starter", help="With --export: also write a script that computes the gradient there."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            readable=False,  # bp's own error says more
            help="Judge another program's dW1, db1, … (or a framework's names) of an export.",
        ),
    ] = None,
    points: Annotated[
        float | None,
        typer.Option(
            "--grade",
            min=0.0,
            max=MOST_POINTS,
            metavar="POINTS",
            help="With --against: divide points over the arrays, as Gradescope's JSON.",
        ),
    ] = None,
    json: Json = False,
    plugin: Plugins = None,
) -> int:
    """Check the gradient that trains against the exact derivative.

    The derivative is computed in decimals of many digits from the formulas of the network;
    differences of the loss are shown beside it. A config is checked at its initial parameters,
    a run's folder at its trained ones. In float64, then in the precision that trains, on real
    examples: a full batch, then a shorter one through the same buffers; by mpirun, in shards that ranks share out.
    Exit status 0 if every gradient agrees, 1 if one is wrong or rounding leaves too few digits to judge it.

    Example: bp gradcheck configs/iris.yaml --method central

    Example: bp gradcheck configs/iris.yaml --export batch.npz --starter pytorch

    Example: bp gradcheck configs/iris.yaml --against gradients.npz --grade 10
    """
    import numpy as np

    from bpcli import display
    from bpcli.checking import subject
    from bpcli.checking.comparison import GradientComparison
    from bpcli.cli.gradcheck import external, report
    from bpcli.runs.reopen import open_experiment

    path, changes = config_and_overrides(words)
    if export is not None or against is not None:
        options = {"--method": method, "--parameters": parameters, "--step-sizes": step_sizes or None}
        refuse_options(options, "where no differences are taken")
    group: Group = context.obj or SOLO
    if export is not None or against is not None:
        leave_the_rest_to_rank_0(group)
    _refuse_lone_options(export, starter, against, points)
    refuse_export_with_against(export, against)
    method = method or "complex-step"
    opened = open_experiment(path, changes, any_encoding=True)  # a gradient can be checked on any data
    display.warn(opened.warnings)
    built = opened.experiment
    require_no_loss(export, [path, *built.loaded.digests])
    batches = _batches(built, examples)
    theta, part = built.parameters.theta, built.examples("train")
    assert part is not None
    if export is not None:
        return external.export_batch(built, batches[0], export, starter, json=json)
    if against is not None and points is not None:
        from bpcli.cli.gradcheck.grades import grade_external

        return grade_external(built, batches[0], against, points)
    if against is not None:
        return external.check_external(built, batches[0], against, json=json)
    chosen = subject.parameter_groups(built.network, parameters, built.plan.seed)
    dtype = np.dtype(opened.dtype)
    ranks = joined(group, partial(_sameness, built, batches), built, quiet=json)
    subjects = subject.subjects_of(built.recipe, theta, part, batches, built.engine, dtype, ranks)
    leave_the_rest_to_rank_0(group)
    group.leave()
    comparisons = [GradientComparison(built.network, one.theta, one.gradient, one.probe, method) for one in subjects]
    checked, sizes = _check_groups(comparisons, chosen, step_sizes=step_sizes, quiet=json)
    rows = {len(batch): built.loaded.parts["train"].rows[batch] for batch in batches}
    found = report.CheckReport(str(path), method, comparisons, checked, sizes, rows)
    if json:
        emit_json(found.as_dict())
    else:
        report.print_report(found)
    return ExitStatus.DONE if found.passed else ExitStatus.CHECK_FAILED


def _sameness(built: Experiment, batches: list[IndexArray]) -> dict[str, Any]:
    """What must be the same for all ranks that check a gradient together."""
    from bpcli.runs.sameness import sameness

    return {**sameness(built, None), "examples": [len(batch) for batch in batches]}


def _refuse_lone_options(export: Path | None, starter: str | None, against: Path | None, points: float | None) -> None:
    """Refuse --starter and --grade without what they belong to."""
    if starter is not None and export is None:
        raise ConfigError(
            "--starter without --export", where="command line", hint="the script reads an export: add --export FILE"
        )
    if points is not None and against is None:
        raise ConfigError(
            "--grade without --against", where="command line", hint="for example --against FILE --grade 10"
        )


def _batches(built: Experiment, asked: int | None) -> list[IndexArray]:
    """A batch spread evenly over the training part, so that a sorted file shows every class; then half of it.

    Where a batch would weigh nothing, so that it has no mean, the examples with a weight alone count.
    """
    import numpy as np

    train = built.loaded.parts["train"]
    size = train.size
    if asked is not None and asked > size:
        raise ConfigError(
            f"--examples is {asked}, more than the training part has ({size})",
            where="command line",
            hint="ask for fewer",
        )
    affordable = max(FEWEST_EXAMPLES, PRODUCTS // built.parameters.theta.size)
    full = asked or min(built.plan.batch_size, 32, size, affordable)
    batches = _spread(np.arange(size), full)
    if train.weights is None or all(train.weights[batch].any() for batch in batches):
        return batches
    weighed = np.flatnonzero(train.weights)
    return _spread(weighed, min(full, len(weighed)))


def _spread(rows: IndexArray, full: int) -> list[IndexArray]:
    """As many of the rows, evenly spread, and the second half of these."""
    import numpy as np

    shorter = (full + 1) // 2
    spread = rows[np.arange(full) * len(rows) // full]
    return [spread] + ([spread[full - shorter :]] if shorter < full else [])


def _check_groups(
    comparisons: list[GradientComparison], chosen: list[ParameterGroup], *, step_sizes: bool, quiet: bool
) -> tuple[list[GroupCheck], list[StepSizeError]]:
    """Check every group by every comparison; with ``step_sizes``, the errors of central differences by their step."""
    from bpcli import display
    from bpcli.checking.reference import seconds_of_reference
    from bpcli.checking.step_sizes import STEPS, step_size_error
    from bpcli.cli.gradcheck import report

    steps = STEPS if step_sizes else ()
    places = sum(len(group.places) for group in chosen)
    differentiated = [comparison for comparison in comparisons if comparison.differentiates]
    pieces = places * (len(differentiated) + len(steps))
    seconds = _seconds_per_parameter(differentiated, chosen[-1], steps) * places
    seconds += sum(seconds_of_reference(one.network, one.probe.X.shape[1]) for one in comparisons)
    long = seconds > LONG_SECONDS and not quiet
    if long:
        display.say(f"checking {pieces:,} derivatives takes about {report.duration(seconds)}")
    checked, sizes = [], []
    with display.progress_bar(pieces, "derivatives", long=long) as advance:
        for comparison in comparisons:
            for group in chosen:
                checked.append(comparison.check(group))
                advance(len(group.places) if comparison.differentiates else 0)
        for h in steps:
            sizes.append(step_size_error(comparisons[0], chosen, h))
            advance(places)
    return checked, sizes


TIMINGS = 3
"""How often work is timed; the median leaves out the first time, which also allocates buffers."""


def _seconds_per_parameter(
    comparisons: list[GradientComparison], group: ParameterGroup, steps: tuple[float, ...]
) -> float:
    """The seconds that checking one parameter takes, measured on the group's first."""
    from bpcli.checking.step_sizes import step_size_error

    one = replace(group, places=group.places[:1])
    seconds = _median_seconds(lambda: comparisons[0].slopes(one.places)) * len(comparisons)
    if steps:
        seconds += _median_seconds(lambda: step_size_error(comparisons[0], [one], steps[0])) * len(steps)
    return seconds


def _median_seconds(work: Callable[[], object]) -> float:
    """The seconds that a call takes, the median of a few."""
    from statistics import median
    from time import perf_counter

    taken = []
    for _ in range(TIMINGS):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return median(taken)

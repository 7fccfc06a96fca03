"""``bp gradcheck``: the gradient that trains against differences, layer by layer."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bpcli.cli.arguments import Json, Words, config_and_overrides
from bpcli.errors import ExitStatus

if TYPE_CHECKING:
    from bpcli.checking import Checked, Comparison, Group, StepSize
    from bpcli.experiment import Experiment
    from bpcli.nn import IndexArray

LONG_SECONDS = 2.0
"""From so long on, the time is told in advance and a bar is shown."""

PLOT_WIDTH = 40


def gradcheck(
    words: Words,
    method: Annotated[
        Literal["complex-step", "central"], typer.Option("--method", help="How differences are taken.")
    ] = "complex-step",
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
    from bpcli import checking

    path, changes = config_and_overrides(words)
    built = _built(path, changes)
    batches = _batches(built, examples)
    theta, part = built.parameters.theta, built.examples("train")
    assert part is not None
    if export is not None or against is not None:
        return _exchanged(built, batches[0], export, against, json=json)
    chosen = checking.groups(built.network, parameters, built.plan.seed)
    gradients = checking.gradients_of(built.network, theta, part, batches)
    comparisons = [
        checking.Comparison(built.network, theta, gradient, checking.probe_of(built.network, part, batch), method)
        for batch, gradient in zip(batches, gradients, strict=True)
    ]
    checked = _checked(comparisons, chosen, quiet=json)
    sizes = checking.step_sizes(comparisons[0], chosen) if step_sizes else None
    passed = all(check.passed for check in checked)
    rows = {len(batch): built.loaded.parts["train"].rows[batch] for batch in batches}
    if json:
        from bpcli.cli.output import emit
        from bpcli.storage import to_json

        emit(to_json(_report(path, method, comparisons, checked, sizes, rows, passed=passed)) + "\n")
    else:
        _show(method, checked, sizes, rows, passed=passed)
    return ExitStatus.DONE if passed else ExitStatus.CHECK_FAILED


def _exchanged(
    built: Experiment, batch: IndexArray, export: Path | None, against: Path | None, *, json: bool
) -> ExitStatus:
    """Write what others need, or judge what they found."""
    import numpy as np

    from bpcli import exchange
    from bpcli.cli.output import emit
    from bpcli.errors import ConfigError
    from bpcli.nn import slips
    from bpcli.storage import to_json

    if export is not None and against is not None:
        raise ConfigError("--export and --against at once", where="command line", hint="first the one, then the other")
    examples = built.examples("train")
    assert examples is not None
    ws = built.network.workspace(len(batch), np.float64)
    examples.features.gather(batch, ws.X)
    examples.targets.gather(batch, ws.Y)
    if export is not None:
        exchange.export(export, built.parameters, ws)
        emit(to_json({"exported": str(export), "examples": len(batch)}) + "\n" if json else f"{export}\n")
        return ExitStatus.DONE
    assert against is not None
    given = exchange.gradients(against, built.network.sizes, len(batch))
    verdict = slips.judge(built.network, built.parameters, ws, given)
    if json:
        emit(to_json({"against": str(against), "passed": verdict.layer == 0, **asdict(verdict)}) + "\n")
    elif verdict.layer == 0:
        emit(f"{against}: every gradient agrees\n")
    else:
        emit(f"{against}: layer {verdict.layer} is the first wrong one from the output ({', '.join(verdict.wrong)})\n")
        emit(f"{verdict.slip}\n")
    return ExitStatus.CHECK_FAILED if verdict.layer else ExitStatus.DONE


def _built(path: Path, changes: list[str]) -> Experiment:
    """The experiment in float64, at a run's trained parameters where ``path`` is a run."""
    from bpcli import experiment, model
    from bpcli.config.reading import load
    from bpcli.runs import CONFIG

    config = path / CONFIG if path.is_dir() else path
    built = experiment.build(load(config, [*changes, "dtype=float64"]))
    if path.is_dir():
        model.read_weights(path, built.parameters)
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


def _checked(comparisons: list[Comparison], chosen: list[Group], *, quiet: bool) -> list[Checked]:
    from time import perf_counter

    from bpcli import display

    began = perf_counter()
    comparisons[0].slopes(chosen[-1].places[:1])
    pieces = sum(len(group.places) for group in chosen) * len(comparisons)
    seconds = (perf_counter() - began) * pieces
    long = seconds > LONG_SECONDS and not quiet
    if long:
        display.say(f"checking {pieces:,} derivatives takes about {seconds:.0f} s")
    found = []
    with display.counted(pieces, "derivatives", long=long) as advance:
        for comparison in comparisons:
            for group in chosen:
                found.append(comparison.check(group))
                advance(len(group.places))
    return found


def _report(
    path: Path,
    method: str,
    comparisons: list[Comparison],
    checked: list[Checked],
    sizes: list[StepSize] | None,
    rows: dict[int, IndexArray],
    *,
    passed: bool,
) -> dict[str, Any]:
    batches = [
        {"examples": m, "rows": rows[m].tolist(), "loss": c.probe(c.theta).real}
        for c in comparisons
        for m in (c.probe.X.shape[1],)
    ]
    report = {
        "checked": str(path),
        "method": method,
        "passed": passed,
        "batches": batches,
        "layers": [asdict(check) | {"crossed": _places(check, rows)} for check in checked],
    }
    if sizes is not None:
        report["step_sizes"] = [asdict(size) for size in sizes]
    return report


def _places(check: Checked, rows: dict[int, IndexArray]) -> list[dict[str, int]]:
    return [
        {"layer": l, "unit": unit, "example": int(rows[check.examples][column])} for l, unit, column in check.crossed
    ]


def _show(
    method: str, checked: list[Checked], sizes: list[StepSize] | None, rows: dict[int, IndexArray], *, passed: bool
) -> None:
    import sys

    from bpcli import display

    columns = ["examples", "layer", "", "checked", "largest error", "median error", "at", "backward", "difference", ""]
    table = [
        [
            check.examples,
            check.layer,
            check.kind,
            f"{check.checked} of {check.parameters}",
            f"{check.largest:.1e}",
            f"{check.median:.1e}",
            f"[{check.row}, {check.column}]",
            check.backward,
            check.difference,
            ("agrees" if check.checked else "not judged") if check.passed else "WRONG",
        ]
        for check in checked
    ]
    title = f"{method}; errors relative to the layer's largest gradient"
    display.table(columns, table, sys.stdout, title=title, text=(2, 3, 6, 9))
    for check in checked:
        for place in _places(check, rows):
            print(
                f"layer {place['layer']}, unit {place['unit']}, example {place['example']}: its kink lies within the "
                f"step, so {check.kind} of layer {check.layer} was not judged by it"
            )
        if check.vanished:
            print(
                f"layer {check.layer}, {check.kind}, {check.examples} examples: outputs and targets agree so well "
                f"that {check.vanished} of the gradients differ by rounding alone"
            )
    if sizes is not None:
        _show_sizes(sizes)
    print("the gradient that trains agrees" if passed else "the gradient that trains is WRONG where the table says so")


def _show_sizes(sizes: list[StepSize]) -> None:
    """A row per step, its error drawn on a logarithmic scale."""
    from math import log10

    print("\ncentral differences: the largest error against the step h")
    logs = [log10(max(size.largest, 1e-16)) for size in sizes]
    low, high = min(logs), max(logs)
    for size, height in zip(sizes, logs, strict=True):
        bar = round((height - low) / max(high - low, 1e-9) * PLOT_WIDTH)
        print(f"  h = {size.h:.0e}  {size.largest:.1e}  {'·' * bar}●")
    print("  truncation shrinks with h² from above, round-off grows with 1/h from below;")
    print("  a step that crosses the kink of a relu leaves an error of its own\n")

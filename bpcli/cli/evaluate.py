"""``bp evaluate``: the loss, the metrics and a table of classes for a run's model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli.arguments import Json, Plugins, RunFolder, Split, part_of_run
from bpcli.cli.output import emit_json

if TYPE_CHECKING:
    from bpcli.data.loading import Part
    from bpcli.runs.model_file import Model


def evaluate(
    run: RunFolder,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE", help="Another file of examples, with targets.")
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option("--targets", metavar="FILE", help="The targets of --data, if they are in a separate file."),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option("--split", help="A part of the run's data; default test, else validation, else train."),
    ] = None,
    json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Evaluate a run's model: loss, metrics and a table of its classes.

    Example: bp evaluate runs/iris-001 --split validation
    """
    from bpcli.errors import ConfigError
    from bpcli.reporting.evaluation import evaluate_model
    from bpcli.runs.reopen import reopen

    if targets is not None and data is None:
        raise ConfigError("--targets goes with --data", where="command line", hint="name the features' file too")
    if split is not None and data is not None:
        raise ConfigError(
            "--split names a part of the run's data, --data another file", where="command line", hint="give one"
        )
    reopened = reopen(run)
    part, name = part_of_run(reopened, split) if data is None else (_part_of_file(reopened.model, data, targets), None)
    results = evaluate_model(reopened.model, part, reopened.metrics())
    report = {"run": str(run), "epoch": reopened.kept_epoch, "split": name, "examples": part.size, **results}
    if data is not None:
        report["data"] = str(data)
    if json:
        emit_json(report)
    else:
        _show(report, name or str(data))


def _part_of_file(model: Model, data: Path, targets: Path | None) -> Part:
    """The examples of another file, in the model's encoding."""
    from bpcli.data.files.reading import FilePair
    from bpcli.data.loading import load_with_encoding
    from bpcli.display import warn

    pair = FilePair(str(data), None if targets is None else str(targets))
    part, warnings = load_with_encoding(
        pair, model.form, model.features, model.targets, model.dtype, model.weight_column
    )
    warn(warnings.lines())
    return part


def _show(report: dict[str, Any], examples_of: str) -> None:
    """Print a table of the loss and the metrics, and one of the classes."""
    import sys

    from bpcli import display

    of_epoch = "" if report["epoch"] is None else f", parameters of epoch {report['epoch']}"
    title = f"{report['run']}: {examples_of}, {report['examples']} examples{of_epoch}"
    rows = [["loss", report["loss"]], *report["metrics"].items()]
    display.print_table(["metric", "value"], rows, sys.stdout, title=title)
    if report["classes"]:
        columns = list(report["classes"][0])
        print()
        display.print_table(columns, [list(row.values()) for row in report["classes"]], sys.stdout)

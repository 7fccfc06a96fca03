"""``bp evaluate``: the loss, the metrics, a table of classes and their confusions for a run's model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli.arguments import Json, Plugins, RunFolder, Split, part_of_run
from bpcli.cli.output import emit_json
from bpcli.lines.widths import PAGE, terminal_width

if TYPE_CHECKING:
    from bpcli.data.loading import Part
    from bpcli.reporting.evaluation import Evaluation
    from bpcli.runs.model_file import Model

MOST_CONFUSIONS = 10
"""How many confusions are shown of many classes."""


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
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", metavar="X", help="Decide for a label, or the second of two classes, above X; default 0.5."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FOLDER", help="Write metrics, classes, confusion and curves as CSV to a new folder."
        ),
    ] = None,
    json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Evaluate a run's model: loss, metrics, classes and confusions.

    The metrics are those that the run's config picks; --json and --output give every one that suits.

    Example: bp evaluate runs/iris-001 --split validation
    """
    from bpcli.display import warn
    from bpcli.reporting.evaluation import evaluate_model
    from bpcli.runs.new_folder import require_free_folder
    from bpcli.runs.reopen import reopen

    _require_one_source(data, targets, split)
    require_free_folder(output)
    reopened = reopen(run)
    part, name = (
        part_of_run(reopened, split)
        if data is None
        else (_part_of_file(reopened.model, data, targets, reopened.threads), None)
    )
    evaluation = evaluate_model(reopened.model, part, reopened.metrics(), threshold, reopened.threads)
    learned = "" if data is None else reopened.learned_from(part)
    warn([note for note in (learned, evaluation.note(name or "given")) if note])
    if output is not None:
        from bpcli.reporting.evaluation_files import write_evaluation

        write_evaluation(evaluation, output)
    epoch, words = reopened.kept or (None, "")
    if json:
        about = {"run": str(run), "epoch": epoch, "split": name, "examples": part.size}
        given = {"data": None if data is None else str(data), "threshold": threshold, "note": learned or None}
        emit_json({**about, **_report(evaluation), **{key: it for key, it in given.items() if it is not None}})
    else:
        kept = f"; kept: {words}" if words else ""
        decided = "" if threshold is None else f"; decided above {threshold:g}"
        _show(evaluation, f"{run}: {name or data}, {part.size:,} examples{kept}{decided}")


def _require_one_source(data: Path | None, targets: Path | None, split: Split | None) -> None:
    """Refuse options that speak of the run's data and of another file."""
    from bpcli.errors import ConfigError

    if targets is not None and data is None:
        raise ConfigError("--targets goes with --data", where="command line", hint="name the features' file too")
    if split is not None and data is not None:
        raise ConfigError(
            "--split names a part of the run's data, --data another file", where="command line", hint="give one"
        )


def _report(evaluation: Evaluation) -> dict[str, Any]:
    """What ``--json`` has of an evaluation."""
    return {
        "loss": evaluation.loss,
        "metrics": evaluation.metrics,
        "classes": evaluation.classes,
        **({"confusions": evaluation.confusions} if evaluation.many_classes else {"confusion": evaluation.confusion}),
    }


def _part_of_file(model: Model, data: Path, targets: Path | None, threads: int) -> Part:
    """The examples of another file, in the model's encoding."""
    from bpcli.data.files.reading import FilePair
    from bpcli.data.loading import load_with_encoding
    from bpcli.display import warn

    pair = FilePair(str(data), None if targets is None else str(targets))
    part, warnings = load_with_encoding(
        pair, model.form, model.features, model.targets, model.dtype, model.weight_column, threads
    )
    warn(warnings.lines())
    return part


def _show(evaluation: Evaluation, title: str) -> None:
    """Print a table of the loss and the metrics, one of the classes, and the confusions."""
    import sys

    from bpcli import display

    metrics = evaluation.metrics
    rows = [["loss", evaluation.loss], *([name, metrics[name]] for name in evaluation.picked)]
    display.print_table(["metric", "value"], rows, sys.stdout, title=title, names=(0,))
    if evaluation.classes:
        print()
        heads, classes = list(evaluation.classes[0]), [list(row.values()) for row in evaluation.classes]
        display.print_table(heads, classes, sys.stdout, names=(0,))
        print()
        _show_confusions(evaluation)


def _show_confusions(evaluation: Evaluation) -> None:
    """Print the confusion matrix, or the largest confusions where it is wider than a page; of labels a row of each."""
    import sys

    from bpcli import display
    from bpcli.reporting.confusion import largest_confusions

    names, confusion = evaluation.names, evaluation.confusion
    if evaluation.of_labels:
        rows = [[name, *matrix[0], *matrix[1]] for name, matrix in zip(names, confusion, strict=True)]
        display.print_table(["label", "true no", "false yes", "false no", "true yes"], rows, sys.stdout, names=(0,))
        return
    if evaluation.many_classes:
        _show_largest(sorted(evaluation.confusions, key=lambda row: -row[2])[:MOST_CONFUSIONS])
        return
    header = ["true \\ predicted", *map(str, names)]
    rows = [[name, *row] for name, row in zip(names, confusion, strict=True)]
    if display.table_width(header, rows) <= (terminal_width(sys.stdout) or PAGE):
        display.print_table(header, rows, sys.stdout)
        return
    _show_largest(largest_confusions(confusion, names, MOST_CONFUSIONS))


def _show_largest(largest: list[list[Any]]) -> None:
    """Print rows of true class, decided class and how many examples."""
    import sys

    from bpcli import display

    title = "the largest confusions" if largest else "no confusions"
    columns = ["true", "predicted", "examples"]
    display.print_table(columns, largest, sys.stdout, title=title, text=(0, 1), names=(0, 1))

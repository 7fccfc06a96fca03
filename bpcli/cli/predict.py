"""``bp predict``: a prediction for each row of a file, as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.arguments import Plugins, RunFolder, Split, part_of_run
from bpcli.cli.output import emit
from bpcli.cli.output_file import require_no_loss

if TYPE_CHECKING:
    from bpcli.runs.reopen import ReopenedRun


def predict(
    run: RunFolder,
    data: Annotated[
        str | None, typer.Option("--data", metavar="FILE|-", help="The examples; - for standard input.")
    ] = None,
    split: Annotated[
        Split | None, typer.Option("--split", help="A part of the run's data, with the number of each row.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The CSV file to write; default standard output.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", metavar="COLUMN", help="An input column to copy; may be repeated.")
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Predict each row of a file, or of a part of the run's data.

    CSV with the prediction, then the probabilities of the classes.

    Example: bp predict runs/iris-001 --data new.csv --output predictions.csv --keep id
    """
    from bpcli.errors import ConfigError
    from bpcli.runs.reopen import reopen

    if (data is None) == (split is None):
        problem = "no examples are named" if data is None else "--split names a part of the run's data, --data a file"
        raise ConfigError(problem, where="command line", hint="--data FILE, or --split test")
    reopened = reopen(run)
    require_no_loss(output, [*([] if data is None else [data]), run, *reopened.data_files])
    _write(_pieces(reopened, data, split, list(keep or [])), output)


def _pieces(reopened: ReopenedRun, data: str | None, split: Split | None, keep: list[str]) -> Iterator[str]:
    """The CSV text of the predictions, in pieces; warnings are shown."""
    from bpcli.display import warn
    from bpcli.reporting.prediction import predict_file, predict_part

    if data is None:
        part, _ = part_of_run(reopened, split)
        return predict_part(reopened.model, part, keep, reopened.threads)
    pieces, warnings = predict_file(reopened.model, data, keep, reopened.threads)
    warn(warnings.lines())
    return pieces


def _write(pieces: Iterator[str], output: Path | None) -> None:
    """Write the text to a file, or to standard output."""
    if output is None:
        for piece in pieces:
            emit(piece)
    else:
        from bpcli.storage.files import replacing

        with replacing(output) as file:
            for piece in pieces:
                file.write(piece.encode())

"""``bp predict``: a prediction for each row of a file, as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.arguments import RunFolder
from bpcli.cli.output import emit


def predict(
    run: RunFolder,
    data: Annotated[str, typer.Option("--data", metavar="FILE|-", help="The examples; - for standard input.")],
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The CSV file to write; default standard output.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", metavar="COLUMN", help="An input column to copy; may be repeated.")
    ] = None,
) -> None:
    """Predict each row of a file: CSV with the prediction, then a probability per class.

    Example: bp predict runs/iris-001 --data new.csv --output predictions.csv --keep id
    """
    from bpcli.display import warn
    from bpcli.errors import ConfigError
    from bpcli.reporting.prediction import prediction_table
    from bpcli.runs.reopen import reopen

    if output is not None and output.exists() and Path(data).exists() and output.samefile(data):
        raise ConfigError("--output is the file of examples itself", where=str(output), hint="name another file")
    pieces, warnings = prediction_table(reopen(run).model, data, list(keep or []))
    warn(warnings.lines())
    if output is None:
        for piece in pieces:
            emit(piece)
    else:
        from bpcli.storage import replacing

        with replacing(output) as file:
            for piece in pieces:
                file.write(piece.encode())

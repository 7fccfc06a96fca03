"""``bp data``: make data ready for training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bpcli.cli.arguments import Json, need_command
from bpcli.cli.output_file import require_no_loss

if TYPE_CHECKING:
    from bpcli.data.conversion.contents import Progress
    from bpcli.data.conversion.convert import Converted

PROGRESS_SECONDS = 5.0
"""The least time between two lines of progress."""

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Make data ready for training. Example: bp data convert big.csv big.npy",
)
app.callback()(need_command)


@app.command()
def convert(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="CSV, TSV, IDX, NPZ or NPY; also .gz; - for stdin.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The NPY file to write.")],
    targets: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="COLUMN",
            help="A column to predict, put last; may be repeated; default the last.",
        ),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", metavar="COLUMN", help="A column to leave out; may be repeated.")
    ] = None,
    dtype: Annotated[
        Literal["float32", "float64"],
        typer.Option("--dtype", help="The type of numbers; float64 keeps every digit."),
    ] = "float32",
    delimiter: Annotated[
        str | None,
        typer.Option("--delimiter", metavar="MARK", help="The mark between cells; default comma or tab, as detected."),
    ] = None,
    header: Annotated[bool, typer.Option("--header/--no-header", help="Whether the first row has the names.")] = True,
    missing: Annotated[
        list[str] | None,
        typer.Option(
            "--missing", metavar="WORD", help="A word for a missing cell; may be repeated; default NA, NaN, null."
        ),
    ] = None,
    decimal: Annotated[
        str, typer.Option("--decimal", metavar="MARK", help="The decimal mark of numbers, a point or a comma.")
    ] = ".",
    thousands: Annotated[
        str | None, typer.Option("--thousands", metavar="MARK", help="The mark between thousands; default none.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show neither progress nor columns.")] = False,
    json: Json = False,
) -> None:
    """Convert a table of any size to NPY, which is read in place.

    Its path is printed.

    Numbers stay numbers, missing ones NaN; text becomes an indicator per category, ISO dates become year, day of
    the year, weekday and seconds of the day, as in training.

    Targets come last; a text target becomes the number of its class, in the order of code points.

    Example: bp data convert big.csv big.npy --target price
    """
    from dataclasses import replace

    import numpy as np

    from bpcli.data.conversion.convert import ConversionRequest
    from bpcli.data.conversion.convert import convert as convert_file
    from bpcli.data.files.dataset import Format
    from bpcli.display import say, warn
    from bpcli.errors import ConfigError

    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise ConfigError(f"--delimiter is {delimiter!r}", where="command line", hint="one character, not a quote")
    if target.suffix.lower() != ".npy":
        raise ConfigError(
            f"TARGET is {target.name!r}, which does not end in .npy",
            where="command line",
            hint="name it with .npy",
        )
    require_no_loss(target, [source])
    _require_marks(decimal, thousands)
    form = Format(delimiter, header, decimal=decimal, thousands=thousands)
    if missing is not None:
        form = replace(form, missing=tuple(missing))
    request = ConversionRequest(form, targets, list(drop or []), np.dtype(dtype))
    converted, warnings = convert_file(source, target, request, _show_nothing if quiet else _show_rows())
    if not quiet:
        warn(warnings.lines())
        for line in _summary(converted):
            say(line)
    _print_result(target, converted, json=json)


def _require_marks(decimal: str, thousands: str | None) -> None:
    """The marks of numbers are such as a table may have, and differ."""
    from bpcli.errors import ConfigError

    if decimal not in (".", ","):
        raise ConfigError(f"--decimal is {decimal!r}", where="command line", hint="a point or a comma")
    if thousands is not None and (thousands not in (",", ".", "'", " ") or thousands == decimal):
        raise ConfigError(
            f"--thousands is {thousands!r}",
            where="command line",
            hint="a comma, a point, an apostrophe or a space, other than the decimal mark",
        )


def _show_nothing(rows: int) -> None:
    """Show no progress."""


def _show_rows() -> Progress:
    """Show at intervals how many rows have been read."""
    from time import monotonic

    from bpcli.display import say

    last = [monotonic()]

    def show(rows: int) -> None:
        if monotonic() - last[0] > PROGRESS_SECONDS:
            last[0] = monotonic()
            say(f"{rows:,} rows")

    return show


def _summary(converted: Converted) -> list[str]:
    """The names of the columns and classes, which the file itself does not have."""
    from bpcli.data.warnings import listed

    columns = listed([f"{place} {name}" for place, name in enumerate(converted.columns)])
    lines = [f"{converted.examples:,} examples; columns: {columns}; target, last: {', '.join(converted.targets)}"]
    if converted.classes is not None:
        lines.append(f"classes: {listed([f'{k} {label}' for k, label in enumerate(converted.classes)])}")
    return lines


def _print_result(target: Path, converted: Converted, *, json: bool) -> None:
    """Print the file's path, or one JSON object about it."""
    from bpcli.cli.output import emit
    from bpcli.storage.text import to_json

    report = {"file": str(target), **vars(converted)}
    emit((to_json(report) if json else str(target)) + "\n")

"""``bp data``: make data ready for training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bpcli.cli.arguments import Json, need_command
from bpcli.cli.signals import cleanup_at_signals

if TYPE_CHECKING:
    from bpcli.data.conversion.contents import Progress
    from bpcli.data.conversion.convert import Converted

SECONDS = 5.0
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
            "--target", metavar="COLUMN", help="What to predict, put last; may be repeated; default the last."
        ),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", metavar="COLUMN", help="A column to leave out; may be repeated.")
    ] = None,
    dtype: Annotated[
        Literal["float32", "float64"], typer.Option("--dtype", help="How numbers are kept; float64 keeps each digit.")
    ] = "float32",
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", metavar="MARK", help="Between cells; default comma or tab, as found.")
    ] = None,
    header: Annotated[bool, typer.Option("--header/--no-header", help="Whether the first row has the names.")] = True,
    missing: Annotated[
        list[str] | None,
        typer.Option("--missing", metavar="WORD", help="What stands for a missing cell; default NA, NaN, null."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show neither progress nor columns.")] = False,
    json: Json = False,
) -> None:
    """Convert a table of any size to NPY, which training reads without loading it; print the file.

    Numbers stay numbers, NaN where missing; text becomes an indicator per category, as training makes it. Targets come
    last; text among them becomes the number of its class, in order of code points.

    Example: bp data convert big.csv big.npy --target price
    """
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
            f"TARGET is {target.name!r}, which does not end in .npy", where="command line", hint="say .npy"
        )
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise ConfigError("TARGET is the file to convert itself", where=str(target), hint="name another file")
    form = Format(delimiter, header) if missing is None else Format(delimiter, header, tuple(missing))
    request = ConversionRequest(form, targets, list(drop or []), np.dtype(dtype))
    with cleanup_at_signals():
        done, warnings = convert_file(source, target, request, _show_nothing if quiet else _show_now_and_then())
    if not quiet:
        warn(warnings.lines())
        for line in _summary(done):
            say(line)
    _result(target, done, json=json)


def _show_nothing(rows: int) -> None:
    """Show no progress."""


def _show_now_and_then() -> Progress:
    """Show every few seconds how many rows have been read."""
    from time import monotonic

    from bpcli.display import say

    last = [monotonic()]

    def show(rows: int) -> None:
        if monotonic() - last[0] > SECONDS:
            last[0] = monotonic()
            say(f"{rows:,} rows")

    return show


def _summary(done: Converted) -> list[str]:
    """Which column is what: the file itself has no names for them."""
    from bpcli.data.warnings import listed

    columns = listed([f"{place} {name}" for place, name in enumerate(done.columns)])
    lines = [f"{done.examples:,} examples; columns: {columns}; target, last: {', '.join(done.targets)}"]
    if done.classes is not None:
        lines.append(f"classes: {listed([f'{k} {label}' for k, label in enumerate(done.classes)])}")
    return lines


def _result(target: Path, done: Converted, *, json: bool) -> None:
    """The file on standard output, or one JSON object about it."""
    from bpcli.cli.output import emit
    from bpcli.storage import to_json

    report = {"file": str(target), **vars(done)}
    emit((to_json(report) if json else str(target)) + "\n")

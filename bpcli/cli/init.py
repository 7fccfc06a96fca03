"""``bp init``: a first config for a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.output import emit


def init(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="CSV, TSV, Parquet, NPZ, NPY or IDX.", show_default=False)
    ],
    target: Annotated[
        str | None, typer.Option("--target", metavar="COLUMN", help="The column to predict; default the last.")
    ] = None,
    targets: Annotated[
        str | None, typer.Option("--targets", metavar="FILE", help="The targets, if they are in a separate file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The config to write; default DATA's name, .yaml.")
    ] = None,
) -> None:
    """Look at a table and write a first config for it.

    The config trains as it is. Its path is printed; standard error says what was assumed.

    Example: bp init datasets/iris.csv --target species
    """
    from bpcli.data.files.reading import FilePair
    from bpcli.display import say
    from bpcli.errors import ConfigError
    from bpcli.starting.inspection import inspect
    from bpcli.starting.suggestion import suggest
    from bpcli.starting.template import assumptions, text_of

    if data == "-":
        raise ConfigError("a config names a file, not standard input", where="command line", hint="save it in a file")
    config = output or Path(f"{_stem(Path(data).name)}.yaml")
    _require_free(config)
    table = inspect(FilePair(data, targets), target)
    suggestion = suggest(table)
    text = text_of(table, suggestion, config.absolute().parent)
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        _require_free(config)
    for line in assumptions(table, suggestion):
        say(line)
    emit(f"{config}\n")


def _require_free(config: Path) -> None:
    """No file is overwritten.

    Raises:
        ConfigError: there is one.
    """
    from bpcli.errors import ConfigError

    if config.exists():
        raise ConfigError("the file exists already", where=str(config), hint="name another with --output FILE")


def _stem(name: str) -> str:
    """A file's name without its suffixes for the kind and the compression."""
    path = Path(name)
    while path.suffix.lower() in (".gz", ".csv", ".tsv", ".txt", ".parquet", ".npz", ".npy", ".data"):
        path = path.with_suffix("")
    return path.name

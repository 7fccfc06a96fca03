"""``bp plot``: a picture of runs, in the terminal or in a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.arguments import Plugins, Split
from bpcli.cli.output import emit
from bpcli.cli.output_file import require_no_loss
from bpcli.lines.widths import page_width

if TYPE_CHECKING:
    from bpcli.figures.plotted_run import PlottedRun


def _kinds(incomplete: str) -> list[str]:
    """The kinds of pictures whose names begin with ``incomplete``."""
    from bpcli.figures import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def plot(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Run folders, or a folder of runs.", show_default=False)
    ],
    kind: Annotated[
        str,
        typer.Option("--kind", metavar="KIND", help="What is shown: see bp list pictures.", autocompletion=_kinds),
    ] = "curves",
    split: Annotated[
        Split | None,
        typer.Option("--split", help="The part to look at; default test, else validation, else train."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="An .svg, .png or .pdf file; default the terminal.")
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Draw a picture of runs, in the terminal or in a file.

    By default learning curves; runs of one config with other seeds are one band. bp list pictures has the other kinds.

    Example: bp plot runs/iris-001 --kind confusion --output confusion.svg
    """
    from bpcli.display import warn
    from bpcli.figures import picture
    from bpcli.figures.plotted_run import plotted_runs

    form = None if output is None else _format(output)
    found, skipped = plotted_runs(runs, split)
    warn(skipped)
    if output is None or form is None:
        from bpcli.figures.terminal import drawn_text

        emit(drawn_text(picture(kind, found), page_width(sys.stdout)))
        return
    from bpcli.figures.drawing import drawn
    from bpcli.storage.files import write

    require_no_loss(output, _files_of(found))
    write(output, drawn(picture(kind, found), form))


def _format(output: Path) -> str:
    """The format of a file by its suffix.

    Raises:
        ConfigError: it has another one.
    """
    from bpcli.errors import ConfigError
    from bpcli.figures.drawing import SUFFIXES

    form = SUFFIXES.get(output.suffix.lower())
    if form is None:
        hint = f"choose from {', '.join(SUFFIXES)}"
        raise ConfigError(f"no picture has the suffix {output.suffix!r}", where=str(output), hint=hint)
    return form


def _files_of(runs: list[PlottedRun]) -> list[str | Path]:
    """What must not be written over: the files that the runs learned from."""
    return [path for run in runs for path in run.recorded.record.get("data", {})]

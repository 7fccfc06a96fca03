"""``bp report``: one HTML file that says what a run, or the runs of a folder, came to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.arguments import Plugins
from bpcli.cli.output import emit


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="RUN|FOLDER", help="A run, a series, or a folder of runs.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The file to write.")] = Path("report.html"),
    plugin: Plugins = None,
) -> None:
    """Write a report of a run, or of several, as an HTML file.

    Of a run: what was asked, the metrics with their intervals, the curves, the worst errors, what the model goes by,
    the data, and how to repeat it. Of a series or a folder of runs: what differs, the best first, and the spread. The
    file loads nothing from the network; it can be printed.

    Example: bp report runs/iris-001 --output iris.html
    """
    from bpcli.cli.output_file import require_no_loss, require_own_page
    from bpcli.report import report_of
    from bpcli.report.page import html, require_template_library
    from bpcli.storage.files import write

    require_no_loss(output, [])
    require_own_page(output)
    require_template_library()
    write(output, html(report_of(folder)).encode())
    emit(f"{output}\n")

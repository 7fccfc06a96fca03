"""``bp explain``: backpropagation on chosen examples, step by step, in the notation of a derivation."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from bpcli.cli.arguments import Plugins, config_and_overrides
from bpcli.lines.widths import page_width

Format = Literal["text", "markdown", "latex", "json"]


def _documents(incomplete: str) -> list[str]:
    """The documents whose names begin with ``incomplete``."""
    from bpcli.explaining.documents import DOCUMENTS

    return [name for name in DOCUMENTS if name.startswith(incomplete)]


def explain(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="CONFIG|RUN|KEY=VALUE",
            help="A YAML file, at its initial parameters, or a run folder, at its trained ones; and overrides.",
            show_default=False,
        ),
    ],
    document: Annotated[
        str | None,
        typer.Option(
            "--document",
            metavar="NAME",
            help="standard, binary, biswas, brawer, general or half-squared-error. Default standard.",
            autocompletion=_documents,
        ),
    ] = None,
    example: Annotated[
        list[int] | None,
        typer.Option("--example", metavar="I", help="A row of the training file, from 0; may be repeated. Default 0."),
    ] = None,
    derive: Annotated[
        bool,
        typer.Option(
            "--derive",
            help="Also show every equation that the derivation displays, each side evaluated.",
        ),
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="The output format; json contains every number.")] = "text",
    plugin: Plugins = None,
) -> None:
    """Explain backpropagation: every equation with its numbers.

    In the standard notation or in that of a derivation, with the shapes. Forward, loss, backward
    and one update on the chosen examples, in float64. In mode sgd each example is an update of its
    own, else they are one batch. With --derive also how the chain rule leads from one step to the
    next; a derivation's own equations in its own order.

    Example: bp explain configs/xor.yaml --example 1 --example 2 --format latex > xor.tex
    """
    path, changes = config_and_overrides(words)
    from bpcli import display
    from bpcli.cli.output import emit
    from bpcli.explaining import explanation, rendering

    explained = explanation.explain(path, changes, document, example or [0], with_derivation=derive)
    display.warn(explained.warnings)
    width = page_width(sys.stdout)
    emit(rendering.text.render(explained, width) if form == "text" else rendering.FORMATS[form](explained))

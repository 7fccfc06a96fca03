"""``bp explain``: backpropagation on chosen examples, step by step, in the notation of a derivation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bpcli.cli.arguments import Plugins, config_and_overrides
from bpcli.lines.widths import page_width

if TYPE_CHECKING:
    from bpcli.explaining.explained import Explanation

Format = Literal["text", "markdown", "latex", "json", "html"]


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
    arithmetic: Annotated[
        bool | None,
        typer.Option(
            "--arithmetic/--no-arithmetic",
            help="Write the equations out in numbers, entry by entry. Default those of at most 12 entries and 24 "
            "numbers each; --arithmetic also the first 6 entries of larger ones.",
            show_default=False,
        ),
    ] = None,
    digits: Annotated[
        int, typer.Option("--digits", metavar="N", min=1, max=17, help="The digits of numbers; json has all.")
    ] = 6,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=1, max=100, help="How often the examples are gone through.")
    ] = 1,
    errata: Annotated[
        bool, typer.Option("--errata", help="Also name the mistakes in print of a derivation, where it has them.")
    ] = False,
    form: Annotated[
        Format, typer.Option("--format", help="The output format; json contains every number, html is a page to touch.")
    ] = "text",
    plugin: Plugins = None,
) -> None:
    """Explain backpropagation: every equation with its numbers.

    In the standard notation or in that of a derivation, with the shapes. Forward, loss, backward
    and one update on the chosen examples, in float64. In mode sgd each example is an update of its
    own, else they are one batch. With --derive also how the chain rule leads from one step to the
    next; a derivation's own equations in its own order.

    With --format html a page for a browser: the network as a drawing, a slider through the steps,
    numbers that can be changed, training that goes on, exercises. It is for small networks.

    Example: bp explain configs/xor.yaml --example 1 --example 2 --format latex > xor.tex
    """
    path, changes = config_and_overrides(words)
    from bpcli import display
    from bpcli.cli.output import emit
    from bpcli.explaining import explanation
    from bpcli.explaining.detail import Detail

    detail = Detail(derive, arithmetic, digits, steps, errata)
    if form == "html":
        from bpcli.explaining.page.limits import require_plain

        require_plain(detail)
    explained = explanation.explain(path, changes, document, example or [0], detail)
    display.warn(explained.warnings)
    emit(_rendered(explained, form))


def _rendered(explained: Explanation, form: Format) -> str:
    """The explanation in a format; text to the width of the terminal."""
    from bpcli.explaining import page, rendering

    if form == "text":
        return rendering.text.render(explained, page_width(sys.stdout))
    return {**rendering.FORMATS, "html": page.render}[form](explained)

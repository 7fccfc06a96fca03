"""``bp config``: check a config, show it resolved, print the schema."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.arguments import Plugins, Words, config_and_overrides, need_command
from bpcli.lines.widths import terminal_width

if TYPE_CHECKING:
    from bpcli.experiment import Experiment

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Check a config, show it resolved, print the schema. Example: bp config check configs/iris.yaml",
)
app.callback()(need_command)


@app.command()
def check(words: Words, plugin: Plugins = None) -> None:
    """Find every mistake in a config and its data.

    Example: bp config check configs/iris.yaml
    """
    path, changes = config_and_overrides(words)
    from bpcli import display, experiment
    from bpcli.config.reading import read_config

    built = experiment.build(read_config(path, changes))
    display.warn(built.loaded.warnings.lines())
    display.say(f"{path}: no mistakes")


@app.command()
def show(
    words: Words,
    inputs: Annotated[
        bool, typer.Option("--inputs", help="List the network's inputs instead: column, kind, part and scaling.")
    ] = False,
    plugin: Plugins = None,
) -> None:
    """Print the resolved config, or the inputs that columns become.

    Every default is written out.

    Example: bp config show configs/iris.yaml optimizer.name=adam
    """
    path, changes = config_and_overrides(words)
    from bpcli import experiment
    from bpcli.cli.output import emit
    from bpcli.config.document import dump
    from bpcli.config.reading import read_config

    built = experiment.build(read_config(path, changes))
    if inputs:
        _show_inputs(built)
    else:
        emit(dump(built.resolved, terminal_width(sys.stdout)))


def _show_inputs(built: Experiment) -> None:
    """Print a table with a row for each input."""
    from dataclasses import astuple

    from bpcli import display

    features = built.loaded.features
    rows = [
        [number, *("" if value is None else value for value in astuple(each))]
        for number, each in enumerate(features.inputs)
    ]
    columns = ["input", "column", "kind", "part", "if missing", "shift", "width"]
    display.print_table(columns, rows, sys.stdout, title=features.summary, text=(1, 2, 3), names=(1, 3))


@app.command()
def schema(plugin: Plugins = None) -> None:
    """Print the JSON schema of a config, for editors.

    Example: bp config schema > bp.schema.json
    """
    import json

    from bpcli.cli.output import emit
    from bpcli.config.schema import json_schema

    emit(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")

"""``bp config``: check a config, show it resolved, print the schema."""

from __future__ import annotations

import typer

from bpcli.cli.arguments import Words, config_and_overrides, need_command

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Check a config, show it resolved, print the schema. Example: bp config check configs/iris.yaml",
)
app.callback()(need_command)


@app.command()
def check(words: Words) -> None:
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
def show(words: Words) -> None:
    """Print the resolved config, with every default.

    Example: bp config show configs/iris.yaml optimizer.name=adam
    """
    path, changes = config_and_overrides(words)
    from bpcli import experiment
    from bpcli.cli.output import emit
    from bpcli.config.document import dump
    from bpcli.config.reading import read_config

    emit(dump(experiment.build(read_config(path, changes)).resolved))


@app.command()
def schema() -> None:
    """Print the JSON schema of a config, for editors.

    Example: bp config schema > bp.schema.json
    """
    import json

    from bpcli.cli.output import emit
    from bpcli.config.schema import json_schema

    emit(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")

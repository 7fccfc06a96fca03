"""Arguments that several commands share, and how a config is told from overrides."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bpcli.cli.help_page import help_page
from bpcli.errors import ConfigError
from bpcli.lines.widths import page_width

if TYPE_CHECKING:
    from bpcli.data.loading import Part
    from bpcli.runs.reopen import ReopenedRun


def _load_plugins(paths: list[Path] | None) -> list[Path] | None:
    """Load the files as soon as the command line is read, so that their choices are there for all that follows."""
    if paths:
        from bpcli.plugins.loading import load_plugin

        for path in paths:
            load_plugin(path)
    return paths


Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        callback=_load_plugins,
        is_eager=True,
        help="A Python file with choices of your own; it is run. May be repeated.",
    ),
]
"""What a command takes to know choices of the user's own; Typer calls loading while it reads the command line."""

Words = Annotated[
    list[str],
    typer.Argument(metavar="CONFIG|KEY=VALUE", help="A YAML file, and settings that override it.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
Split = Literal["train", "validation", "test"]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)]


def need_command(context: typer.Context) -> None:
    """Require a command of a group; without one, show the group's help on standard error.

    Raises:
        ConfigError: no command is named.
    """
    if context.invoked_subcommand is None:
        with suppress(OSError):
            print(help_page(context, page_width(sys.stderr)), file=sys.stderr, flush=True)
        raise ConfigError("no command is named", where="command line", hint=f"see {context.command_path} --help")


def config_and_overrides(words: list[str]) -> tuple[Path, list[str]]:
    """The config's path and the overrides, given in any order.

    A word of the form KEY=VALUE is an override, unless it is the only candidate
    for the config and names a file.

    Raises:
        ConfigError: there is no config, or more than one.
    """
    from bpcli.config import overrides

    changes = [word for word in words if overrides.is_override(word)]
    paths = [word for word in words if not overrides.is_override(word)]
    if not paths:
        paths = [word for word in changes if Path(word).is_file()][:1]
        changes = [word for word in changes if word not in paths]
    if len(paths) != 1:
        problem = "no config is named" if not paths else f"several configs are named: {', '.join(paths)}"
        raise ConfigError(problem, where="command line", hint="one YAML file; settings are KEY=VALUE without spaces")
    return Path(paths[0]), changes


def refuse_export_with_against(export: Path | None, against: Path | None) -> None:
    """Refuse --export and --against together.

    Raises:
        ConfigError: both are given.
    """
    if export is not None and against is not None:
        raise ConfigError("--export and --against at once", where="command line", hint="first the one, then the other")


def refuse_options(options: Mapping[str, object], reason: str) -> None:
    """Refuse the options, by their name, that have a value: they have no effect with --export or --against.

    Raises:
        ConfigError: one has a value; ``reason`` says why it has no effect.
    """
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(
            f"{' and '.join(given)} with --export or --against, {reason}",
            where="command line",
            hint="leave it out" if len(given) == 1 else "leave them out",
        )


def part_of_run(reopened: ReopenedRun, split: Split | None) -> tuple[Part, str]:
    """A part of the run's data, split as in training, and its name."""
    from bpcli.data.splitting import PARTS
    from bpcli.errors import ConfigError

    parts = reopened.parts()
    name: str = split or next(part for part in reversed(PARTS) if part in parts)
    if name not in parts:
        raise ConfigError(
            f"the run has no {name} part", where="command line", hint=f"it has {', '.join(parts)}; or name --data FILE"
        )
    return parts[name], name

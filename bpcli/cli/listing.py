"""``bp list``: the choices, from the registries themselves."""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields
from typing import Annotated, Any

import typer

from bpcli.cli.arguments import Plugins


def _kinds(incomplete: str) -> list[str]:
    """The kinds of choices whose names begin with ``incomplete``."""
    from bpcli.config.registries import offered

    return [kind for kind in offered() if kind.startswith(incomplete)]


def listing(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="KIND", help="A kind of choice; default all kinds.", autocompletion=_kinds),
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A choice to explain, with its settings.")] = None,
    plugin: Plugins = None,
) -> None:
    """List the choices of a kind, or explain one.

    Example: bp list activations leaky_relu
    """
    from bpcli.config.registries import offered
    from bpcli.errors import ConfigError, did_you_mean, fitted

    registries = offered()
    if kind is None:
        for each, registry in registries.items():
            typer.echo(fitted(f"{each}: {', '.join(registry)}", sys.stdout, indent=2))
        return
    if kind not in registries:
        raise ConfigError(
            f"there is no kind of choice {kind!r}", where="command line", hint=did_you_mean(kind, registries)
        )
    choices = registries[kind]
    if name is None:
        width = max(map(len, choices))
        for each, choice in choices.items():
            typer.echo(fitted(f"{each:<{width}}  {_summary(choice)}", sys.stdout, indent=width + 2))
        return
    if name not in choices:
        raise ConfigError(f"no {name!r} among the {kind}", where="command line", hint=_hint(kind, name))
    explained = [fitted(line, sys.stdout) for line in _explained(name, choices[name])]
    typer.echo("\n".join([*explained, *_drawn(kind, choices[name])]))


def _hint(kind: str, name: str) -> str:
    """What an unknown name is here, as for a config, or the names there are."""
    from bpcli.config.registries import KINDS
    from bpcli.config.schema import Config
    from bpcli.config.wording import unknown_choice

    return unknown_choice(name, KINDS[kind].word, list(KINDS[kind].registry), Config)


def _summary(choice: type) -> str:
    """The first line of a choice's docstring."""
    return (choice.__doc__ or "").strip().splitlines()[0]


def _explained(name: str, choice: type[Any]) -> list[str]:
    """A choice's docstring, and its settings with their defaults."""
    from inspect import cleandoc

    lines = [name, "", *cleandoc(choice.__doc__ or "").splitlines()]
    settings = [f"  {setting.name}: {_default(setting)}" for setting in fields(choice)]
    return [*lines, "", "settings and their defaults:", *settings] if settings else lines


def _drawn(kind: str, choice: type[Any]) -> list[str]:
    """A schedule's rates with its defaults, drawn below a caption; nothing for another kind, or without defaults."""
    if kind != "schedules" or any(_default(setting) == "required" for setting in fields(choice)):
        return []
    from bpcli.nn.schedules.course import driven_by_results
    from bpcli.reporting.rate_curve import rate_curve

    schedule = choice()
    results = ", if nothing improves" if driven_by_results(schedule) is not None else ""
    return ["", f"its rates with these settings, in 20 epochs of 3 updates{results}:", "", *rate_curve(schedule)]


def _default(setting: Any) -> Any:
    """A setting's default as a config has it: a choice by its name."""
    from bpcli.config.registries import offered
    from bpcli.storage.text import to_json

    if setting.default_factory is not MISSING:
        value = setting.default_factory()
        return next((name for kind in offered().values() for name in kind if kind[name] is type(value)), value)
    if setting.default is MISSING:
        return "required"
    return setting.default if isinstance(setting.default, str) else to_json(setting.default)

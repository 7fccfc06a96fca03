"""``bp list``: what there is to choose from, read off the dictionaries themselves."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def _rooms(incomplete: str) -> list[str]:
    """Rooms that complete a word."""
    from bpcli.config.registries import REGISTRIES

    return [room for room in REGISTRIES if room.startswith(incomplete)]


def listing(
    room: Annotated[
        str | None, typer.Argument(metavar="ROOM", help="A kind of choice; left out, all kinds.", autocompletion=_rooms)
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One choice, with its settings.")] = None,
) -> None:
    """List the choices of a kind, or explain one.

    Example: bp list activations leaky_relu
    """
    from bpcli.config.registries import REGISTRIES
    from bpcli.errors import ConfigError, did_you_mean

    if room is None:
        for key, kinds in REGISTRIES.items():
            typer.echo(f"{key}: {', '.join(kinds)}")
        return
    if room not in REGISTRIES:
        raise ConfigError(f"there is no room {room!r}", where="command line", hint=did_you_mean(room, REGISTRIES))
    choices = REGISTRIES[room]
    if name is None:
        width = max(map(len, choices))
        for key, kind in choices.items():
            typer.echo(f"{key:<{width}}  {_summary(kind)}")
        return
    if name not in choices:
        raise ConfigError(f"no {name!r} among the {room}", where="command line", hint=did_you_mean(name, choices))
    typer.echo("\n".join(_explained(name, choices[name])))


def _summary(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _explained(name: str, kind: type[Any]) -> list[str]:
    from dataclasses import fields
    from inspect import cleandoc

    lines = [name, "", *cleandoc(kind.__doc__ or "").splitlines()]
    settings = [f"  {setting.name}: {setting.default}" for setting in fields(kind)]
    return [*lines, "", "settings and their defaults:", *settings] if settings else lines

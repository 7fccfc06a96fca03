"""``bp list``: the choices, from the registries themselves."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli.arguments import Plugins
from bpcli.cli.output import emit, emit_lines
from bpcli.errors import did_you_mean
from bpcli.lines.breaking import HANGING, paragraphs, wrapped
from bpcli.lines.widths import page_width

if TYPE_CHECKING:
    from bpcli.choices import Registry


PICTURES = "pictures"
"""What the kinds of ``bp plot`` are listed under, which are chosen on the command line and not in a config."""


def _kinds(incomplete: str) -> list[str]:
    """The kinds of choices whose names begin with ``incomplete``."""
    from bpcli.config.registries import offered

    return [kind for kind in (*offered(), PICTURES) if kind.startswith(incomplete)]


def _registries(kind: str | None) -> Mapping[str, Registry]:
    """What there is to choose from, the pictures only where they are asked for: they load much more."""
    from bpcli.config.registries import offered

    if kind not in (None, PICTURES):
        return offered()
    from bpcli.figures import KINDS

    return {**offered(), PICTURES: KINDS}


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
    from bpcli.errors import ConfigError

    registries = _registries(kind)
    if kind is None:
        for each, registry in registries.items():
            emit_lines(f"{each}: {', '.join(registry)}")
        return
    if kind not in registries:
        raise ConfigError(
            f"there is no kind of choice {kind!r}", where="command line", hint=did_you_mean(kind, _registries(None))
        )
    choices = registries[kind]
    if name is None:
        width = max(map(len, choices))
        for each, choice in choices.items():
            emit_lines(f"{each:<{width}}  {_summary(choice)}", indent=width + 2)
        return
    if name not in choices:
        raise ConfigError(f"no {name!r} among the {kind}", where="command line", hint=_hint(kind, name))
    width = page_width(sys.stdout)
    explained = [line for text in _explained(name, choices[name]) for line in wrapped(text, width, rest=_indent(text))]
    emit("".join(f"{line}\n" for line in [*explained, *_drawn(kind, choices[name], width)]))


def _hint(kind: str, name: str) -> str:
    """What an unknown name is here, as for a config, or the names there are."""
    if kind == PICTURES:
        return did_you_mean(name, _registries(kind)[kind])
    from bpcli.config.registries import KINDS
    from bpcli.config.schema import Config
    from bpcli.config.wording import unknown_choice

    return unknown_choice(name, KINDS[kind].word, list(KINDS[kind].registry), Config)


def _summary(choice: type) -> str:
    """The first line of a choice's docstring."""
    return (choice.__doc__ or "").strip().splitlines()[0]


def _explained(name: str, choice: type[Any]) -> list[str]:
    """A choice's docstring, paragraphs in one line, and its settings with their defaults."""
    from inspect import cleandoc

    lines = [name, "", *paragraphs(cleandoc(choice.__doc__ or ""))]
    settings = [f"  {setting.name}: {_default(setting)}" for setting in fields(choice)]
    return [*lines, "", "settings and their defaults:", *settings] if settings else lines


def _indent(text: str) -> str:
    """How the further lines of a text are indented: a setting's more than its first one."""
    return " " * (2 * HANGING) if text.startswith(" ") else ""


def _drawn(kind: str, choice: type[Any], width: int) -> list[str]:
    """A schedule's rates with its defaults, drawn below a caption; nothing for another kind, or without defaults."""
    if kind != "schedules" or any(_default(setting) == "required" for setting in fields(choice)):
        return []
    from bpcli.nn.schedules.course import driven_by_results
    from bpcli.reporting.rate_curve import EPOCHS, rate_curve, updates_that_fit

    schedule, updates = choice(), updates_that_fit(width)
    results = ", if nothing improves" if driven_by_results(schedule) is not None else ""
    caption = f"its rates with these settings, in {EPOCHS} epochs of {updates} updates{results}:"
    return ["", *wrapped(caption, width), "", *rate_curve(schedule, updates)]


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

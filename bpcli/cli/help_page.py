"""``--help``: what a command does, takes and offers, as a page in the width of the terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup

from bpcli.cli.output import emit
from bpcli.lines.breaking import GLUE, paragraphs, wrapped
from bpcli.lines.cells import cells, padded
from bpcli.lines.widths import page_width

INDENT = "  "

NAMES_AT_MOST = 30
"""How wide the column of the names is at most; on a narrow page it is at most a third."""

EXAMPLE = "Example:"
"""Begins a paragraph that is a command."""

OPTION = re.compile(r"(--[a-z-]+) (?=[^-\s])")
"""An option and the space before its value."""

SHORT_HELP = 1000
"""More characters than a command's summary has: it is wrapped, not cut."""


def give_help_pages(command: Any) -> None:
    """Let a command and those below it print their pages at ``--help``, instead of Typer's."""
    command.get_help_option(typer.Context(command)).callback = _show
    for one in getattr(command, "commands", {}).values():
        give_help_pages(one)


def _show(context: typer.Context, parameter: object, asked: bool) -> None:
    """Print the page and end, where it is asked for."""
    if asked and not context.resilient_parsing:
        emit(help_page(context, page_width(sys.stdout)))
        context.exit()


def help_page(context: Any, width: int) -> str:
    """The page of a context's command: its usage, its help, its arguments, options and commands."""
    command = context.command
    usage = f"Usage: {context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    lines = [*wrapped(usage, width, rest=" " * len("Usage: ")), ""]
    for text in paragraphs(command.help or ""):
        lines += _paragraph(text, width)
    for title, rows in _sections(context):
        lines += ["", f"{title}:", *_definitions(rows, width)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _paragraph(text: str, width: int) -> list[str]:
    """A paragraph in lines; an example is a command, whose options stay with their values."""
    if text.startswith(EXAMPLE):
        return wrapped(OPTION.sub(rf"\1{GLUE}", text), width, INDENT, INDENT * 2)
    return wrapped(text, width, INDENT, INDENT) if text else [""]


def _sections(context: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Titles, each with what it lists: names, and what is said of them."""
    parameters = context.command.get_params(context)
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        records = [one.get_help_record(context) for one in parameters if one.param_type_name == kind]
        if any(records):
            yield title, [record for record in records if record]
    if isinstance(context.command, TyperGroup):
        commands = context.command.commands
        yield "Commands", [(name, one.get_short_help_str(SHORT_HELP)) for name, one in commands.items()]


def _definitions(rows: list[tuple[str, str]], width: int) -> Iterator[str]:
    """Names in a column, what is said of them beside it; a name that is too wide has a line of its own."""
    most = min(NAMES_AT_MOST, width // 3)
    column = max((cells(name) for name, _ in rows if cells(name) <= most), default=most)
    rest = " " * (column + 2 * len(INDENT))
    for name, text in rows:
        first = f"{INDENT}{padded(name, column)}{INDENT}"
        if cells(name) > column:
            yield from wrapped(_breakable(name, width), width, INDENT, INDENT * 2)
            first = rest
        yield from wrapped(text, width, first, rest)


def _breakable(name: str, width: int) -> str:
    """A name with its choices apart, where it is too wide for a line."""
    return name if cells(INDENT + name) <= width else name.replace("|", " | ")

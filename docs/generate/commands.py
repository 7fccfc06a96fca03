"""The pages of the commands, from the command line's own definition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from typer.main import get_command

from bpcli.cli import app
from docs.generate.markdown import code, escaped, table

EXAMPLE = "Example: "
"""How the line of a command's help begins that shows it at work."""

ARGUMENT_TYPE = re.compile(r" <(?:list\[)?(?:str|path|Path)\]?>")
"""What help says of an argument besides its name."""


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its words, such as ``bp config show``."""
    yield from _below("bp", get_command(app))


def _below(words: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _below(f"{words} {name}", command)
        else:
            yield f"{words} {name}", command


def file_of(words: str) -> str:
    """The name of a command's page, without suffix: ``config-show``."""
    return words.removeprefix("bp ").replace(" ", "-")


def command_pages() -> dict[str, str]:
    """The page of each command, by its file, and one that lists them."""
    found = dict(commands())
    pages = {f"{file_of(words)}.md": _page(words, command) for words, command in found.items()}
    return {**pages, "index.md": _index(found)}


def _index(found: dict[str, Any]) -> str:
    rows = [[f"[{code(words)}]({file_of(words)}.md)", escaped(summary(command))] for words, command in found.items()]
    tree = "\n".join(f"{words} <{file_of(words)}>" for words in found)
    return f"# Commands\n\n{table(['command', 'does'], rows)}\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"


def summary(command: Any) -> str:
    """The first line of a command's help."""
    return cleandoc(command.help).splitlines()[0]


def _page(words: str, command: Any) -> str:
    about = cleandoc(command.help).splitlines()
    examples = [line.removeprefix(EXAMPLE) for line in about if line.startswith(EXAMPLE)]
    text = "\n".join(line for line in about if not line.startswith(EXAMPLE)).strip()
    context = command.make_context(words, [], resilient_parsing=True)
    usage = " ".join([words, *command.collect_usage_pieces(context)])
    parts = [f"# {words}", escaped(text), f"```text\n{usage}\n```"]
    if examples:
        parts.append("For example:\n\n```text\n" + "\n".join(examples) + "\n```")
    records = [param.get_help_record(context) for param in command.get_params(context)]
    rows = [[code(ARGUMENT_TYPE.sub("", left)), escaped(right)] for left, right in filter(None, records)]
    return "\n\n".join([*parts, table(["argument or option", "meaning"], rows)])

"""``KEY=VALUE`` from the command line, applied to a config's tree.

Keys are dotted, values are YAML, and an override always wins. ``key=null``
restores the default; a name becomes a mapping when a dotted key enters it; a new
``name`` drops the old choice's settings; a list is replaced whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bpcli.config.document import MAX_DEPTH, Node, parse
from bpcli.errors import ConfigError

FORM = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*=", re.ASCII)
SOURCE = "command line"


@dataclass(frozen=True)
class Entry:
    """What overrides need to know of the value at a key.

    A bare value there stands for the key ``bare``; a choice without a name has
    the name ``default``; a new name leaves the settings ``outliving`` alone,
    which belong to the keys around the choice. Where values stand by names of
    their own, such as columns, it is not ``named``: ``name`` is one of these.
    """

    bare: str = "name"
    default: str | None = None
    outliving: frozenset[str] = frozenset()
    named: bool = True


def is_override(word: str) -> bool:
    """Whether a word of the command line has the form KEY=VALUE."""
    return FORM.match(word) is not None


def apply(root: Node, overrides: list[str], entry_at: Callable[[str], Entry]) -> None:
    """Change ``root`` by ``overrides``, whole values before what lies in them, names before settings.

    So the order matters only where the same key is given twice: the last one
    wins, and no setting is lost to a value or a name that stands after it.
    ``entry_at`` says what stands at a dotted key.

    Raises:
        ConfigError: an override is malformed or leads through a list.
    """
    parsed = [_parsed(override) for override in overrides]
    for keys, node in sorted(parsed, key=lambda item: (len(item[0]), item[0][-1] != "name")):
        _set(root, keys, node, entry_at)


def _parsed(override: str) -> tuple[list[str], Node]:
    key, _, value = override.partition("=")
    if not is_override(override):
        raise ConfigError(
            f"'{override}' is not KEY=VALUE", where=SOURCE, hint="for example optimizer.learning_rate=0.05"
        )
    keys = key.split(".")
    if len(keys) > MAX_DEPTH:
        raise ConfigError(
            f"a key nested more than {MAX_DEPTH} deep",
            where=SOURCE,
            hint="for example optimizer.learning_rate=0.05",
        )
    return keys, parse(value, f"{SOURCE}: {override}", Path.cwd(), lines=False)


def _set(root: Node, keys: list[str], node: Node, entry_at: Callable[[str], Entry]) -> None:
    parent = root
    for depth, key in enumerate(keys[:-1]):
        mapping = _entered(parent, ".".join(keys[:depth]), node, entry_at)
        if key not in mapping or mapping[key].value is None:
            mapping[key] = Node({}, node.where, node.base)
        parent = mapping[key]
    holder = ".".join(keys[:-1])
    mapping = _entered(parent, holder, node, entry_at)
    entry = entry_at(holder)
    if keys[-1] == "name" and entry.named:
        _drop_old_settings(mapping, node, entry)
    mapping[keys[-1]] = node


def _drop_old_settings(mapping: dict[str, Node], new: Node, entry: Entry) -> None:
    """Drop the settings of the choice that gives way to the one called ``new``."""
    given = mapping["name"].value if "name" in mapping else None
    old = entry.default if given is None else given
    if old is None or old == (entry.default if new.value is None else new.value):
        return
    for setting in [setting for setting in mapping if setting not in entry.outliving]:
        del mapping[setting]


def _entered(node: Node, key: str, override: Node, entry_at: Callable[[str], Entry]) -> dict[str, Node]:
    if node.value is None:
        node.value = {}
    if isinstance(node.value, list):
        raise ConfigError(f"'{key}' is a list", where=override.where, hint=f"replace it whole: {key}=[…]")
    if not isinstance(node.value, dict):
        node.value = {entry_at(key).bare: Node(node.value, node.where, node.base)}
    return node.value

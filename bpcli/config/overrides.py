"""``KEY=VALUE`` from the command line, applied to a config's tree.

Keys are dotted, values are YAML, and an override always wins. ``key=null``
restores the default; a name becomes a mapping when a dotted key enters it; a new
``name`` drops the old choice's settings; a list is replaced whole.
"""

from __future__ import annotations

import re
from pathlib import Path

from bpcli.config.document import Node, parse
from bpcli.errors import ConfigError

FORM = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*=", re.ASCII)
SOURCE = "command line"


def is_override(word: str) -> bool:
    """Whether a word of the command line has the form KEY=VALUE."""
    return FORM.match(word) is not None


def apply(root: Node, overrides: list[str], kept: dict[str, frozenset[str]]) -> None:
    """Change ``root`` by ``overrides``, from the first to the last, names first.

    Names go first so that a setting given beside a new name is never dropped
    with the old one's. ``kept`` lists, by the key of a choice, the settings that
    belong to whatever surrounds the choice and so outlive it.

    Raises:
        ConfigError: an override is malformed or leads through a list.
    """
    parsed = [_parsed(override) for override in overrides]
    for keys, node in sorted(parsed, key=lambda item: item[0][-1] != "name"):
        _set(root, keys, node, kept)


def _parsed(override: str) -> tuple[list[str], Node]:
    key, _, value = override.partition("=")
    if not is_override(override):
        raise ConfigError(
            f"'{override}' is not KEY=VALUE", where=SOURCE, hint="for example optimizer.learning_rate=0.05"
        )
    return key.split("."), parse(value, f"{SOURCE}: {override}", Path.cwd(), lines=False)


def _set(root: Node, keys: list[str], node: Node, kept: dict[str, frozenset[str]]) -> None:
    parent = root
    for depth, key in enumerate(keys[:-1]):
        mapping = _entered(parent, ".".join(keys[:depth]), node)
        if key not in mapping or mapping[key].value is None:
            mapping[key] = Node({}, node.where, node.base)
        parent = mapping[key]
    mapping = _entered(parent, ".".join(keys[:-1]), node)
    last = keys[-1]
    if last == "name" and "name" in mapping and mapping["name"].value != node.value:
        outliving = kept.get(".".join(keys[:-1]), frozenset())
        for setting in [setting for setting in mapping if setting not in outliving]:
            del mapping[setting]
    mapping[last] = node


def _entered(node: Node, key: str, override: Node) -> dict[str, Node]:
    if node.value is None:
        node.value = {}
    if isinstance(node.value, list):
        raise ConfigError(f"'{key}' is a list", where=override.where, hint=f"replace it whole: {key}=[…]")
    if not isinstance(node.value, dict):
        node.value = {"name": Node(node.value, node.where, node.base)}
    return node.value

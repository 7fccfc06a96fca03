"""A config file and overrides → a checked :class:`Config`, or every mistake with its place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bpcli.config import document, overrides, rules
from bpcli.config.document import Node
from bpcli.config.registries import REGISTRIES
from bpcli.config.schema import CHOICE_MODELS, ENTRIES, PATHS, SECTIONS, Config
from bpcli.errors import BpError, ConfigError, SeveralErrors, did_you_mean


@dataclass(frozen=True)
class Read:
    """A config and the tree that knows its places."""

    config: Config
    root: Node
    path: Path

    def placed(self, error: BpError) -> BpError:
        """``error``, and every one in it, with the place of the config key it is about."""
        if isinstance(error, SeveralErrors):
            for each in error.errors:
                self.placed(each)
        if error.key and not error.where:
            error.where = self.root.at(tuple(error.key.split("."))).where
        return error


def load(path: Path, changes: list[str]) -> Read:
    """Read a config and apply overrides.

    Raises:
        ConfigError: the file is absent or not YAML, or an override is malformed.
        SeveralErrors: every key that is wrong.
    """
    root = document.read(path)
    if root.value is None:
        root.value = {}
    if not isinstance(root.value, dict):
        raise ConfigError("a config is a mapping of keys", where=root.where, hint="for example loss: cross_entropy")
    overrides.apply(root, changes, ENTRIES)
    _resolve_paths(root)
    plain = root.plain()
    errors: list[BpError] = []
    config = None
    try:
        config = Config.model_validate(plain)
    except ValidationError as invalid:
        errors += [_worded(error, root) for error in invalid.errors(include_url=False)]
    for error in rules.broken(plain):
        error.where = root.at(tuple(error.key.split("."))).where
        errors.append(error)
    if errors or config is None:
        raise SeveralErrors(sorted(errors, key=lambda error: _line(error.where)))
    return Read(config, root, path)


def _line(where: str) -> tuple[str, int]:
    source, _, line = where.rpartition(":")
    return (source, int(line)) if line.isdigit() else (where, 0)


def _resolve_paths(root: Node) -> None:
    """Make paths absolute, each from the folder of the file or command line that gave it."""
    for keys in PATHS:
        node: Node | None = root
        for key in keys:
            node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
        if node is not None and isinstance(node.value, str) and node.value:
            node.value = os.path.abspath(node.base / _at_home(Path(node.value)))


def _at_home(path: Path) -> Path:
    """The path with ~ replaced, where there is such a home."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _worded(error: Any, root: Node) -> ConfigError:
    """One of pydantic's errors in our words, at the place of its value."""
    location: tuple[str | int, ...] = error["loc"]
    node = root.at(location)
    keys = _keys(location)
    name = ".".join(map(str, keys)) or "config"
    message, hint = _message(error, location, keys, name)
    if isinstance(node.value, dict) and error["type"] == "union_tag_invalid" and "name" in node.value:
        node = node.value["name"]
    return ConfigError(message, where=node.where, hint=hint)


def _keys(location: tuple[str | int, ...]) -> list[str | int]:
    """The location without the names of choices that pydantic puts into it."""
    keys: list[str | int] = []
    for place, step in enumerate(location, 1):
        if keys and (_room_key(keys), str(step)) in CHOICE_MODELS and place < len(location):
            continue
        keys.append(step)
    return keys


def _message(error: Any, location: tuple[str | int, ...], keys: list[str | int], name: str) -> tuple[str, str]:
    kind, value, context = error["type"], error["input"], error.get("ctx") or {}
    if kind == "extra_forbidden":
        return _unknown_key(location, str(keys[-1]))
    if kind == "missing":
        return f"{name} is required", _example(str(keys[-1]))
    if kind == "union_tag_invalid":
        tag = value["name"]
        room = _room_key(keys)
        names = [choice for key, choice in CHOICE_MODELS if key == room]
        return f"{name}: there is no {room} {_shown(tag)}", did_you_mean(str(tag), names)
    if kind == "union_tag_not_found":
        room = _room_key(keys)
        return f"{name} has no name", did_you_mean("", [choice for key, choice in CHOICE_MODELS if key == room])
    if kind == "literal_error":
        allowed = [part.strip(" '") for part in context["expected"].replace(" or ", ",").split(",")]
        return f"{name} is {_shown(value)}", did_you_mean(str(value), allowed)
    bounds = {
        "greater_than": ("greater than", "gt"),
        "greater_than_equal": ("at least", "ge"),
        "less_than": ("less than", "lt"),
        "less_than_equal": ("at most", "le"),
    }
    if kind in bounds:
        words, key = bounds[kind]
        return f"{name} is {_shown(value)}", f"it must be {words} {context[key]:.12g}"
    wanted = {
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
        "string_type": "text",
        "model_type": "a mapping of keys",
        "model_attributes_type": "a mapping of keys",
        "dict_type": "a mapping of keys",
        "list_type": "a list",
        "too_short": "at least one",
        "string_too_short": "at least one character",
        "string_pattern_mismatch": "one character, a tab or printable ASCII, and no quote",
    }
    return f"{name} is {_shown(value)}", f"it must be {wanted.get(kind, error['msg'])}"


def _room_key(keys: list[str | int]) -> str:
    """The kind of choice that stands at these keys: ``output`` and others take an activation."""
    last = str(keys[-1])
    return {"output": "activation"}.get(last, last)


def _unknown_key(location: tuple[str | int, ...], key: str) -> tuple[str, str]:
    parents = [str(step) for step in location[:-1] if not isinstance(step, int)]
    choice = None
    if len(parents) > 1:
        choice = CHOICE_MODELS.get((_room_key([parents[-2]]), parents[-1]))
    if choice is not None:
        known = [field for field in choice.model_fields if field != "name" or get_close_matches(key, [field])]
        return f"{parents[-2]}: {parents[-1]} has no setting '{key}'", did_you_mean(
            key, known
        ) or f"{parents[-1]} has no settings"
    section = parents[-1] if parents else ""
    known = list(SECTIONS[section].model_fields)
    hint = did_you_mean(key, known)
    if not get_close_matches(key, known):
        for other, fields in ((name, kind.model_fields) for name, kind in SECTIONS.items()):
            if key in fields and other != section:
                hint = f"'{key}' belongs under '{other}'" if other else f"'{key}' belongs at the top level"
                break
    return f"{section}: unknown key '{key}'" if section else f"unknown key '{key}'", hint


def _example(key: str) -> str:
    examples = {
        "data": "for example data: {path: table.csv, target: label}",
        "loss": f"choose from {', '.join(REGISTRIES['losses'])}",
        "units": "give the layer's width, for example units: 16",
        "features": "name the file with the features",
    }
    return examples.get(key, f"add {key}")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, dict) and set(value) == {"name"}:
        value = value["name"]
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

"""A config file and overrides → a checked :class:`Config`, or every mistake with its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from bpcli.config import document, overrides, rules
from bpcli.config.document import Node
from bpcli.config.places import Place, entry_at, places
from bpcli.config.schema import Config
from bpcli.config.sections import FilePath, marker
from bpcli.config.wording import invalid, unknown_key
from bpcli.errors import BpError, ConfigError, SeveralErrors


@dataclass(frozen=True)
class LocatedConfig:
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


DATA_SUFFIXES = (".csv", ".tsv", ".parquet", ".npz", ".npy", ".gz")
"""Suffixes of files that are no configs, whatever is in them."""

MOST_ERRORS = 20
"""How many unknown keys, and how many wrong values, are explained one by one; each takes up to 50 ms."""


def read_config(path: Path, changes: list[str], model: type[Config] = Config) -> LocatedConfig:
    """Read a config and apply overrides; ``model`` says which keys there are.

    Raises:
        ConfigError: the file is absent, data or not YAML, or an override is malformed.
        SeveralErrors: every key that is wrong.
    """
    if path.suffix.lower() in DATA_SUFFIXES and path.is_file():
        hint = f"bp init {path} writes a first config for it"
        raise ConfigError("this is data, not a config", where=str(path), hint=hint)
    root = document.read_yaml(path)
    if root.value is None:
        root.value = {}
    if not isinstance(root.value, dict):
        raise ConfigError("a config is a mapping of keys", where=root.where, hint="for example loss: cross_entropy")
    overrides.apply(root, changes, partial(entry_at, model))
    return LocatedConfig(_checked(root, model), root, path)


def _checked(root: Node, model: type[Config]) -> Config:
    """The config that a tree describes, its paths made absolute."""
    found = list(places(root, model))
    unknown = list(_unknown_keys(found, model, root.where))
    _resolve_paths(found)
    config, known = None, root.plain()
    errors: list[BpError] = []
    try:
        config = model.model_validate(known)
    except ValidationError as error:
        by_location = {place.location: place for place in found}
        details = error.errors(include_url=False)
        errors += [invalid(each, root, by_location, model) for each in details[:MOST_ERRORS]]
        errors += _further("wrong values", len(details), root.where)
    errors += unknown
    for broken in rules.broken_rules(known):
        broken.where = root.at(tuple(broken.key.split("."))).where
        errors.append(broken)
    if errors or config is None:
        raise SeveralErrors(sorted(errors, key=lambda error: _line(error.where)))
    return config


def _unknown_keys(found: list[Place], model: type[Config], where: str) -> Iterator[ConfigError]:
    """An error for each key that does not exist; the key is taken out, so validation does not meet it."""
    count = 0
    for place in found:
        known = place.model.known_keys()
        for key in [key for key in place.keys if key not in known]:
            if place.keys[key].value is not None:
                count += 1
                if count <= MOST_ERRORS:
                    yield unknown_key(key, place, model)
            del place.keys[key]
    yield from _further("unknown keys", count, where)


def _further(what: str, count: int, where: str) -> list[ConfigError]:
    """One error for all of a kind beyond those that have one of their own."""
    more = count - MOST_ERRORS
    return (
        []
        if more <= 0
        else [ConfigError(f"{more:,} more {what} than those named here", where=where, hint="is this a config of bp?")]
    )


def _resolve_paths(found: list[Place]) -> None:
    """Make paths absolute, each from the folder of the file or command line that gave it."""
    for place in found:
        for key, node in place.keys.items():
            field = place.model.model_fields[key]
            if marker(field, FilePath) is not None and isinstance(node.value, str) and node.value:
                node.value = _absolute(node.base / _at_home(Path(node.value)))


def _absolute(path: Path) -> str:
    """The path from the root; links are kept, but for those that a ``..`` behind them leaves for another folder."""
    short, true = os.path.abspath(path), os.path.realpath(path)
    return short if os.path.realpath(short) == true else true


def _at_home(path: Path) -> Path:
    """The path with ~ replaced, where there is such a home."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _line(where: str) -> tuple[str, int]:
    source, _, line = where.rpartition(":")
    return (source, int(line)) if line.isdigit() else (where, 0)

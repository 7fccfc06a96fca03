"""Mutants of JSON: one value of it becomes another, goes away, is doubled or buried."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3, 1 << 31, 1 << 63, 10**18, -(10**30), 10**400),
    *(0.5, -0.5, 1e308, -1e-320, float("nan"), float("inf"), -float("inf")),
    *("", "x", "relu", "matrix", "\0", "\ud800", "a" * 5000, "epoch", "1e999", "=1+1", "../../x"),
    *([], [[]], [None], [1], ["a", "a"], {}, {"name": "relu"}, {"name": "x", "kind": "table"}, {"kind": "number"}),
]


def deep(levels: int) -> Any:
    """A list in a list in a list …."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value, the whole first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """The value at a path."""
    for key in path:
        value = value[key]
    return value


def mutant(value: Any, rng: np.random.Generator) -> Any:
    """The value with one to three changes."""
    changed = copy.deepcopy(value)
    for _ in range(rng.integers(1, 4)):
        places = list(paths(changed))[1:]
        if not places:
            return changed
        *way, key = places[rng.integers(len(places))]
        _change(at(changed, tuple(way)), key, places, changed, rng)
    return changed


def _change(holder: Any, key: Any, places: list[Any], whole: Any, rng: np.random.Generator) -> None:
    kind = rng.integers(8)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif kind == 1:
        holder[f"{key}x"] = holder[key]
    elif kind == 2:
        holder[key] = [holder[key]]
    elif kind == 3:
        holder[key] = copy.deepcopy(at(whole, places[rng.integers(len(places))]))
    elif kind == 4 and rng.random() < 0.3:
        holder[key] = deep(int(rng.integers(10, 300)))
    elif kind == 5 and isinstance(holder[key], int | float):
        holder[key] = -holder[key] if rng.random() < 0.5 else holder[key] * 10**12
    else:
        holder[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])


def text(value: Any) -> str:
    """JSON, also of numbers that JSON does not have."""
    return json.dumps(value, sort_keys=True)

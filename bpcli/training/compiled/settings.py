"""Which settings a step reads: their values by name, and recipes with something else in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from bpcli.nn.network import Network
from bpcli.training.recipe import Recipe

UNUSED_SETTINGS = frozenset({"initializer", "learning_rate", "dropout"})
"""Settings that a step does not read: it gets the learning rate and the layers' noise as inputs."""


def settings_of(recipe: Recipe) -> dict[str, float]:
    """The recipe's settings that are floats and that a step reads, by unique names."""
    found: dict[str, float] = {}
    with_settings(parts_of_recipe(recipe), found.setdefault)
    return found


def settings_of_network(network: Network) -> dict[str, float]:
    """The settings that are floats and that forward and backward read, by unique names."""
    found: dict[str, float] = {}
    with_settings(parts_of_network(network), found.setdefault)
    return found


def parts_of_network(network: Network) -> dict[str, Any]:
    """The parts of a network whose settings the forward and backward pass read."""
    return {"layers": network.layers, "head": network.head}


def parts_of_recipe(recipe: Recipe) -> dict[str, Any]:
    """The parts of a recipe whose settings a step reads."""
    return {**parts_of_network(recipe.network), "optimizer": recipe.optimizer, "chain": recipe.chain}


def with_settings(thing: Any, replacement: Callable[[str, float], Any], name: str = "") -> Any:
    """A copy of the thing in which ``replacement(name, value)`` replaces every setting that is a float."""
    if isinstance(thing, float):
        return replacement(name, thing)
    if isinstance(thing, tuple):
        return tuple(with_settings(one, replacement, f"{name}_{k}") for k, one in enumerate(thing))
    if isinstance(thing, dict):
        return {key: with_settings(one, replacement, key) for key, one in thing.items()}
    if is_dataclass(thing) and not isinstance(thing, type):
        used = [one.name for one in fields(thing) if one.name not in UNUSED_SETTINGS]
        return replace(thing, **{key: with_settings(getattr(thing, key), replacement, f"{name}_{key}") for key in used})
    return thing

"""The rooms of choices by name, and a choice as plain data.

Whatever stands in one of these dictionaries is parsed, listed, documented, put
into the schema and gradient-checked from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.initializers import INITIALIZERS
from bpcli.nn.losses import LOSSES
from bpcli.nn.metrics import METRICS
from bpcli.nn.optimizers import OPTIMIZERS

Room = Mapping[str, type[Any]]

ROOMS: dict[str, Room] = {
    "activations": ACTIVATIONS,
    "initializers": INITIALIZERS,
    "losses": LOSSES,
    "metrics": METRICS,
    "optimizers": OPTIMIZERS,
}


def describe(room: Room, choice: Any) -> dict[str, Any]:
    """``{"name": …, setting: value, …}``, from which :func:`build` makes the choice again."""
    return {"name": name_of(room, choice), **vars(choice)}


def name_of(room: Room, choice: Any) -> str:
    """The name under which a choice's class stands in its room."""
    return next(name for name, kind in room.items() if kind is type(choice))


def build(room: Room, described: Mapping[str, Any]) -> Any:
    """The choice that :func:`describe` described."""
    settings = {key: value for key, value in described.items() if key != "name"}
    return room[described["name"]](**settings)

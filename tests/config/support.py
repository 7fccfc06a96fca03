"""Configs in files of their own, and what reading them gives or tells."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, asdict, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import pytest
from hypothesis import settings

from bpcli.choices import Registry
from bpcli.config.reading import LocatedConfig, read_config
from bpcli.config.schema import Config
from bpcli.errors import BpError
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.initializers import INITIALIZERS
from bpcli.nn.losses import LOSSES
from bpcli.nn.optimizers import OPTIMIZERS

deterministic = settings(derandomize=True, deadline=None, max_examples=60)

SHIPPED = sorted(Path(__file__).parents[2].glob("configs/*.yaml"))

BASE = "data: {path: table.csv}\nloss: cross_entropy\n"
"""A config with nothing but what it must have."""

PLACES: dict[str, Registry] = {
    "network.activation": ACTIVATIONS,
    "network.output": ACTIVATIONS,
    "network.initializer": INITIALIZERS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
}
"""Where choices stand, and the room each is chosen from."""

CHOICES = [(key, name) for key, room in PLACES.items() for name in room]


class Setting(NamedTuple):
    """A setting of a choice, with values that its type allows and values that it does not."""

    key: str
    choice: str
    name: str
    allowed: tuple[Any, ...]
    refused: tuple[Any, ...]


def settings_of_choices() -> Iterator[Setting]:
    """Every setting of every choice in every place."""
    for key, choice in CHOICES:
        kind = PLACES[key][choice]
        hints = get_type_hints(kind, include_extras=True)
        for field in fields(kind):
            assert field.default is not MISSING, "a choice works by its name alone"
            yield Setting(key, choice, field.name, *values(hints[field.name]))


def values(hint: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Values that a setting's type allows, and some that it does not, its bounds among them."""
    if get_origin(hint) is Literal:
        return get_args(hint), ("nothing", 1, True, ["sum"], {"a": 1})
    if hint is bool:
        return (True, False), ("maybe", 1, 0.5, [True], {"a": True})
    if type(None) in get_args(hint):
        some, others = values(get_args(hint)[0])
        return (*some, None), others
    kind, *bounds = get_args(hint) or (hint,)
    if get_origin(kind) is tuple:
        _, others = values(get_args(kind)[0])
        return ([0.5], [0.1, 0.5, 0.9]), (0.5, *([value] for value in others))
    assert kind in (float, int), f"say here what values a setting of type {hint} may have"
    least = 1e-9 if kind is float else 1
    usual = next(
        one for one in ((0.5, 0.75, 2.0) if kind is float else (7,)) if all(map(partial(_within, one), bounds))
    )
    allowed: list[Any] = [usual]
    refused: list[Any] = [str(usual), True, [usual], {"a": usual}]
    for bound in bounds:
        ((rule, limit),) = asdict(bound).items()
        inside, beyond = (least, -1) if rule in ("gt", "ge") else (-least, 1)
        assert rule in ("gt", "ge", "lt", "le"), f"say here what {bound} allows"
        allowed.append(limit + inside)
        refused.append(limit + beyond)
        (allowed if rule in ("ge", "le") else refused).append(limit)
    return tuple(allowed), tuple(refused)


def needed_by(key: str, name: str) -> dict[str, Any]:
    """What a choice needs beside its name: a rule for whole batches the mode."""
    return {"mode": "batch"} if key == "optimizer" and OPTIMIZERS[name].batch_only else {}


def _within(value: float, bound: Any) -> bool:
    """Whether a value keeps to a bound."""
    ((rule, limit),) = asdict(bound).items()
    return bool(getattr(operator, rule)(value, limit))


def whole(**more: Any) -> dict[str, Any]:
    """Plain values of a config that has all it must have."""
    return {"data": {"path": "t.csv"}, "loss": "cross_entropy", **more}


def choosing(key: str, name: str, **settings: Any) -> dict[str, Any]:
    """Plain values of a config with a choice as a mapping, and with what the choice asks of other keys."""
    kind = PLACES[key][name]
    loss = {"loss": kind.only_loss} if getattr(kind, "only_loss", None) else {}
    return whole(**nested(key, {"name": name, **needed_by(key, name), **settings}), **loss)


def at(config: Any, key: str) -> Any:
    """The value at a dotted key of plain values or of a checked config."""
    for step in key.split("."):
        config = config[step] if isinstance(config, dict) else getattr(config, step)
    return config


def nested(key: str, value: Any) -> Any:
    """The mappings that a dotted key stands for."""
    for step in reversed(key.split(".")):
        value = {step: value}
    return value


def write(folder: Path, text: str | bytes, name: str = "c.yaml") -> Path:
    """A config's path, once it holds ``text`` to the byte."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str | bytes = BASE, *changes: str) -> LocatedConfig:
    return read_config(write(folder, text), list(changes))


def config(folder: Path, text: str | bytes = BASE, *changes: str) -> Config:
    return read(folder, text, *changes).config


def refusal(call: Callable[[], object]) -> list[str]:
    """The lines that report the error ``call`` raises, files by their bare names."""
    with pytest.raises(BpError) as caught:
        call()
    return [re.sub(r"(?<![^ ])/\S*/", "", line) for line in caught.value.lines()]


def mistakes(folder: Path, text: str | bytes, *changes: str) -> list[str]:
    """Every line told of a config."""
    return refusal(lambda: read(folder, text, *changes))

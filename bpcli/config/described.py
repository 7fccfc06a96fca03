"""Choices read back from the plain data that describe them, their settings checked as those of a config."""

from __future__ import annotations

from typing import Any, NoReturn, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from bpcli.choices import settings_of
from bpcli.config.choice import choice_of
from bpcli.config.registries import KINDS, Kind
from bpcli.nn.layers import Dense, build_layer
from bpcli.storage.strict_json import Saved


def read_layer(saved: Saved, units: int) -> Any:
    """A hidden layer: an activation, and the settings of the layer where it has any.

    Raises:
        MalformedError: it is none.
    """
    described = dict(saved.mapping())
    own = described.pop("layer", None)
    alone = Saved({key: each.value for key, each in described.items()}, saved.place)
    activation = read_choice(KINDS["activations"], alone)
    if own is None:
        return Dense(units, activation)
    settings = own.mapping()
    kind = settings["name"].one_of(KINDS["layers"].registry) if "name" in settings else own.refuse("has no 'name'")
    hints = get_type_hints(KINDS["layers"].registry[kind], include_extras=True)
    for key, value in own.keys(("name",), hints.keys() - {"units", "activation", "initializer"}).items():
        if key != "name":
            _typed(hints[key], value)
    return build_layer(saved.value, units)


def read_choice(kind: Kind, saved: Saved) -> Any:
    """A choice with its settings.

    Raises:
        MalformedError: it is none.
    """
    described = saved.mapping()
    name = described["name"].one_of(kind.registry) if "name" in described else saved.refuse("has no 'name'")
    saved.keys(("name", *(one.name for one in settings_of(kind.registry[name]))))
    try:
        return choice_of(kind).validated(saved.value)
    except ValidationError as error:
        _refuse(saved, error)
    except PydanticCustomError as error:
        saved.refuse(f"is no {kind.word}: {error.message()}")


def _typed(hint: Any, saved: Saved) -> None:
    """Check a setting by the type that its class gives it."""
    try:
        TypeAdapter(hint).validate_python(saved.value, strict=True)
    except ValidationError as error:
        _refuse(saved, error)


def _refuse(saved: Saved, error: ValidationError) -> NoReturn:
    first = error.errors()[0]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
    shown = repr(first["input"])
    Saved(saved.value, saved.place + place).refuse(f"is {shown[:40]}: {first['msg'].lower()}")

"""Has a class what its kind of choice must have? It is a frozen dataclass with every member and default settings."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints


def faults_of_form(kind: Any, protocol: type[Any], reserved: Collection[str]) -> Iterator[str]:
    """What a class lacks to be a choice that ``protocol`` describes, in words; no setting has a ``reserved`` name."""
    if not isinstance(kind, type) or not is_dataclass(kind):
        yield "it is no dataclass"
        return
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        yield "it is not frozen: @dataclass(frozen=True)"
    if not (kind.__doc__ or "").strip():
        yield "it has no docstring, whose first line bp list shows"
    try:
        get_type_hints(kind)
    except NameError as error:
        yield f"a type of its fields is not known: {error}"
    for setting in fields(kind):
        if setting.name in reserved:
            yield f"its setting {setting.name} has the name of another key"
        if setting.default is MISSING and setting.default_factory is MISSING:
            yield f"its setting {setting.name} has no default"
    for member in members(protocol):
        if not hasattr(kind, member) and member not in {setting.name for setting in fields(kind)}:
            yield f"it has no {member}: {_meaning(protocol, member)}"


def members(protocol: type[Any]) -> list[str]:
    """The names of what a protocol asks for."""
    return [name for base in reversed(protocol.__mro__) for name in vars(base) if not name.startswith("_")]


def _meaning(protocol: type[Any], member: str) -> str:
    """The first line of what a protocol says of a member."""
    described = next(vars(base)[member] for base in protocol.__mro__ if member in vars(base))
    return str(described.__doc__ or "").strip().partition("\n")[0]

"""Choices by name, and as plain data.

A registry is a dictionary from the names that configs use to frozen dataclasses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any, TypeVar

Registry = Mapping[str, type[Any]]

Statements = TypeVar("Statements")

PLUGINS: dict[str, str] = {}
"""The user's own files of choices that are loaded, by name, with the SHA-256 of their bytes."""


@dataclass(frozen=True)
class IfMissing:
    """Marks a required key or setting, with the hint for a config that does not give it."""

    hint: str


def describe(registry: Registry, choice: Any) -> dict[str, Any]:
    """``{"name": …, setting: value, …}``, from which :func:`build` makes the choice again."""
    return {"name": name_of(registry, choice), **vars(choice)}


def name_of(registry: Registry, choice: Any) -> str:
    """The registry's name for the class of a choice."""
    return next(name for name, kind in registry.items() if kind is type(choice))


def build(registry: Registry, described: Mapping[str, Any]) -> Any:
    """The choice with a name and settings as :func:`describe` gives them; a list, as JSON has it, is a tuple."""
    settings = {
        key: tuple(value) if isinstance(value, list) else value for key, value in described.items() if key != "name"
    }
    return registry[described["name"]](**settings)


def optional_statements(kind: type[Statements], choice: Any) -> Statements:
    """What a choice, or its class, may say of itself beyond its protocol: the fields of the dataclass ``kind``.

    What it does not state has the default there, so every reader of a statement goes by the same one.
    """
    names = [one.name for one in settings_of(kind)]
    return kind(**{name: getattr(choice, name) for name in names if hasattr(choice, name)})


def settings_of(choice: Any) -> tuple[Field[Any], ...]:
    """The settings of a choice, or of its class, in their order."""
    return fields(choice)

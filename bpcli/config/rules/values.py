"""Plain values as the rules see them: what is of another type is as if it were not there; validation reports it."""

from __future__ import annotations

from typing import Any

from bpcli.nn.optimizers import OPTIMIZERS

Plain = dict[str, Any]
"""The plain values of a config, by key."""


def mapping(value: Any) -> Plain:
    """A mapping; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def choice(value: Any) -> Plain:
    """A choice as a mapping, also where it is a bare name."""
    return {"name": value} if isinstance(value, str) else mapping(value)


def is_number(value: Any) -> bool:
    """Whether it is a number; YAML's true is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def integer(value: Any) -> int:
    """A whole number; 0 for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def rule_of(config: Plain) -> Any:
    """The class of the update rule; None where it is not known by that name."""
    name = choice(config.get("optimizer")).get("name")
    return OPTIMIZERS.get(name) if isinstance(name, str) else None

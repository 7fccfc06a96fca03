"""A config as plain data, which read as the same config again.

Keys that are open, None, are left out, and so are those marked
:class:`OmittedWhenDefault` that have their default. Everything else is written,
whatever its model: no list of keys is kept here.
"""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo

from bpcli.config.choice import Choice
from bpcli.config.sections import OmittedWhenDefault, OneOrMore, Section, Shorthand, marker, shortened


def plain(section: Section) -> dict[str, Any]:
    """A config or a section of it as dicts, lists and scalars, keys in the order of the model."""
    return {
        key: _written(getattr(section, key), field)
        for key, field in type(section).model_fields.items()
        if not _is_omitted(getattr(section, key), field)
    }


def _is_omitted(value: Any, field: FieldInfo) -> bool:
    unsaid = marker(field, OmittedWhenDefault) is not None
    return value is None or (unsaid and value == field.get_default(call_default_factory=True))


def _written(value: Any, field: FieldInfo) -> Any:
    if isinstance(value, dict):
        return {name: _written(entry, field) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        several = [_written(entry, field) for entry in value]
        rule = marker(field, OneOrMore)
        return several[0] if rule is not None and rule.written_bare and len(several) == 1 else several
    choice = marker(field, Choice)
    if choice is not None:
        return choice.shortened(plain(choice.described(value)))
    if isinstance(value, Section):
        shorthand = marker(field, Shorthand)
        return plain(value) if shorthand is None else shortened(plain(value), shorthand.bare)
    return value

"""What the models of a config are made of: sections, and markers in the types of their keys.

A marker stands in a key's ``Annotated`` type and says what no type can: that a
value is a path, what a bare value means, when the key is left out. Whoever needs
that knowledge reads it off the models, so there is no list of keys anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Marker = TypeVar("Marker")


class Section(BaseModel):
    """A mapping with these keys and no others.

    A marker with an attribute ``exists`` that is false takes its key away.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def known_keys(cls) -> dict[str, FieldInfo]:
        """The keys that exist: all but those that a marker takes away now."""
        return {
            key: field
            for key, field in cls.model_fields.items()
            if all(getattr(part, "exists", True) for part in type_parts(field))
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of the keys that exist."""
        described = handler(schema)
        properties = handler.resolve_ref_schema(described).get("properties", {})
        for key in cls.model_fields.keys() - cls.known_keys().keys():
            properties.pop(key, None)
        return described


@dataclass(frozen=True)
class FilePath:
    """Marks a path: relative ones start from the folder of the config, or of the command line."""


@dataclass(frozen=True)
class OnResume:
    """Marks a key that may change when a run is resumed: no number that the run has come to depends on it."""


@dataclass(frozen=True)
class OmittedWhenDefault:
    """Marks a key that a written config leaves out while it has its default."""


@dataclass(frozen=True)
class UnsaidWhen:
    """Marks a key that is not among what was assumed where it became ``value``, which changes nothing."""

    value: Any


@dataclass(frozen=True, eq=False)
class Shorthand:
    """A bare value stands for the mapping ``{bare: value}``; ``description`` says so in the schema."""

    bare: str
    description: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Expand before validating."""
        return core_schema.no_info_before_validator_function(
            lambda value: value if isinstance(value, dict | BaseModel) else {self.bare: value}, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either form."""
        mapping = handler(schema)
        return {"anyOf": [key_schema(mapping, self.bare, self.description, handler), mapping]}


@dataclass(frozen=True)
class OneOrMore:
    """A bare value stands for the list of it; ``written_bare`` says whether a list of one is written so."""

    written_bare: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make it a list before validating."""
        return core_schema.no_info_before_validator_function(
            lambda value: value if isinstance(value, list) else [value], handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either form."""
        several = handler(schema)
        return {"anyOf": [several["items"], several]}


@dataclass(frozen=True, eq=False)
class Word:
    """A word may stand where else a value of one of Python's types ``kinds`` does; ``wanted`` says what either is.

    ``other`` is the type of that value where the annotation has the word in it too.
    """

    word: str
    wanted: str
    kinds: tuple[type, ...] = (dict,)
    other: Any = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The word as it is, and a value of these types validated."""
        schema = handler(source) if self.other is None else handler.generate_schema(self.other)
        return core_schema.no_info_wrap_validator_function(self._validated, schema)

    def _validated(self, value: Any, validate: Callable[[Any], Any]) -> Any:
        if value == self.word:
            return value
        if not isinstance(value, self.kinds):
            raise PydanticCustomError("word_or_value", "{wanted}", {"wanted": self.wanted})
        return validate(value)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either form."""
        return {"anyOf": [{"const": self.word}, handler(schema)]}


def shortened(keys: dict[str, Any], bare: str) -> Any:
    """The bare value alone where there is no other key."""
    return keys[bare] if set(keys) == {bare} else keys


def key_schema(mapping: JsonSchemaValue, key: str, description: str, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    """The JSON schema of one key of a mapping's, under another description."""
    own = handler.resolve_ref_schema(mapping)["properties"][key]
    return {**{word: value for word, value in own.items() if word != "title"}, "description": description}


def type_parts(key: FieldInfo) -> Iterator[Any]:
    """Everything in a key's type, from the outside in: the type, its markers, members of unions, entries of lists."""
    hint: Any = key.annotation
    yield from key.metadata
    try:
        yield from _known_parts(hint)
    except TypeError:  # a marker of a plugin's without a hash
        yield from _parts(hint)


@cache
def _known_parts(hint: Any) -> tuple[Any, ...]:
    return tuple(_parts(hint))


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for inner in get_args(hint):
        yield from _parts(inner)


def marker(key: FieldInfo, kind: type[Marker]) -> Marker | None:
    """The key's outermost marker of a kind, None where it has none."""
    return next((part for part in type_parts(key) if isinstance(part, kind)), None)


def section_of(key: FieldInfo) -> type[Section] | None:
    """The section that stands at a key, or in its list; None where there is none."""
    return next((part for part in type_parts(key) if isinstance(part, type) and issubclass(part, Section)), None)


def is_mapping(key: FieldInfo) -> bool:
    """Whether values by names that are no keys of a model, such as columns, stand at a key."""
    return any(get_origin(part) is dict for part in type_parts(key))


def is_list(key: FieldInfo) -> bool:
    """Whether a list of values stands at a key."""
    return any(get_origin(part) in (list, tuple) for part in type_parts(key))

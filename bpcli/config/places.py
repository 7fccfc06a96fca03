"""Where a key stands: the models of a config followed along its keys, and along its tree of nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from bpcli.config.choice import Choice
from bpcli.config.document import Node
from bpcli.config.overrides import Entry
from bpcli.config.sections import Section, Shorthand, is_list, is_mapping, marker, section_of

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """A mapping in a config's tree and the model that describes it.

    ``choice`` is the name of the choice that the mapping makes, empty where it
    makes none. A bare value counts as the mapping that it stands for.
    """

    location: Location
    keys: dict[str, Node]
    model: type[Section]
    choice: str = ""

    @property
    def label(self) -> str:
        """The key it stands under, empty for the config itself."""
        return next((str(step) for step in reversed(self.location) if isinstance(step, str)), "")


def places(root: Node, model: type[Section]) -> Iterator[Place]:
    """Every mapping that the models describe, each before those in it."""
    yield from _within(Place((), _mapping(root, None), model))


def _within(place: Place) -> Iterator[Place]:
    yield place
    fields = place.model.known_keys()
    for key, node in place.keys.items():
        field = fields.get(key)
        if field is None or node.value is None:
            continue
        for location, entry in _entries((*place.location, key), node, field):
            inner = _place(location, entry, field)
            if inner is not None:
                yield from _within(inner)


def _entries(location: Location, node: Node, field: FieldInfo) -> Iterator[tuple[Location, Node]]:
    """The values at a key with their locations: those in the list, or by name, where the key takes them so."""
    if is_mapping(field):
        for name, entry in node.value.items() if isinstance(node.value, dict) else ():
            yield (*location, name), entry
        return
    if not is_list(field):
        yield location, node
        return
    for index, entry in enumerate(node.value if isinstance(node.value, list) else [node]):
        yield (*location, index), entry


def _place(location: Location, node: Node, field: FieldInfo) -> Place | None:
    """What a key's value is a mapping of; None where it is none, or makes an unknown choice."""
    choice, section = marker(field, Choice), section_of(field)
    if choice is not None:
        keys = _mapping(node, choice.bare)
        name = choice.name_in({key: inner.value for key, inner in keys.items()})
        if not isinstance(name, str) or name not in choice.kind.registry:
            return None
        return Place(location, keys, choice.model(name), name if choice.kind.offers_choice else "")
    if section is not None:
        shorthand = marker(field, Shorthand)
        return Place(location, _mapping(node, shorthand.bare if shorthand else None), section)
    return None


def _mapping(node: Node, bare: str | None) -> dict[str, Node]:
    if isinstance(node.value, dict):
        return node.value
    return {} if bare is None else {bare: node}


def sections(model: type[Section], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], type[Section]]:
    """The sections by the keys that lead to them, each before those in it.

    Of a choice, the keys that are there whatever is chosen.
    """
    found = {path: model}
    for key, field in model.known_keys().items():
        choice = marker(field, Choice)
        if is_mapping(field):
            continue
        inner = choice.constant_keys() if choice is not None else section_of(field)
        if inner is not None and inner.known_keys():
            found |= sections(inner, (*path, key))
    return found


def choices_at(model: type[Section]) -> dict[tuple[str, ...], Choice]:
    """The choices by the keys that lead to them, whatever else is chosen."""
    return {
        (*path, key): choice
        for path, section in sections(model).items()
        for key, field in section.known_keys().items()
        if (choice := marker(field, Choice)) is not None
    }


def entry_at(model: type[Section], key: str) -> Entry:
    """What overrides need to know of the value at a dotted key."""
    keys = key.split(".")
    field = _field_at(model, keys)
    if field is not None and is_mapping(field) and _field_at(model, keys[:-1]) is not field:
        return Entry(named=False)
    choice = marker(field, Choice) if field is not None else None
    shorthand = marker(field, Shorthand) if field is not None else None
    if choice is not None:
        return Entry(choice.bare, choice.kind.default, frozenset(choice.base.model_fields))
    return Entry() if shorthand is None else Entry(bare=shorthand.bare)


def _field_at(model: type[Section], keys: Sequence[str]) -> FieldInfo | None:
    """The field that a way of keys leads to; through a choice, the first one that has it."""
    field = model.known_keys().get(keys[0])
    if field is None or len(keys) == 1:
        return field
    if is_mapping(field):
        keys = keys[1:]
        if len(keys) == 1:
            return field
    choice, section = marker(field, Choice), section_of(field)
    models = choice.models() if choice is not None else [] if section is None else [section]
    return next((found for inner in models if (found := _field_at(inner, keys[1:])) is not None), None)

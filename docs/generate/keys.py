"""The page of the config's keys, from the models that read a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from bpcli.config.choice import Choice
from bpcli.config.registries import KINDS
from bpcli.config.schema import Config
from bpcli.config.sections import OnResume, Section, marker, section_of
from bpcli.storage.text import to_json
from docs.generate.markdown import code, escaped, prose, table
from docs.generate.values import values

DEFAULT = "default: "
"""How a description says what holds where the key is left out."""


def key_tables() -> str:
    """A table of the keys of each section, in the config's order; of a section that stands at several keys once."""
    places: dict[type[Section], list[str]] = {}
    for path, section in sections():
        places.setdefault(section, []).append(path)
    return "\n".join(_chapter(paths, section) for section, paths in places.items())


def sections(path: str = "", section: type[Section] = Config) -> Iterator[tuple[str, type[Section]]]:
    """Every mapping of a config with keys of its own, with the key at which it stands."""
    yield path, section
    for key, field in section.known_keys().items():
        choice = marker(field, Choice)
        inner = section_of(field) if choice is None else choice.constant_keys()
        if inner is not None and inner.known_keys():
            yield from sections(joined(path, key), inner)


def joined(path: str, key: str) -> str:
    """The dotted name of a key in the section at ``path``."""
    return f"{path}.{key}" if path else key


def _chapter(paths: list[str], section: type[Section]) -> str:
    title = ", ".join(map(code, paths)) if paths[0] else "The whole"
    return f"## {title}\n\n{prose(section.__doc__)}\n\n{key_table(section.known_keys(), paths[0])}"


def key_table(keys: dict[str, FieldInfo], path: str = "", head: str = "key") -> str:
    """A table of keys: what each means, takes, and is where it is left out; no column that nothing is in."""
    rows = [_row(joined(path, key), field) for key, field in keys.items()]
    shown = [place for place in range(len(COLUMNS)) if any(row[place] for row in rows)]
    names = [head, *COLUMNS[1:]]
    return table([names[place] for place in shown], ([row[place] for place in shown] for row in rows))


COLUMNS = ("key", "meaning", "value", "default")


def _row(name: str, field: FieldInfo) -> list[str]:
    meaning, default = meaning_and_default(field)
    resumed = "; may change when a run is resumed" if marker(field, OnResume) is not None else ""
    return [code(name), escaped(meaning) + resumed, values(field.annotation, field.metadata), default]


def meaning_and_default(field: FieldInfo) -> tuple[str, str]:
    """What a key means, and what holds where it is left out, which its description says if it has no plain default."""
    text = field.description or ""
    meaning, said, default = text.rpartition(DEFAULT) if DEFAULT in text else (text, "", "")
    if said:
        return meaning.rstrip("; "), escaped(default)
    if field.is_required():
        return meaning.removesuffix("required").rstrip("; "), "required"
    if field.default is None:
        return meaning, "as the section above says"
    return meaning, code(_written(field.get_default(call_default_factory=True)))


def _written(value: Any) -> str:
    """A default as a config has it: a choice by its name."""
    names = [name for kind in KINDS.values() for name, entry in kind.registry.items() if entry is type(value)]
    if names:
        return names[0]
    return value if isinstance(value, str) else to_json(value)

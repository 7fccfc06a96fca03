"""What is wrong with a config, in our words: pydantic's errors, and keys that do not exist."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from bpcli.choices import IfMissing
from bpcli.config.advice import advice_on_choice, advice_on_key, advice_on_value
from bpcli.config.choice import UNKNOWN_CHOICE, UNNAMED_CHOICE, Choice
from bpcli.config.document import Node
from bpcli.config.places import Location, Place, choices_at, sections
from bpcli.config.sections import Section, marker
from bpcli.errors import ConfigError, did_you_mean

LONGEST_SHOWN = 60
"""Characters of a value that are shown."""

NEARLY = 0.85
"""How similar a word is, by difflib's ratio, to one that it is but a misspelling of."""

QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
"""A value in pydantic's list of those that a literal may have."""

BOUNDS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
"""The words for a bound, and where its limit stands in the error's context."""

EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "list_type": "a list",
    "tuple_type": "a list",
    "too_short": "at least one",
    "string_too_short": "at least one character",
    "string_pattern_mismatch": "one character, a tab or printable ASCII, and no quote",
}
"""What a value must be, by the type of error."""


def invalid(error: Any, root: Node, found: dict[Location, Place], model: type[Section]) -> ConfigError:
    """One of pydantic's errors at the place of its value; ``found`` are the config's places, ``model`` its keys."""
    location: Location = error["loc"]
    node = root.at(location)
    if error["type"] == UNKNOWN_CHOICE and isinstance(node.value, dict) and "name" in node.value:
        node = node.value["name"]
    message, hint = _message(error, ".".join(map(str, location)) or "config", found.get(location[:-1]), model)
    return ConfigError(message, where=node.where, hint=hint)


def _message(error: Any, name: str, place: Place | None, model: type[Section]) -> tuple[str, str]:
    kind, value, context = error["type"], error["input"], error.get("ctx") or {}
    if kind == "missing":
        return f"{name} is required", _remedy(name.rpartition(".")[2], place)
    if kind == UNKNOWN_CHOICE:
        given = context["given"]
        hint = unknown_choice(given, context["word"], context["names"], model)
        return f"{name}: there is no {context['word']} {_shown(given)}", hint
    if kind == UNNAMED_CHOICE:
        if context["several"]:
            return f"{name} has both {' and '.join(context['several'])}", "keep one"
        return f"{name} has no name", did_you_mean("", context["names"])
    if kind == "literal_error":
        allowed = [_bare(word) for word in QUOTED.findall(context["expected"])]
        return f"{name} is {_shown(value)}", _advised(advice_on_value(value, name, model), value, allowed)
    if kind == "predicate_failed":
        condition = error["msg"].split("'")[1]  # the function's name
        return f"{name} is {_shown(value)}", f"it must be {condition.replace('_', ' ')}"
    if kind in BOUNDS:
        words, limit = BOUNDS[kind]
        return f"{name} is {_shown(value)}", f"it must be {words} {context[limit]:.12g}"
    return f"{name} is {_shown(value)}", f"it must be {EXPECTED.get(kind, error['msg'])}"


def _bare(quoted: str) -> str:
    """A word without its quotes; a mark keeps them."""
    return quoted[1:-1] if quoted[1:-1].isidentifier() else quoted


def unknown_choice(given: object, word: str, names: Sequence[str], model: type[Section]) -> str:
    """What a name that is none of the ``names`` of a kind of choice, called ``word``, is here, or the nearest."""
    return _advised(advice_on_choice(given, word, model), given, names)


def _advised(advice: str, given: object, names: Sequence[str]) -> str:
    """The nearest of the names if it is but misspelt; else what the word is here, where that is known."""
    if not advice or _is_misspelt(str(given), names):
        return did_you_mean(str(given), names)
    return f"{advice} ({did_you_mean('', names)})"


def _is_misspelt(word: str, names: Sequence[str]) -> bool:
    """Whether a word is nearly one of the names."""
    return bool(get_close_matches(word, names, cutoff=NEARLY))


def _remedy(key: str, place: Place | None) -> str:
    """The hint for a key that is missing from a place."""
    field = place.model.model_fields.get(key) if place is not None else None
    if field is None:
        return f"add {key}"
    remedy, choice = marker(field, IfMissing), marker(field, Choice)
    if remedy is not None:
        return remedy.hint
    return f"add {key}" if choice is None else did_you_mean("", choice.kind.registry)


def unknown_key(key: str, place: Place, model: type[Section]) -> ConfigError:
    """A key that its place does not have, with the nearest that it has, or the section that has it."""
    known = list(place.model.known_keys())
    if place.choice:
        known = [other for other in known if other != "name" or get_close_matches(key, [other])]
        message = f"{place.label}: {place.choice} has no setting '{key}'"
    else:
        message = f"{place.label}: unknown key '{key}'" if place.label else f"unknown key '{key}'"
    return ConfigError(message, where=place.keys[key].where, hint=_right_key(key, known, place, model))


def _right_key(key: str, known: list[str], place: Place, model: type[Section]) -> str:
    """What to write instead of an unknown key: a near one, what it is here, or where it belongs."""
    if _is_misspelt(key, known):
        return did_you_mean(key, known)
    advice = advice_on_key(key, place.choice or place.label, model)
    if advice or (get_close_matches(key, known) and not place.choice):
        return advice or did_you_mean(key, known)
    elsewhere = _in_section(key, place, model) or _in_choice(key, place, model)
    return elsewhere or did_you_mean(key, known) or f"{place.choice} has no settings"


def _in_section(key: str, place: Place, model: type[Section]) -> str:
    """Where a key belongs, if any other section has it."""
    for path, section in sections(model).items():
        if key in section.known_keys() and section is not place.model:
            return f"'{key}' belongs under '{path[-1]}'" if path else f"'{key}' belongs at the top level"
    return ""


def _in_choice(key: str, place: Place, model: type[Section]) -> str:
    """Which choices have a key for a setting, those first that could stand at the same place."""
    found = choices_at(model).items()
    for path, choice in sorted(found, key=lambda item: place.model not in item[1].models()):
        names = [name for name in choice.kind.registry if key in choice.model(name).known_keys() and key != "name"]
        if choice.kind.default in names and place.model not in choice.models():
            return f"'{key}' belongs under '{path[-1]}': {'.'.join((*path, key))}"
        if names:
            return f"'{key}' is a setting of {', '.join(names)}: {'.'.join(path)}: {{name: {names[0]}, {key}: ...}}"
    return ""


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, dict) and set(value) == {"name"}:
        value = value["name"]
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}…"

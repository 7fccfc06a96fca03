"""What a word of another library is here: looked up in ``foreign_words``, and said only where it holds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from bpcli.config import foreign_words
from bpcli.config.document import parse
from bpcli.config.foreign_words import Advice
from bpcli.config.overrides import apply
from bpcli.config.places import entry_at
from bpcli.config.rules import broken_rules
from bpcli.config.sections import Section

BASE = "data: {path: t.csv}\nloss: cross_entropy\n"
"""The config that settings are tried on."""


def advice_on_key(key: str, within: str, model: type[Section]) -> str:
    """What an unknown key ``within`` a choice or a section of this name is here; empty where that is not known."""
    table = foreign_words.KEYS
    return _said(key, model, table, f"{within}.{_normal(key)}") or _said(key, model, table, _normal(key))


def advice_on_choice(name: object, kind: str, model: type[Section]) -> str:
    """What an unknown name of a choice of a kind, such as loss, is here."""
    return _said(str(name), model, foreign_words.CHOICES.get(kind, {}), _normal(str(name)))


def advice_on_value(value: object, key: str, model: type[Section]) -> str:
    """What an unknown word at a dotted key is here."""
    return _said(str(value), model, foreign_words.VALUES.get(key, {}), _normal(str(value)))


def _normal(word: str) -> str:
    """A word in lower case, with underscores."""
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def _said(word: str, model: type[Section], table: Mapping[str, Advice], entry: str) -> str:
    advice = table.get(entry)
    if advice is None or not holds(advice, model):
        return ""
    return f"`{word}` {advice.says.format(word=word)}"


def holds(advice: Advice, model: type[Section]) -> bool:
    """Whether every setting of an advice is valid, each by itself."""
    return all(is_valid(setting, model) for setting in advice.settings)


def is_valid(setting: str, model: type[Section]) -> bool:
    """Whether overrides, joined by `` + ``, are valid on a config with nothing else."""
    root = parse(BASE, "advice", Path())
    apply(root, setting.split(" + "), partial(entry_at, model))
    try:
        model.model_validate(root.plain())
    except ValidationError:
        return False
    return not broken_rules(root.plain())

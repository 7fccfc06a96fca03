"""Settings in which runs differ, in few words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bpcli.runs.comparison import RecordedRun
from bpcli.storage.text import to_json


def short_keys(settings: list[str], metrics: list[str]) -> list[str]:
    """The last word of each dotted key, or the whole key if several keys or a metric have that word.

    The name of a choice goes by the word before it: ``keep.name`` is keep.
    """
    tails = [key.removesuffix(".name").rpartition(".")[2] for key in settings]
    taken = [*tails, *metrics]
    return [tail if taken.count(tail) == 1 else key for key, tail in zip(settings, tails, strict=True)]


SAME_BUT_FOR = ("seed", "data.split.seed", "data.split.fold")
"""The settings in which repetitions of one training differ."""


def alike_but_for_chance(
    runs: Sequence[RecordedRun], settings: Sequence[str], longest: int | None = None
) -> dict[str, list[RecordedRun]]:
    """Runs that differ in their seed or fold alone, by a name for what the other ``settings`` are in them.

    A single group has no name. Where their words have more than ``longest`` characters, or tell the groups not apart,
    each group has the name of its first run.
    """
    keys = [key for key in settings if key not in SAME_BUT_FOR]
    found: dict[str, list[RecordedRun]] = {}
    for run in runs:
        found.setdefault(to_json([run.settings.get(key) for key in keys]), []).append(run)
    groups = list(found.values())
    if len(groups) == 1:
        return {"": groups[0]}
    firsts = [group[0] for group in groups]
    values = [short_values([run.settings.get(key) for run in firsts]) for key in keys]
    pairs = [[f"{key} {value}" for value in of_key] for key, of_key in zip(short_keys(keys, []), values, strict=True)]
    words = [", ".join(of_run) for of_run in zip(*pairs, strict=True)]
    short = longest is None or max(map(len, words)) <= longest
    for candidates in (words if short else [], [run.folder.name for run in firsts]):
        if len({*candidates}) == len(groups):
            return dict(zip(candidates, groups, strict=True))
    return {str(run.folder): group for run, group in zip(firsts, groups, strict=True)}


def short_values(values: list[Any]) -> list[str]:
    """The values of one setting, as short as possible while distinct: layers by width, files by name."""
    if all(isinstance(value, list) and all(isinstance(layer, dict) for layer in value) for value in values):
        layers = [[f"{layer['units']} {_choice_name(layer['activation'])}" for layer in value] for value in values]
        return [", ".join(value) for value in layers]
    if all(value is None or (isinstance(value, str) and value.startswith("/")) for value in values):
        names = [Path(value).name if value else "" for value in values]
        if len(set(names)) == len(set(values)):
            return names
    return [setting_text(value) for value in values]


def _choice_name(choice: Any) -> str:
    return str(choice["name"] if isinstance(choice, dict) else choice)


def setting_text(value: Any) -> str:
    """A value as text: a word as it is, nothing for None, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value)

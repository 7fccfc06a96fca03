"""Settings in which runs differ, in few words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bpcli.runs.comparison import RecordedRun
from bpcli.runs.setting_words import alike_but_for_chance

KEYS = ["seed", "optimizer.learning_rate", "network.hidden"]


def run(name: str, seed: int, rate: float, *layers: dict[str, Any]) -> RecordedRun:
    settings = {"seed": seed, "optimizer.learning_rate": rate, "network.hidden": [*layers]}
    return RecordedRun(Path(name), {}, settings)


NARROW, WIDE = {"units": 8, "activation": "relu"}, {"units": 32, "activation": "tanh"}


def names(*runs: RecordedRun, longest: int | None = None) -> dict[str, list[str]]:
    found = alike_but_for_chance(runs, KEYS, longest)
    return {label: [str(each.folder) for each in group] for label, group in found.items()}


def test_runs_with_other_seeds_are_one_group() -> None:
    a, b = run("a", 0, 0.1, NARROW), run("b", 1, 0.1, NARROW)
    assert names(a, b) == {"": ["a", "b"]}
    c = run("c", 0, 0.2, WIDE)
    assert names(a, c, b) == {
        "learning_rate 0.1, hidden 8 relu": ["a", "b"],
        "learning_rate 0.2, hidden 32 tanh": ["c"],
    }
    assert [*names(a, c, b, longest=33)] == [*names(a, c, b)]
    assert names(a, c, b, longest=32) == {"a": ["a", "b"], "c": ["c"]}


def test_groups_whose_words_are_the_same_have_the_names_of_their_runs() -> None:
    dropped = {**NARROW, "dropout": 0.5}
    assert names(run("x/a", 0, 0.1, NARROW), run("x/b", 0, 0.1, dropped)) == {"a": ["x/a"], "b": ["x/b"]}
    assert names(run("x/a", 0, 0.1, NARROW), run("y/a", 0, 0.1, dropped)) == {"x/a": ["x/a"], "y/a": ["y/a"]}

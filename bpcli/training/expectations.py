"""What is expected of a training: comparisons of its final metrics with numbers, such as ``test_accuracy >= 0.97``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

from bpcli.errors import ConfigError
from bpcli.training.monitors import TEST, how_to_measure

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
"""How a metric may be compared; none of them holds for NaN."""

FORM = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*", re.ASCII)
WANTED = "METRIC >= NUMBER, with >=, >, <= or <, such as test_accuracy >= 0.97"


@dataclass(frozen=True)
class Expectation:
    """A metric of ``final`` in run.json, how it is compared, and with what; ``text`` is as it was given."""

    text: str
    metric: str
    comparison: str
    bound: float

    def result(self, final: Mapping[str, float]) -> dict[str, Any]:
        """What was expected, the metric's value, and whether it is met."""
        value = final.get(self.metric, nan)
        return {"expected": self.text, "value": value, "met": COMPARISONS[self.comparison](value, self.bound)}


def parse_expectation(text: str) -> Expectation:
    """An expectation from its text.

    Raises:
        ValueError: it has another form.
    """
    found = FORM.fullmatch(text)
    if found is None:
        raise ValueError(WANTED)
    return Expectation(text, found[1], found[2], float(found[3]))


def require_metrics(expected: Sequence[Expectation], known: Sequence[str]) -> None:
    """Refuse an expectation of what the run does not measure.

    Raises:
        ConfigError: its metric is not among the ``known`` ones.
    """
    for index, one in enumerate(expected):
        if one.metric in known:
            continue
        key, hint = f"expect.{index}", how_to_measure(one.metric, known)
        if one.metric.startswith(TEST) and not any(name.startswith(TEST) for name in known):
            raise ConfigError(
                f"{key} is about {one.metric}, but there is no test part",
                key=key,
                hint="hold one out with data.split.test: 0.2",
            )
        raise ConfigError(f"{key} is about {one.metric}, which is not measured", key=key, hint=hint)


def shortfalls(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What fell short among :meth:`Expectation.result`, each with the number found."""
    return [f"expected {one['expected']}, but it is {one['value']!r}" for one in results if not one["met"]]

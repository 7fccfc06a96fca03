"""Planted mistakes of many kinds: each is found in its layer, most are named, and none gets a wrong name."""

from __future__ import annotations

import numpy as np
import pytest

from .planted import KINDS
from .planted.hunt import Verdict, verdict
from .planted.passes import Limits

LEAST_KINDS, LEAST_NAMED = 70, 0.97

SMALL = Limits(layers=2, units=4, examples=4)
"""What is enough for one mistake of each kind."""

OF_EACH = 12
"""Mistakes of each kind in the long hunt, so many that they are more than 1,500 together."""


def hunt(of_each: int, seed: int, limits: Limits) -> list[Verdict]:
    found = []
    for number, kind in enumerate(KINDS):
        rng = np.random.default_rng([seed, number])
        found += [verdict(kind, rng, limits) for _ in range(of_each)]
    return found


def named(found: list[Verdict]) -> float:
    return sum(one.named_rightly for one in found) / len(found)


def told(wrong: list[Verdict]) -> list[tuple[str, str]]:
    return [(one.kind, one.diagnosis.mistake) for one in wrong]


def require(found: list[Verdict]) -> None:
    assert told([one for one in found if not one.located]) == []
    assert told([one for one in found if one.named_wrongly]) == []
    assert named(found) >= LEAST_NAMED


def test_there_are_many_kinds() -> None:
    assert len(KINDS) >= LEAST_KINDS


def test_a_planted_mistake_of_each_kind_is_found_and_named() -> None:
    require(hunt(1, 0, SMALL))


@pytest.mark.slow
def test_fifteen_hundred_planted_mistakes_are_found_and_named() -> None:
    found = hunt(OF_EACH, 1, Limits())
    assert len(found) >= 1500
    require(found)

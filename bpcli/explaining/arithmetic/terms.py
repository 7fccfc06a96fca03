"""What arithmetic consists of besides operations: numbers, sums with terms left out, and why a case holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpcli.explaining.evaluation.nodes import Add

MOST_TERMS = 8
"""A sum of more terms is written with its first three and its last."""

FIRST_TERMS = 3


@dataclass(frozen=True)
class Exact:
    """A number with all its digits; how many are written is for later to say."""

    value: float


@dataclass(frozen=True)
class Elided:
    """Terms of a sum that are left out: how many, and what they add up to."""

    count: int
    value: float


@dataclass(frozen=True)
class Condition:
    """Why one case holds: left > right, or not."""

    left: Any
    right: Any
    holds: bool


def sum_of(count: int, term: Callable[[int], Any], value: Callable[[int], float]) -> Any:
    """A sum of ``count`` terms, a long one with its first ones and its last."""
    if count == 1:
        return term(0)
    if count <= MOST_TERMS:
        return added([(1, term(k)) for k in range(count)])
    left_out = range(FIRST_TERMS, count - 1)
    elided = Elided(len(left_out), float(sum(value(k) for k in left_out)))
    return added([*((1, term(k)) for k in range(FIRST_TERMS)), (1, elided), (1, term(count - 1))])


def added(terms: list[tuple[int, Any]]) -> Any:
    """A sum whose terms are no sums themselves, as far as signs allow."""
    flat: list[tuple[int, Any]] = []
    for sign, term in terms:
        flat += term.terms if sign > 0 and isinstance(term, Add) else [(sign, term)]
    return Add(tuple(flat))

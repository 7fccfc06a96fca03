"""Another program's updates judged: the first wrong one, where, and the mistake that leads there, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcli.checking.decimals import exact, precision
from bpcli.checking.precisions import tolerance_of
from bpcli.checking.updates.bounds import Precision, precision_of
from bpcli.checking.updates.mistakes import Mistake, mistakes
from bpcli.checking.updates.reference import DIGITS
from bpcli.checking.updates.trajectories import Task, power_ways, right_path, right_way, walked
from bpcli.checking.updates.verdicts import EXCUSED, NEGLIGIBLE
from bpcli.nn import Array
from bpcli.nn.parameters import Parameters

SLACK = 2
"""How many times the bound another program may be off: it may compute in another order."""

UNRECOGNISED = "none of the known mistakes gives these numbers"

NOT_FINITE = "no number of it is finite, so no mistake can be told from another"

LEFT = 0.01
"""The most of the right way's error that a named mistake leaves."""

MOST_NAMED = 3
"""The most mistakes that are named where several give the same numbers."""


@dataclass(frozen=True)
class UpdateDiagnosis:
    """The first wrong update, from 1, 0 if none is; an entry where it is, and its numbers; the mistake in words.

    ``unjudged`` are the arrays of which rounding excuses too much of every step.
    """

    update: int
    entry: str = ""
    right: float = 0.0
    found: float = 0.0
    mistake: str = ""
    recognised: bool = True
    unjudged: tuple[str, ...] = ()


def diagnose_updates(task: Task, given: Sequence[Array]) -> UpdateDiagnosis:
    """Diagnose θ after each update, (P,), of the task's entries.

    A program in float32 may compute single numbers, such as 1 − β₂ᵗ, in float64 or in float32: either will do.
    """
    kind = np.result_type(*given)
    found = _diagnosed(task, given, precision_of(kind))
    if not found.update or kind.itemsize >= np.dtype(np.float64).itemsize:
        return found
    narrow = precision_of(kind, narrow_numbers=True)
    for one in (task, _with_narrow_settings(task, kind)):
        other = _diagnosed(one, given, narrow)
        if not other.update and _powers_explain(one, given):
            return other
    return found


def _powers_explain(task: Task, given: Sequence[Array]) -> bool:
    """Whether one factor of each power of t, such as β₂ᵗ, takes each step to those given, but for usual rounding."""
    kind = np.result_type(*given)
    with np.errstate(all="ignore"), precision(DIGITS):
        errors = [np.asarray(one.error, np.float64) for one in right_path(task, precision_of(kind))]
        narrow = right_path(task, precision_of(kind, narrow_numbers=True))
        left = _steps(task, given) - _steps(task, [np.asarray(one.value, np.float64) for one in narrow])
        steps = _steps(task, walked(task, right_way(task)))
        nudges = [_steps(task, walked(task, way)) - steps for way in power_ways(task)]
    if not nudges or not np.isfinite([left, *nudges]).all():
        return True
    allowed = SLACK * np.add(errors, [0 * errors[0], *errors[:-1]])
    scale = 1 / np.nan_to_num(np.maximum(allowed, np.finfo(kind).tiny), nan=np.inf)
    return all(map(_fits, left * scale, np.stack(nudges, axis=-1) * scale[..., np.newaxis]))


def _fits(left: Array, directions: Array) -> bool:
    """Whether a combination of the directions, (P, n), leaves at most 1 of each entry."""
    factors = np.linalg.lstsq(directions, left, rcond=None)[0]
    return bool((np.abs(left - directions @ factors) <= 1).all())


def _steps(task: Task, path: Iterable[Array]) -> Array:
    """The step of each update, (updates, P)."""
    return np.diff(np.asarray([task.start.theta, *path], np.float64), axis=0)


def _with_narrow_settings(task: Task, kind: np.dtype[Any]) -> Task:
    """The task of a program that keeps the rule's settings in its own precision."""
    settings = {name: float(kind.type(value)) for name, value in task.rule.settings.items()}
    return replace(task, rule=replace(task.rule, settings=settings))


def _diagnosed(task: Task, given: Sequence[Array], rounding: Precision) -> UpdateDiagnosis:
    """The diagnosis by the bounds of one precision."""
    unjudged = np.ones(task.places.size, bool)
    with np.errstate(all="ignore"), precision(DIGITS):
        for k, (right, theta) in enumerate(zip(right_path(task, rounding), given, strict=True)):
            value = np.asarray(right.value, np.float64)
            error = np.abs(np.asarray(exact(theta) - right.value, np.float64))
            allowed = SLACK * np.asarray(right.error) + NEGLIGIBLE * np.abs(value)
            moved = np.abs(np.asarray(right.value - exact(task.start.theta), np.float64))
            unjudged &= ~((allowed <= EXCUSED * moved) | (moved == 0))
            wrong = ~(error <= allowed) & ~np.isnan(allowed)
            if wrong.any():
                share = np.nan_to_num(error / np.maximum(allowed, rounding.tiny), nan=np.inf)
                worst = int(np.argmax(np.where(wrong, share, -1)))
                entry, numbers = _entry(task, worst), (float(value[worst]), float(theta[worst]))
                return UpdateDiagnosis(k + 1, entry, *numbers, *_explained(task, given, theta))
    return UpdateDiagnosis(0, unjudged=_arrays_of(task, unjudged))


def _explained(task: Task, given: Sequence[Array], theta: Array) -> tuple[str, bool]:
    """The mistake in words, and whether it is a known one."""
    if not np.isfinite(theta).any():
        return NOT_FINITE, False
    words = named(task, given)
    return ", or ".join(words[:MOST_NAMED]) or UNRECOGNISED, bool(words)


def named(task: Task, given: Sequence[Array]) -> list[str]:
    """The simplest known mistakes that lead to all of the numbers.

    A mistake that leads where the right way does is none that these numbers show.
    """
    with np.errstate(all="ignore"):
        right = list(walked(task, right_way(task)))
        error = _error(right, given)
        same = [theta.astype(given[0].dtype) for theta in right]
        matching = [
            one
            for one in mistakes(task)
            if _leads_there(task, one, given, error) and not _all_agree(task, walked(task, one.way), same)
        ]
        if not matching:
            matching = [one for one in _scaled(task, given) if _leads_there(task, one, given, error)]
    best = min((one.rank for one in matching), default=0)
    return list(dict.fromkeys(one.words for one in matching if one.rank == best))


def _leads_there(task: Task, mistake: Mistake, given: Sequence[Array], error: float) -> bool:
    """Whether the mistaken way leads to θ after each update, and next to nothing is left of the right way's error."""
    path = []
    for one, theta in zip(walked(task, mistake.way), given, strict=True):
        path.append(one)
        if not _agrees(task, one, theta, len(path)):
            return False
    return _error(path, given) <= LEFT * error


def _all_agree(task: Task, found: Iterable[Array], given: Sequence[Array]) -> bool:
    """Whether θ agrees after each update, relative to the largest step of each array."""
    return all(_agrees(task, one, theta, k) for k, (one, theta) in enumerate(zip(found, given, strict=True), start=1))


def _error(found: Sequence[Array], given: Sequence[Array]) -> float:
    """How far θ lies away after all updates together; infinitely, where only one of two numbers is finite."""
    away = np.subtract(found, given, dtype=np.float64)
    equal = np.equal(found, given) | (np.isnan(found) & np.isnan(given))
    return float(np.sqrt(np.sum(np.where(equal, 0.0, np.where(np.isnan(away), np.inf, away)) ** 2)))


def _agrees(task: Task, found: Array, given: Array, updates: int) -> bool:
    moved = np.abs(given - task.start.theta)
    last_bits = 2 * updates * np.finfo(given.dtype).eps * np.abs(given)
    allowed = tolerance_of(given) * _largest(task, np.where(np.isfinite(moved), moved, 0)) + last_bits
    equal = (found == given) | (np.isnan(found) & np.isnan(given))
    return bool((equal | (np.isfinite(found) & (np.abs(found - given) <= allowed))).all())


def _largest(task: Task, values: Array) -> Array:
    """The largest value of each array of θ, at each of its entries."""
    found = np.empty_like(values)
    for _, own in _parts(task):
        found[own] = values[own].max(initial=0.0)
    return found


def _scaled(task: Task, given: Sequence[Array]) -> Iterator[Mistake]:
    """Any other learning rate, and any other factor of the gradient: as the first step shows it."""
    right = right_way(task)
    step, theirs = next(walked(task, right)) - task.start.theta, given[0] - task.start.theta
    c = float(np.sum(step * theirs) / np.sum(step * step)) if step.any() else 0.0
    if c and np.isfinite(c):
        last_bit = max(float(np.finfo(kind).eps) for kind in (given[0].dtype, np.float64))
        doubt = last_bit * float(np.linalg.norm(given[0]) / np.linalg.norm(step))
        factor = _shown(c, doubt)
        rates = tuple(c * rate for rate in task.rates)
        yield Mistake(f"the learning rate is {factor} times what it should be", replace(right, rates=rates), rank=3)
        gradients = tuple(c * gradient for gradient in task.gradients)
        yield Mistake(f"the gradient is {factor} times what it should be", replace(right, gradients=gradients), rank=3)


def _shown(c: float, doubt: float) -> str:
    """A factor with as few digits as its doubt allows."""
    return next((text for text in (f"{c:.{n}g}" for n in range(2, 17)) if abs(float(text) - c) <= doubt), f"{c!r}")


def _parts(task: Task) -> Iterator[tuple[str, Array]]:
    """The arrays of θ by name, and where among the task's entries theirs are."""
    place = np.full(task.layout.count, -1)
    place[task.places] = np.arange(task.places.size)
    for name, array in Parameters(task.layout, place).named().items():
        yield name, array[array >= 0]


def _entry(task: Task, index: int) -> str:
    """An entry's array and place in it, such as W1[2, 3]."""
    place = int(task.places[index])
    for name, array in Parameters(task.layout, np.arange(task.layout.count)).named().items():
        if place in array:
            at = np.argwhere(array == place)[0]
            return f"{name}[{', '.join(map(str, at))}]"
    raise AssertionError("every place is in an array")


def _arrays_of(task: Task, unjudged: Array) -> tuple[str, ...]:
    """The arrays of which no entry was judged."""
    return tuple(name for name, own in _parts(task) if own.size and unjudged[own].all())

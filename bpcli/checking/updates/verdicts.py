"""The verdicts on an engine's updates: on each array after each, and on all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from bpcli.checking.decimals import exact
from bpcli.checking.subject import ParameterGroup
from bpcli.checking.updates.bounds import Bounded, Precision
from bpcli.checking.updates.reference import DIGITS
from bpcli.checking.updates.subject import Update
from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA

EXCUSED = 1e-3
"""The most of a step that rounding may excuse in an entry that counts as judged."""

NEGLIGIBLE = 10.0 ** (5 - DIGITS)
"""What the decimals themselves leave out, relative to a value: an exact float64 may have more digits than they keep."""

NEAR_OVERFLOW = 1e-4
"""A number is near the largest one from so much of it on: what another order of operations has on the way to it may
overflow."""

Verdict = Literal["agrees", "wrong", "not judged"]


@dataclass(frozen=True)
class ArrayCheck:
    """One array after one update: θ's W or b of a ``layer``, or the part of the rule's memory that belongs to it.

    Of ``entries`` checked, ``judged`` are those of which rounding excuses no more than ``EXCUSED`` of the step, in a
    memory of its value.
    ``ulps`` is the largest error of these in units in the last place of the right value, ``share`` the largest of
    all as a share of its bound. ``row`` and ``column`` say where, with the number ``before`` the update, the
    ``right`` one and the engine's, ``found``. ``layer`` and ``kind`` are None for an array of the whole network.
    """

    update: int
    array: str
    layer: int | None
    kind: str | None
    entries: int
    judged: int
    ulps: float
    share: float
    row: int
    column: int
    before: float
    right: float
    found: float
    verdict: Verdict


@dataclass(frozen=True)
class RateCheck:
    """The learning rate of an update, and the one that the schedule's formula gives.

    ``error`` is what rounding may make of the latter.
    """

    update: int
    right: float
    found: float
    error: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether they agree to float64's last digits."""
        return bool(np.isclose(self.found, self.right, rtol=1e-13, atol=self.error))


@dataclass(frozen=True)
class EngineCheck:
    """Everything that was checked of one engine in one precision."""

    engine: str
    dtype: str
    updates: tuple[Update, ...]
    arrays: tuple[ArrayCheck, ...]
    rates: tuple[RateCheck, ...]
    scaled: tuple[int, ...]
    """The updates whose gradient, asked for with the factor η, is not η times the gradient."""
    beyond: tuple[int, ...]
    """The updates with numbers beyond the precision's range, which cannot be judged."""
    at_once: bool
    """Whether the updates in one call gave the same bits as one at a time."""
    mistakes: tuple[str, ...] = ()
    """The known mistakes that give the θ of all updates, where it is wrong."""

    @property
    def wrong(self) -> list[ArrayCheck]:
        """The arrays that are wrong, in the order of the updates."""
        return [one for one in self.arrays if one.verdict == "wrong"]

    @property
    def unjudged(self) -> list[str]:
        """The arrays that no update let judge, by name."""
        names = {name_of_array(one): False for one in self.arrays}
        for one in self.arrays:
            names[name_of_array(one)] |= one.verdict != "not judged"
        return [name for name, judged in names.items() if not judged]

    @property
    def passed(self) -> bool:
        """Whether all of it is right and in range, and every array could be judged in some update."""
        right = not self.wrong and not self.scaled and self.at_once and all(rate.passed for rate in self.rates)
        return right and not self.unjudged and not self.beyond


def name_of_array(check: ArrayCheck) -> str:
    """θ's array by its name, such as W1; that of a memory with the memory's name."""
    own = "" if check.layer is None else f"{check.kind}{check.layer}"
    return own if check.array == NEW_THETA else f"{check.array} {own}".strip()


class _Errors(NamedTuple):
    """The errors of an array's entries: in last places, as a share of their bounds, and what follows of each."""

    ulps: Array
    share: Array
    judged: Array
    wrong: Array

    @property
    def worst(self) -> int:
        """The entry with the largest share; a wrong one, if there is one."""
        return int(np.argmax(np.where(self.wrong, 1e300, 0) + np.minimum(self.share, 1e300)))

    @property
    def verdict(self) -> Verdict:
        """What is said of the array."""
        return "wrong" if self.wrong.any() else "agrees" if self.judged.any() else "not judged"


def _errors(name: str, before: Array, after: Array, right: Bounded, rounding: Precision) -> _Errors:
    """The errors of an array, (k,), after an update; what is not finite has none."""
    value, stored = np.asarray(right.value, np.float64), np.asarray(right.value, before.dtype)
    error = np.abs(np.asarray(exact(after) - right.value, np.float64))
    error = np.where(np.isnan(error), np.inf, np.where(error <= NEGLIGIBLE * np.abs(value), 0.0, error))
    bound = np.broadcast_to(np.asarray(right.error, np.float64), value.shape)
    reachable = np.isfinite(after) | (np.abs(value) < NEAR_OVERFLOW * float(np.finfo(before.dtype).max))
    usable = np.isfinite(bound) & np.isfinite(stored) & np.isfinite(before) & reachable
    step = np.abs(np.asarray(right.value - exact(before), np.float64))
    size = step if name == NEW_THETA else np.maximum(step, np.abs(value))
    ulp = np.maximum(np.abs(np.spacing(stored)).astype(np.float64), rounding.tiny)
    share = np.where(error == 0, 0.0, error / np.maximum(bound, rounding.tiny))
    wrong = usable & ~(error <= bound)
    judged = (usable & ((bound <= EXCUSED * size) | (bound == 0))) | wrong
    return _Errors(np.where(judged, error / ulp, 0.0), np.where(usable, share, 0.0), judged, wrong)


def judge(
    group: ParameterGroup,
    name: str,
    update: Update,
    before: Array,
    after: Array,
    right: Bounded,
    rounding: Precision,
) -> ArrayCheck:
    """The verdict on one array, (k,), by name, from its numbers before and after the update and the right ones."""
    errors = _errors(name, before, after, right, rounding)
    worst = errors.worst
    row, column = divmod(int(group.places[worst]) - group.start, group.shape[1])
    return ArrayCheck(
        update=update.number,
        array=name,
        layer=group.layer or None,
        kind=group.kind or None,
        entries=len(before),
        judged=int(errors.judged.sum()),
        ulps=float(errors.ulps.max()),
        share=float(errors.share.max()),
        row=row,
        column=column,
        before=float(before[worst]),
        right=float(right.value[worst]),
        found=float(after[worst]),
        verdict=errors.verdict,
    )


def whole(size: int) -> ParameterGroup:
    """The group of an array that belongs to no layer."""
    return ParameterGroup(0, "", (size, 1), 0, np.arange(size))

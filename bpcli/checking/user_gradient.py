"""Is somebody's gradient of their own loss right? Each entry against a complex step or a difference of the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from bpcli.checking.measured_slopes import Slope, largest_of
from bpcli.checking.precisions import tolerance_of
from bpcli.checking.subject import CHECKED_WHOLE, SAMPLED
from bpcli.checking.user_loss import Named, UserLoss, named_arrays
from bpcli.checking.user_slopes import JUDGEABLE, SURE, Method, slopes_of
from bpcli.errors import ConfigError, did_you_mean
from bpcli.nn import Array, IndexArray
from bpcli.streams import stream

NAMED = 10
"""The most wrong entries that a message names."""


@dataclass(frozen=True)
class WrongEntry:
    """An entry whose derivative differs from the measured one."""

    name: str
    index: tuple[int, ...]
    given: float
    measured: float

    def __str__(self) -> str:
        if len(self.index) > 2:
            place = f"index {self.index}"
        else:
            place = ", ".join(f"{word} {i}" for word, i in zip(("row", "column"), self.index, strict=False))
        where = ", ".join(filter(None, [self.name, place])) or "the derivative"
        return f"{where}: given {self.given:.10g}, measured {self.measured:.10g}"


@dataclass(frozen=True)
class ArrayCheck:
    """How many entries of an array were judged and how many could not be, and the wrong ones."""

    name: str
    judged: int
    not_judged: int
    wrong: tuple[WrongEntry, ...]


@dataclass(frozen=True)
class CheckedGradient:
    """By which method a gradient was checked, and its arrays."""

    method: Method
    arrays: tuple[ArrayCheck, ...]

    @property
    def judged(self) -> int:
        """The number of entries that were judged."""
        return sum(array.judged for array in self.arrays)

    @property
    def not_judged(self) -> int:
        """The number of entries that could not be judged."""
        return sum(array.not_judged for array in self.arrays)

    @property
    def wrong(self) -> list[WrongEntry]:
        """The entries that are wrong."""
        return [entry for array in self.arrays for entry in array.wrong]

    @property
    def unjudged_arrays(self) -> list[str]:
        """The names of the arrays of which no entry could be judged."""
        return [array.name for array in self.arrays if array.not_judged and not array.judged]

    @property
    def passed(self) -> bool:
        """Whether no entry is wrong, and some of each array were judged."""
        return not self.wrong and not self.unjudged_arrays

    @property
    def message(self) -> str:
        """What is wrong, in words; empty for nothing."""
        lines = []
        if self.wrong:
            lines.append(f"the gradient is wrong at {len(self.wrong)} of {self.judged} entries, by {self.method}")
            lines += map(str, self.wrong[:NAMED])
            lines += ["…"] * (len(self.wrong) > NAMED)
        for name in self.unjudged_arrays:
            lines.append(f"no entry of {name or 'the gradient'} can be judged here: kinks, or a loss too inexact")
        if lines and self.not_judged and not self.unjudged_arrays:
            lines.append(f"{self.not_judged} more entries cannot be judged here: kinks, or a loss too inexact")
        return "\n".join(lines)


def check_user_gradient(
    loss: Callable[[Any], Any],
    point: Any,
    gradient: Any,
    *,
    method: Method | None = None,
    parameters: int | None = None,
    seed: int = 0,
) -> CheckedGradient:
    """Compare ``gradient`` with measured derivatives of ``loss`` at ``point``, both an array or a mapping of arrays.

    ``parameters`` entries of each array are checked, drawn by ``seed``; by default all of up to 2000, else 100 of
    each. Without a method, the one that suits the loss is taken.

    Raises:
        ConfigError: point and gradient are not of one structure, the loss is no finite, repeatable number, or an
            option is none.
    """
    _require_options(method, parameters)
    at, given = named_arrays(point, "the point"), named_arrays(gradient, "the gradient")
    _require_same_shapes(at, given)
    rng = stream(seed, "gradient check")
    chosen = _chosen(at, parameters, rng)
    every = np.concatenate(list(chosen.values()))
    used, slopes = slopes_of(UserLoss(loss, at), at.theta, every, method, rng)
    measured = dict(zip(every.tolist(), slopes, strict=True))
    checks = [
        _check_array(name, given.arrays[name], places, {i: measured[i] for i in chosen[name].tolist()})
        for name, places in at.places()
    ]
    return CheckedGradient(used, tuple(checks))


def _require_options(method: str | None, parameters: int | None) -> None:
    """Refuse a method or a number that there is not."""
    if method not in (None, *get_args(Method)):
        raise ConfigError(f"there is no method {method!r}", hint=did_you_mean(str(method), get_args(Method)))
    if parameters is not None and parameters < 1:
        raise ConfigError(f"parameters is {parameters}", hint="check at least 1 of each array")


def _require_same_shapes(at: Named, given: Named) -> None:
    """Refuse a gradient of another structure than the point."""
    needed = {name: array.shape for name, array in at.arrays.items()}
    found = {name: array.shape for name, array in given.arrays.items()}
    if needed != found:
        raise ConfigError(
            f"the gradient has the shapes {found}, the parameters {needed}",
            hint="give a derivative for each parameter, under the same names",
        )


def _chosen(at: Named, per_array: int | None, rng: np.random.Generator) -> dict[str, IndexArray]:
    """The entries of each array that are checked, by their places in the vector."""
    limit = per_array or (CHECKED_WHOLE if at.theta.size <= CHECKED_WHOLE else SAMPLED)
    found = {}
    for name, places in at.places():
        every = places.reshape(-1)
        found[name] = every if every.size <= limit else np.sort(rng.permutation(every)[:limit])
    return found


def _check_array(name: str, array: Array, places: Array, measured: dict[int, Slope]) -> ArrayCheck:
    """Judge the measured entries of an array; ``places`` has their places in its shape."""
    largest = largest_of(measured.values())
    first = int(places.reshape(-1)[0]) if places.size else 0
    judged, wrong = 0, []
    for i, slope in measured.items():
        index = tuple(int(k) for k in np.unravel_index(i - first, array.shape))
        derivative = float(array[index])
        allowed = tolerance_of(array) * largest + SURE * slope.error
        fits = slope.low - allowed <= derivative <= slope.high + allowed
        clear = slope.error <= JUDGEABLE * largest and not (fits and slope.at_kink)
        if not clear and not (slope.exact and derivative == slope.value):
            continue
        judged += 1
        if not fits:
            wrong.append(WrongEntry(name, index, derivative, slope.value))
    return ArrayCheck(name, judged, len(measured) - judged, tuple(wrong))

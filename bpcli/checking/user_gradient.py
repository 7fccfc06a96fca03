"""Is somebody's gradient of their own loss right? Each entry against a complex step or a difference of the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bpcli.checking.known_mistakes.factors import tolerance_of
from bpcli.checking.measured_slopes import Slope, exactly, measure, noise_of
from bpcli.checking.subject import CHECKED_WHOLE, SAMPLED
from bpcli.checking.user_loss import Named, UserLoss, named_arrays
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray
from bpcli.nn.gradient_check import complex_step
from bpcli.streams import stream

Method = Literal["complex-step", "central"]

SURE = 4.0
"""A derivative may differ from a measured one by so many times the error that is estimated for this."""

JUDGEABLE = 1e-3
"""Where the estimated error is above this share of an array's largest derivative, an entry is not judged."""

CONFIRMED = 1e-8
"""A complex step may differ from a difference by so much of the largest, besides the difference's own error."""

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
class CheckedGradient:
    """How a gradient was checked: the entries judged, those that could not be, and the wrong ones.

    ``unjudged_arrays`` are the names of arrays of which no entry could be judged.
    """

    method: Method
    judged: int
    not_judged: int
    wrong: tuple[WrongEntry, ...]
    unjudged_arrays: tuple[str, ...]

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
    each. Without a method, the complex step where the loss takes complex numbers and central differences confirm
    it, else these.

    Raises:
        ConfigError: point and gradient are not of one structure, or the loss is no finite, repeatable number.
    """
    at, given = named_arrays(point, "the point"), named_arrays(gradient, "the gradient")
    _require_same_shapes(at, given)
    user, theta = UserLoss(loss, at), at.theta
    rng = stream(seed, "gradient check")
    chosen = _chosen(at, parameters, rng)
    every = np.concatenate(list(chosen.values()))
    used, slopes = _slopes(user, theta, every, _scales(at), method, rng)
    measured = dict(zip(every.tolist(), slopes, strict=True))
    judged, not_judged, wrong, unjudged = 0, 0, [], []
    for name, places in at.places():
        array = given.arrays[name]
        verdicts = _verdicts(name, array, places, {i: measured[i] for i in chosen[name].tolist()})
        sure = [verdict for verdict in verdicts if verdict is not None]
        judged, not_judged = judged + len(sure), not_judged + len(verdicts) - len(sure)
        wrong += [verdict for verdict in sure if isinstance(verdict, WrongEntry)]
        unjudged += [name] * (not sure and bool(verdicts))
    return CheckedGradient(used, judged, not_judged, tuple(wrong), tuple(unjudged))


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


def _scales(at: Named) -> Array:
    """The scale of each variable, (P,): its own size or its array's root mean square; 1 in an array of zeros."""
    scales = np.empty(at.theta.size)
    for name, places in at.places():
        array = np.abs(np.asarray(at.arrays[name], np.float64))
        scales[places] = np.maximum(array, np.sqrt(np.mean(array**2)) if array.any() else 1.0)
    return scales


def _slopes(
    user: UserLoss, theta: Array, places: IndexArray, scales: Array, method: Method | None, rng: np.random.Generator
) -> tuple[Method, list[Slope]]:
    """The measured derivatives by the entries ``places``, and by which method."""
    value = user.checked_value(theta)
    complex_valued = method != "central" and user.takes_complex(theta)
    if method == "complex-step":
        if not complex_valued:
            raise ConfigError("the loss does not take complex numbers", hint="leave method out, or take 'central'")
        return "complex-step", [exactly(value) for value in complex_step(user, theta, places.tolist()).tolist()]
    last_bit = float(np.finfo(value.dtype if value.dtype.kind == "f" else np.float64).eps)

    def real(point: Array) -> float:
        return user(point).real

    noise = noise_of(real, theta, scales, last_bit, rng)
    differences = [measure(real, theta, float(value), i, float(scales[i]), noise) for i in places.tolist()]
    if not complex_valued:
        return "central", differences
    steps = complex_step(user, theta, places.tolist()).tolist()
    largest = max(abs(one.value) for one in differences)
    pairs = list(zip(steps, differences, strict=True))
    if all(_confirmed(step, one, largest) or _unclear(one, largest) for step, one in pairs):
        return "complex-step", [_joined(step, one, largest) for step, one in pairs]
    return "central", differences


def _confirmed(step: float, difference: Slope, largest: float) -> bool:
    """Whether a difference agrees with a complex step."""
    return abs(step - difference.value) <= SURE * difference.error + CONFIRMED * largest


def _unclear(difference: Slope, largest: float) -> bool:
    """Whether a difference tells nothing: a kink, or too large an error."""
    return difference.at_kink or not difference.error <= JUDGEABLE * largest


def _joined(step: float, difference: Slope, largest: float) -> Slope:
    """The complex step where a difference confirms it; at a kink, the difference with its two sides."""
    return difference if difference.at_kink or not _confirmed(step, difference, largest) else exactly(step)


def _verdicts(
    name: str, array: Array, places: Array, measured: dict[int, Slope]
) -> list[WrongEntry | Literal["right"] | None]:
    """For each measured entry of an array, what is wrong with it, that it is right, or None if it cannot be judged."""
    largest = max((abs(slope.value) for slope in measured.values() if np.isfinite(slope.value)), default=0.0)
    start = int(places.reshape(-1)[0]) if places.size else 0
    found: list[WrongEntry | Literal["right"] | None] = []
    for i, slope in measured.items():
        index = tuple(int(k) for k in np.unravel_index(i - start, array.shape))
        derivative = float(array[index])
        allowed = tolerance_of(array) * largest + SURE * slope.error
        if slope.low - allowed <= derivative <= slope.high + allowed:
            found.append(None if slope.at_kink or slope.error > JUDGEABLE * largest else "right")
        elif slope.error <= JUDGEABLE * largest:
            found.append(WrongEntry(name, index, derivative, slope.value))
        else:
            found.append(None)
    return found

"""Is somebody's gradient of their own loss right? Each entry against a complex step or a difference of the loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, get_args

import numpy as np

from bpcli.checking.measured_slopes import Slope, largest_of
from bpcli.checking.precisions import tolerance_of
from bpcli.checking.subject import CHECKED_WHOLE, SAMPLED
from bpcli.checking.user_loss import Named, UserLoss, named_arrays, require_of_numpy
from bpcli.checking.user_slopes import JUDGEABLE, METHOD_HINT, SURE, Method, contradiction, slopes_of
from bpcli.checking.user_verdicts import DOMAIN, INEXACT, KINK, ArrayCheck, CheckedGradient, WrongEntry
from bpcli.errors import ConfigError, did_you_mean
from bpcli.nn import Array, IndexArray
from bpcli.streams import stream

__tracebackhide__ = True  # a test's failure shows the user's lines alone

DOUBTED = 3
"""How many wrong entries by the complex step are measured by differences too."""


def check_user_gradient(
    loss: Callable[[Any], Any],
    point: Any,
    gradient: Any,
    *,
    method: Method | None = None,
    parameters: int | None = None,
    seed: int = 0,
) -> CheckedGradient:
    """Compare ``gradient`` with measured derivatives of ``loss`` at ``point``, in one form: an array, or several.

    Several arrays are a mapping, a list or a tuple, which the loss gets again. ``parameters`` entries of each array
    are checked, drawn by ``seed``; by default all of up to 2000, else 100 of each. Without a method, the one that
    suits the loss is taken.

    Raises:
        ConfigError: parameters and gradient are not of one structure, the loss is no finite, repeatable number, or
            not analytic where the complex step is asked for, or an option is none.
    """
    _require_options(loss, method, parameters, seed)
    require_of_numpy(point)
    at, given = named_arrays(point, "the parameters"), named_arrays(gradient, "the gradient")
    _require_same_shapes(at, given)
    rng = stream(seed, "gradient check")
    chosen = _chosen(at, parameters, rng)
    every = np.concatenate(list(chosen.values()))
    user = UserLoss(loss, at)
    used, slopes = slopes_of(user, at.theta, every, method, rng)
    measured = dict(zip(every.tolist(), slopes, strict=True))
    checks = [
        _check_array(name, given.arrays[name], places, {i: measured[i] for i in chosen[name].tolist()})
        for name, places in at.places()
    ]
    found = CheckedGradient(used, tuple(checks))
    if method == "complex-step":
        _require_analytic(user, found, measured, rng)
    return found


def _require_options(loss: Any, method: Any, parameters: Any, seed: Any) -> None:
    """Refuse a loss, a method or a number that there is not."""
    if not callable(loss):
        raise ConfigError(f"the loss is {type(loss).__name__}, not a function", hint="give a function of parameters")
    if method not in (None, *get_args(Method)):
        raise ConfigError(f"there is no method {method!r}", hint=did_you_mean(str(method), get_args(Method)))
    if parameters is not None and not (_is_whole(parameters) and parameters >= 1):
        raise ConfigError(f"parameters is {parameters!r}", hint="give a whole number, 1 or more")
    if not (_is_whole(seed) and seed >= 0):
        raise ConfigError(f"seed is {seed!r}", hint="give a whole number, 0 or more")


def _is_whole(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)


def _require_same_shapes(at: Named, given: Named) -> None:
    """Refuse a gradient of another structure than the parameters."""
    hint = "give a derivative for each parameter, under the same names"
    if (at.form == "array") != (given.form == "array"):
        raise ConfigError(f"the gradient is {_in_words(given)}, the parameters are {_in_words(at)}", hint=hint)
    if unequal := sorted(at.arrays.keys() ^ given.arrays.keys()):
        lacking = "gradient" if unequal[0] in at.arrays else "parameters"
        raise ConfigError(f"no array {unequal[0]!r} in the {lacking}", hint=hint)
    for name, array in at.arrays.items():
        found = given.arrays[name]
        if found.shape != array.shape:
            of = f" of {name}" if name else ""
            raise ConfigError(f"the gradient{of} has shape {found.shape}, the parameters {array.shape}", hint=hint)


def _in_words(named: Named) -> str:
    """A form and its names."""
    return "an array" if named.form == "array" else f"a {named.form} of {', '.join(named.arrays)}"


def _require_analytic(
    user: UserLoss, found: CheckedGradient, measured: Mapping[int, Slope], rng: np.random.Generator
) -> None:
    """Refuse the complex step where a difference contradicts it at an entry that is wrong by it."""
    places, theta = dict(user.structure.places()), user.structure.theta
    for entry in found.wrong[:DOUBTED]:
        place = int(places[entry.name][entry.index])
        other = contradiction(user, theta, place, measured[place], rng)
        if other is not None:
            raise ConfigError(
                f"the loss is not analytic: at {entry.place} the complex step gives {entry.measured:.10g}, differences "
                f"give {other.value:.10g}; abs, real or a conjugate hides from the complex step",
                hint=METHOD_HINT,
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
    judged, reasons, wrong = 0, [], []
    for i, slope in measured.items():
        index = tuple(int(k) for k in np.unravel_index(i - first, array.shape))
        derivative = float(array[index])
        allowed = tolerance_of(array) * largest + SURE * slope.error
        fits = slope.low - allowed <= derivative <= slope.high + allowed
        reason = "" if slope.exact and derivative == slope.value else _obstacle(slope, largest, fits=fits)
        if reason:
            reasons.append(reason)
            continue
        judged += 1
        if not fits:
            interval = (_rounded(slope.low, slope), _rounded(slope.high, slope)) if slope.at_kink else None
            wrong.append(WrongEntry(name, index, derivative, slope.value, interval))
    return ArrayCheck(name, judged, tuple(reasons), tuple(wrong))


def _obstacle(slope: Slope, largest: float, *, fits: bool) -> str:
    """Why a slope does not judge a derivative; empty where it does."""
    if not slope.measured:
        return DOMAIN
    if slope.error > JUDGEABLE * largest:
        return INEXACT
    return KINK if fits and slope.at_kink else ""


def _rounded(side: float, slope: Slope) -> float:
    """A side's slope at a kink, 0 where it is as little as its error."""
    return 0.0 if abs(side) <= SURE * slope.error else side

"""Whether two arrays agree, or one is a constant multiple of the other, and what the constant can mean."""

from __future__ import annotations

import numpy as np

from bpcli.checking.known_mistakes.candidates import CorrectPass
from bpcli.checking.precisions import last_bit, tolerance_of
from bpcli.nn import Array
from bpcli.nn.gradient_check import LAST_BIT
from bpcli.nn.losses import HalfSquaredError


def agrees(array: Array, right: Array, rounding: Array | float = 0.0) -> bool:
    """Whether two arrays have one shape and differ by no more than the tolerance and ``rounding``.

    ``rounding`` is that of float64; a coarser precision of ``array`` enlarges it.
    """
    if array.shape != right.shape:
        return False
    coarser = max(1.0, last_bit(array) / LAST_BIT)
    allowed = tolerance_of(array) * np.abs(right).max() + coarser * rounding
    return bool((np.abs(array - right) <= allowed).all())


def factor(array: Array, right: Array, largest_term: float = 0.0) -> float | None:
    """The c for which ``array`` is c times ``right``; None where ``array`` is no multiple.

    c is 1 where both arrays are nothing but rounding errors of sums of terms up to ``largest_term``.
    """
    if array.shape != right.shape or not np.isfinite(right).all():
        return None
    largest, negligible = float(np.abs(right).max()), tolerance_of(array) * largest_term
    if largest <= negligible:
        return 1.0 if np.abs(array).max() <= max(negligible, np.finfo(np.float64).tiny) else None
    if not largest:
        return None
    unit = right / largest  # no square of it underflows
    c = float(np.sum(array * unit) / np.sum(unit * unit)) / largest
    if c == 0 or not np.isfinite(c):
        return None
    if np.abs(array - c * right).max() > tolerance_of(array) * np.abs(c * right).max():
        return None
    return 1.0 if is_close(c, 1, array) else c


def is_close(c: float, value: float, array: Array) -> bool:
    """Whether a factor of ``array`` equals ``value`` within the array's precision."""
    return bool(np.isclose(c, value, rtol=10 * tolerance_of(array), atol=0))


def meanings(c: float, array: Array, correct: CorrectPass) -> list[str]:
    """What a constant factor of ``array`` can mean, in words; empty for one without a known meaning."""
    loss, m, n = correct.network.head.loss, correct.ws.m, correct.network.sizes[-1]
    averaged, over_outputs = loss.examples == "mean", loss.outputs == "mean"
    halved = isinstance(loss, HalfSquaredError)
    known = [
        (1.0, True, ""),
        (float(m), averaged, "without the division by the m examples (1/m)"),
        (1.0 / m, True, "divided by the m examples once too often"),
        (float(n), over_outputs, "without the division by the outputs (1/n_L)"),
        (1.0 / n, True, "divided by the n_L outputs once too often"),
        (
            float(m * n),
            averaged and over_outputs and m > 1 < n,
            "without the divisions by examples and outputs (1/m, 1/n_L)",
        ),
        (2.0, halved, "with the ½ of the loss left out"),
        (0.5, halved, "with a ½ too many"),
    ]
    fitting = [words for value, possible, words in known if possible and value != 1 and is_close(c, value, array)]
    fitting += [
        f"{words} and the sign turned" if words else "with the sign of the gradient turned"
        for value, possible, words in known
        if possible and (value != 1 or not words) and is_close(c, -value, array)
    ]
    return fitting or (["as it should be"] if c == 1 else [])

"""What is said of arrays smaller than the rounding of the right ones: a multiple of these, a sum of nothing, or zero.

Rounding excuses any difference as small as these arrays are, so they are measured by their own size.
"""

from __future__ import annotations

import numpy as np

from bpcli.checking.known_mistakes.evidence import DIGITS, Evidence
from bpcli.checking.known_mistakes.guesses import sums_over_axes
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays


def is_rounded_away(wrong: WrongArrays) -> bool:
    """Whether every array given is smaller than the rounding of the right one."""
    return all(largest <= rounding for largest, rounding in zip(wrong.largest, wrong.roundings, strict=True))


def multiple_of_right(evidence: Evidence) -> float:
    """The factor of the right arrays that gives these to the tolerance of their own size; 0 where none does."""
    wrong = evidence.wrong
    c = wrong.sample.factor(wrong.sample.of(wrong.right))
    error = float(np.abs((wrong.given - c * wrong.right) / wrong.widths).max())
    if not error <= wrong.tolerance:
        return 0.0
    digits = -np.log10(max(error, wrong.noise))
    return c if (evidence.equations - 1) * digits >= DIGITS else 0.0


def zero_in_words(wrong: WrongArrays) -> str:
    """A sum of dZ over the wrong axes, where its terms cancel and leave rounding alone, or just zero."""
    for guess in sums_over_axes(wrong) if wrong.name == "db" else ():
        if not wrong.error(guess.whole):
            return guess.words
    return "it is practically zero, smaller than rounding"

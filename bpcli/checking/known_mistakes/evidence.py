"""Whether a guess is to be believed: it fits, better than what is right, and chance cannot have made it fit.

Each equation that is met beyond the guess's own free numbers adds the digits to
which it is met. How many equations there are depends on what else could have made
the arrays: any dZ with the right inputs, or the right dZ with any inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpcli.checking.known_mistakes.guess import Guess
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays, basis_of

DIGITS = 3
"""Decimal digits by which the equations met exceed what chance explains."""

BETTER = 1e-2
"""A guess leaves at most this share of the error that the right arrays leave."""


@dataclass(frozen=True)
class Evidence:
    """How many equations the wrong arrays are, and which guesses meet them."""

    wrong: WrongArrays

    @cached_property
    def equations(self) -> int:
        """How many numbers the given arrays fix, were dZ or the inputs of the layer anything at all.

        A product of any dZ with the right inputs has no more than n times their rank; likewise for any inputs.
        """
        wrong = self.wrong
        if wrong.misshapen:
            return int(np.count_nonzero(wrong.given))
        rows = int((wrong.given.any(axis=1) | wrong.right.any(axis=1)).sum())
        columns = int((wrong.given.any(axis=0) | wrong.right.any(axis=0)).sum())
        counts = [rows * columns]
        for matrix, others, along in ((wrong.inputs, rows, wrong.given.T), (wrong.dZ, columns, wrong.given)):
            basis = basis_of(matrix)
            outside = along - basis @ (basis.T @ along)
            if np.abs(outside).max() <= wrong.tolerance * np.abs(along).max():
                counts.append(others * basis.shape[1])
        return min(counts)

    def decides(self, error: float, guess: Guess, parameters: int = 0, hypotheses: float = 0.0) -> bool:
        """Whether a guess with that error, and so many further parameters and digits of hypotheses, is believed."""
        wrong, fitted = self.wrong, guess.parameters + parameters
        if not error <= min(wrong.tolerance, BETTER * wrong.error_of_right) or (fitted and wrong.is_rounding):
            return False
        digits = np.log10(min(1.0, wrong.error_of_right) / max(error, wrong.noise))
        equations = self.equations if guess.numbers is None else min(self.equations, guess.numbers)
        return bool((equations - fitted) * digits >= DIGITS + guess.hypotheses + hypotheses)

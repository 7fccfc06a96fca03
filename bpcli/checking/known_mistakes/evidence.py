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
from bpcli.nn import Array

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
        """How many numbers the given arrays fix, were dZ or the inputs of the layer anything at all."""
        wrong = self.wrong
        if wrong.misshapen:
            return int(np.count_nonzero(wrong.given))
        either = (wrong.given != 0) | (wrong.right != 0)
        return self._within(either)

    def _within(self, places: Array) -> int:
        """How many numbers the rows and columns with one of these places fix.

        A product of any dZ with the right inputs has no more than its rows times the inputs' rank; likewise for any
        inputs.
        """
        rows, columns = int(places.any(axis=1).sum()), int(places.any(axis=0).sum())
        of_inputs, of_errors = self._ranks
        return min(rows * columns, rows * of_inputs, columns * of_errors)

    @cached_property
    def _ranks(self) -> tuple[int, int]:
        """The ranks of the inputs and of dZ, where the given arrays lie in what these span; no limit elsewhere."""
        wrong, ranks = self.wrong, []
        for matrix, along in ((wrong.inputs, wrong.given.T), (wrong.dZ, wrong.given)):
            basis = basis_of(matrix)
            outside = along - basis @ (basis.T @ along)
            spanned = np.abs(outside).max() <= wrong.tolerance * np.abs(along).max()
            ranks.append(basis.shape[1] if spanned else wrong.given.size)
        return ranks[0], ranks[1]

    def decides(self, error: float, guess: Guess, parameters: int = 0, hypotheses: float = 0.0) -> bool:
        """Whether a guess with that error, and so many further parameters and digits of hypotheses, is believed."""
        wrong, fitted = self.wrong, guess.parameters + parameters
        if not error <= min(wrong.tolerance, BETTER * wrong.error_of_right) or (fitted and wrong.is_rounding):
            return False
        digits = np.log10(min(1.0, wrong.error_of_right) / max(error, wrong.noise))
        return bool((self._met_by(guess, fitted) - fitted) * digits >= DIGITS + guess.hypotheses + hypotheses)

    def _met_by(self, guess: Guess, fitted: int) -> int:
        """The equations that a guess meets; zeros that it has for any value of its fitted numbers are none."""
        equations = self.equations if guess.numbers is None else min(self.equations, guess.numbers)
        if not fitted or self.wrong.misshapen:
            return equations
        return min(equations, self._within(guess.whole != 0))

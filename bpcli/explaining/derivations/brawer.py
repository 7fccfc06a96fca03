"""The displayed equations of Brawer's derivation, in its order."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.explaining.derivations import brawer_general, brawer_gradients, brawer_values
from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.trace import Trace

ZERO = "before (31)"
LETTERS = {1: "a", 8: "a", 15: "a", 17: "a", 29: "a", 33: "a"}
"""The numbers that stand twice, the second time with a letter."""


def _displayed() -> Iterator[str]:
    """(1) to (48), of which there is no (4) and no (38), and one without a number."""
    for number in range(1, 49):
        if number == 31:
            yield ZERO
        if number not in (4, 38):
            yield f"({number})"
        if number in LETTERS:
            yield f"({number}{LETTERS[number]})"


DISPLAYED = tuple(_displayed())
"""Every equation that the document displays, once, in its order."""

SLIPS = brawer_values.SLIPS | brawer_gradients.SLIPS | brawer_general.SLIPS
"""The notes on mistakes in print."""


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    return (*brawer_values.derived(trace), *brawer_gradients.derived(trace), *brawer_general.derived(trace))

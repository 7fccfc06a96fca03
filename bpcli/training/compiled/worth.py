"""From how much work on the products and loops of one kernel are shared out over threads."""

from __future__ import annotations

from itertools import pairwise

POSTING = 1_000_000
"""Multiplications of a product from which on its parts are posted."""

LONG_LOOP = 1 << 16
"""Entries of a loop over parameters from which on its parts are posted: one thread takes some 10 µs for Adam's."""

HELP = 10_000_000
"""Multiplications of a forward pass, in posted products, from which on helpers save more than their call costs.

Each stretch has to wake them. Where another process has the second processor, 784-128-10 with batches of 32, 3 million,
takes a tenth longer for it.
"""


def helpful(sizes: tuple[int, ...], columns: float) -> bool:
    """Whether a step of a network of these sizes, on so many examples, is long enough for helpers to be called."""
    products = [above * below * columns for below, above in pairwise(sizes)]
    return columns > 1 and sum(one for one in products if one >= POSTING) >= HELP

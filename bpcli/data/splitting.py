"""Dealing a file's rows into training, validation and test parts."""

from __future__ import annotations

import numpy as np

from bpcli.data.files.cells import distinct
from bpcli.nn import Array, IndexArray

PARTS = ("train", "validation", "test")


def split(
    size: int, fractions: dict[str, float], rng: np.random.Generator, classes: Array | None = None
) -> dict[str, IndexArray]:
    """Row numbers, ascending, of each part; ``fractions`` for validation and test.

    Each of the two gets ``round(fraction · size)`` rows, drawn at random. With
    ``classes``, (size,), each class is dealt in proportion, as near as whole
    numbers allow, and keeps at least one example in training; what it keeps so
    is not made up for by other classes.
    """
    groups = [np.arange(size)] if classes is None else [np.flatnonzero(classes == c) for c in distinct(classes)]
    shuffled = [rng.permutation(group) for group in groups]
    left = np.array([len(group) for group in groups])
    dealt: dict[str, IndexArray] = {}
    for part in ("test", "validation"):
        total = round(fractions.get(part, 0.0) * size)
        shares = _apportion(total, np.array([len(group) for group in groups]) * (total / size), left - 1)
        taken = [group[n - k : n] for group, n, k in zip(shuffled, left, shares, strict=True)]
        dealt[part] = np.sort(np.concatenate(taken))
        left = left - shares
    dealt["train"] = np.sort(np.concatenate([group[:n] for group, n in zip(shuffled, left, strict=True)]))
    return {part: dealt[part] for part in PARTS}


def _apportion(total: int, quotas: Array, limits: Array) -> IndexArray:
    """Whole shares next to ``quotas``, none above ``limits``, adding up to ``total`` where the limits allow.

    Largest remainders first (Hamilton's method); equal ones in the order of groups.
    """
    floors, ceilings = np.floor(quotas + 1e-9).astype(np.intp), np.ceil(quotas - 1e-9).astype(np.intp)
    shares = np.minimum(floors, limits)
    for group in np.argsort(floors - quotas, kind="stable"):
        if shares.sum() < total and shares[group] < min(ceilings[group], limits[group]):
            shares[group] += 1
    return shares

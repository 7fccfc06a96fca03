"""Whether there is something to learn in the target."""

from __future__ import annotations

import numpy as np

from bpcli.data.warnings import listed
from bpcli.diagnosis.findings import Finding, ok
from bpcli.diagnosis.table import Table

RARE, USUAL = 0.25, 0.95
"""A class is rare below this share of an even one; above the second share, one answer is nearly always right."""


def constant_target(table: Table) -> Finding:
    """A target that is the same in every training row."""
    constant = [column.name for column in table.targets if not (column.train != column.train[0]).any()]
    if not constant:
        return ok("the target varies")
    return Finding(
        "problem",
        f"the same in every training row looked at: {listed(constant)}",
        "there is nothing to learn: any network that always gives this answer is perfect",
        "check data.target, and how the file was filtered and split",
    )


def class_balance(table: Table) -> Finding:
    """How frequent the classes are in training."""
    if not table.raw.classification:
        return ok("the target is a number")
    for column in table.targets:
        values, counts = np.unique(column.train, return_counts=True)
        shares, words = counts / counts.sum(), {value: word for word, value in column.words.items()}
        named = [words.get(value, f"{value:g}") for value in values]
        if shares.min() * len(shares) < RARE or shares.max() > USUAL:
            few, many = int(np.argmin(shares)), int(np.argmax(shares))
            return Finding(
                "note",
                f"{column.name}: {named[few]} is {shares[few]:.1%} of training rows, {named[many]} {shares[many]:.1%}",
                f"always answering {named[many]} has an accuracy of {shares[many]:.1%}; a rare class is easily ignored",
                "data.class_weight: balanced, and metrics: [balanced_accuracy]",
            )
    return ok("no class is rare")

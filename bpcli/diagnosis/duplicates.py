"""Rows that stand in several parts, or several times in one."""

from __future__ import annotations

import numpy as np

from bpcli.data.splitting import HELD_OUT
from bpcli.diagnosis.findings import Finding, ok
from bpcli.diagnosis.table import Table
from bpcli.nn import Array

PROBLEM = 0.05
"""The share of a held-out part's rows that may also be in training."""

CONFLICTING = 0.02
"""The share of held-out rows that may have the features of a training row and another target."""

FEWEST = 5
"""So few rows may be in training too, however small the part."""

ROOM = 20
"""Where the columns allow for fewer than so many different rows per training row, equal rows are no surprise."""


def duplicates(table: Table) -> Finding:
    """Rows with the same cells in training and in a part that is held out, and within training."""
    if sum(len(rows) for rows in table.raw.rows.values()) * len(table.raw.features) > table.limits.cells:
        return ok("not looked at: the table is too large")
    hashes = {part: np.concatenate(list(table.blocks(part))) for part in table.rows}
    train = hashes["train"]
    within = 1 - len(_distinct(_whole(train))) / len(train)
    shared, conflicting, held_out, figures = 0.0, 0, 0, list[str]()
    for part in (each for each in HELD_OUT if each in hashes):
        own = hashes[part]
        known = _are_among(own[:, 0], train[:, 0])
        equal = _are_among(_whole(own), _whole(train))
        figures.append(f"{equal.sum():,} of {len(own):,} {part} rows are in training too")
        if equal.sum() > FEWEST:
            shared = max(shared, float(equal.mean()))
        conflicting, held_out = conflicting + int((known & ~equal).sum()), held_out + len(own)
    figures.append(f"{within:.1%} of the training rows stand there again")
    if conflicting:
        figures.append(f"{conflicting:,} held-out rows have the features of a training row and another target")
    text = "; ".join(figures)
    crowded = _possible_rows(table) < ROOM * len(train)
    meaning = "what is measured on rows that were trained on says nothing about new ones"
    remedy = "leave each row in the file once, or keep equal rows together with data.group"
    if shared > PROBLEM and not crowded:
        return Finding("problem", text, meaning, remedy)
    if shared > PROBLEM or within > PROBLEM or conflicting > max(FEWEST, CONFLICTING * held_out):
        reason = "so few different rows are possible that equal ones are no surprise" if crowded else meaning
        return Finding("note", text, reason, "" if crowded else remedy)
    return ok(text)


def _whole(hashes: Array) -> Array:
    """(m,) a hash of features and targets together."""
    mixed: Array = hashes[:, 0] ^ (hashes[:, 1] * np.uint64(0x94D049BB133111EB))
    return mixed


def _are_among(values: Array, known: Array) -> Array:
    """(m,) which values are among the known ones; numpy.isin imports numpy.ma, which is slow."""
    ordered = np.sort(known)
    found: Array = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    return found


def _distinct(values: Array) -> Array:
    return np.unique(values, return_counts=True)[0]


def _possible_rows(table: Table) -> float:
    """How many different rows the values of the sampled columns make, at most."""
    counts = [max(1, len(_distinct(column.train[~np.isnan(column.train)]))) for column in table.features]
    return float(np.exp(min(700.0, np.sum(np.log(counts)))))

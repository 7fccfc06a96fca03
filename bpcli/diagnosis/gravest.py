"""What training says of its data by itself: what makes its result worthless, found in time small beside loading."""

from __future__ import annotations

from collections.abc import Callable

from bpcli.data.raw import RawData
from bpcli.diagnosis.columns import ids
from bpcli.diagnosis.duplicates import duplicates
from bpcli.diagnosis.findings import Finding
from bpcli.diagnosis.leaks import leaking_columns
from bpcli.diagnosis.table import Limits, Table
from bpcli.diagnosis.target import constant_target

GRAVE: dict[str, Callable[[Table], Finding]] = {
    "the target is constant": constant_target,
    "a feature tells the target": leaking_columns,
    "rows are in several parts": duplicates,
    "a feature looks like a name of the rows": ids,
}
"""What is looked at, by what it is called; one line says the first that is a problem."""

QUICK = Limits(rows=1_000, columns=100, cells=5_000_000)
"""How much of the data is looked at before a training."""


def gravest(raw: RawData) -> list[str]:
    """One line about the gravest problem of the data; nothing where there is none."""
    table = Table(raw, QUICK)
    for name, check in GRAVE.items():
        found = check(table)
        if found.verdict == "problem":
            return [f"{name}: {found.figures}; see bp doctor"]
    return []

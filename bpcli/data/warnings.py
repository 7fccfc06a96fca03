"""What the user should know of the data: counted while they are read, one line for each kind of thing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

SHOWN = 5
"""How many names a line lists before it says how many more there are."""


def listed(names: list[str]) -> str:
    """The first few of ``names``, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


@dataclass(frozen=True)
class Strays:
    """Cells of a ``column`` that are not of its ``kind``: the first and where it stands, how many, of how many cells.

    ``others`` are some of the other words that these cells hold. The key ``mended_by`` makes numbers of them.
    ``listed`` are the words that ``data.missing`` has, if not its default.
    """

    column: str
    first: str
    where: str
    count: int
    cells: int
    others: tuple[str, ...] = ()
    kind: str = "numbers"
    mended_by: str = ""
    listed: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The first, where it stands, and how many there are."""
        return f"{self.first!r} at {self.where} ({self.count:,} of {number_of(self.cells, 'cell')})"

    @property
    def instead(self) -> str:
        """What a column of text would be, if not numbers."""
        return "" if self.kind == "numbers" else f", not {self.kind},"

    @property
    def remedy(self) -> str:
        """What to do if they are numbers, or mean a missing value."""
        if self.mended_by:
            return f"if {'they are numbers' if self.others else 'it is a number'}: {self.mended_by}"
        words = [*self.listed, self.first, *self.others]
        return f"if {'they mean' if self.others else 'it means'} missing: data.missing: {words}"


@dataclass
class DataWarnings:
    """Counters by column or class; :meth:`lines` words them."""

    imputed: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    constant: list[str] = field(default_factory=list)
    rare: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    many: list[str] = field(default_factory=list)
    slips: list[Strays] = field(default_factory=list)
    strays: list[Strays] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    imputed_dates: Counter[str] = field(default_factory=Counter)
    constant_parts: dict[str, list[str]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """One line for each kind of thing that was found."""
        lines = []
        if self.constant:
            lines.append(f"{number_of(len(self.constant), 'column')} constant in training: {listed(self.constant)}")
        lines += [
            f"{part} constant in training, left out of {listed(names)}" for part, names in self.constant_parts.items()
        ]
        if self.imputed:
            missing = number_of(self.imputed.total(), "missing number")
            lines.append(f"{missing} imputed by the training median: {_tallied(self.imputed)}")
        if self.imputed_dates:
            missing = number_of(self.imputed_dates.total(), "missing date")
            lines.append(f"{missing} imputed by the training medians of their parts: {_tallied(self.imputed_dates)}")
        if self.unseen:
            values = number_of(self.unseen.total(), "value")
            lines.append(f"{values} of categories unseen in training, encoded as zeros: {_tallied(self.unseen)}")
        if self.rare:
            lines.append(
                f"{number_of(len(self.rare), 'class')} with one example, kept in training: {listed(self.rare)}"
            )
        if self.absent:
            absent = number_of(len(self.absent), "class")
            lines.append(f"{absent} absent from training but present elsewhere: {listed(self.absent)}")
        nearly = {strays.column for strays in self.slips}
        many = [name for name in self.many if name not in nearly]
        if many:
            lines.append(f"text columns in which most values differ (leave them out with drop?): {listed(many)}")
        lines += _by_column("column {column!r} is text{instead} because of {place}; {remedy}", self.slips)
        counted = "column {column!r}, of {kind} in training, holds {place}, which counts as missing; {remedy}"
        return [*lines, *_by_column(counted, self.strays), *self.other]


def number_of(number: int, noun: str) -> str:
    """So many of something, in words."""
    plural = "classes" if noun == "class" else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def _by_column(line: str, found: list[Strays]) -> list[str]:
    """A line for each of the first few columns, and how many more there are."""
    lines = [
        line.format(column=one.column, kind=one.kind, instead=one.instead, place=one.place, remedy=one.remedy)
        for one in found[:SHOWN]
    ]
    return [*lines, f"the same in {number_of(len(found) - SHOWN, 'more column')}"] if len(found) > SHOWN else lines


def _tallied(counts: Counter[str]) -> str:
    return listed([f"{name} ({number})" for name, number in counts.most_common()])

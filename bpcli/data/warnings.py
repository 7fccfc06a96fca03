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


@dataclass
class DataWarnings:
    """Counters by column or class; :meth:`lines` words them."""

    imputed: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    constant: list[str] = field(default_factory=list)
    rare: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    many: list[str] = field(default_factory=list)
    nearly_numbers: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """One line for each kind of thing that was found."""
        lines = []
        if self.constant:
            lines.append(f"{_count(len(self.constant), 'column')} constant in training: {listed(self.constant)}")
        if self.imputed:
            missing = _count(self.imputed.total(), "missing number")
            lines.append(f"{missing} imputed by the training median: {_tallied(self.imputed)}")
        if self.unseen:
            values = _count(self.unseen.total(), "value")
            lines.append(f"{values} of categories unseen in training, encoded as zeros: {_tallied(self.unseen)}")
        if self.rare:
            lines.append(f"{_count(len(self.rare), 'class')} with one example, kept in training: {listed(self.rare)}")
        if self.absent:
            lines.append(
                f"{_count(len(self.absent), 'class')} absent from training but present elsewhere: {listed(self.absent)}"
            )
        if self.many:
            lines.append(f"text columns in which most values differ (leave them out with drop?): {listed(self.many)}")
        if self.nearly_numbers:
            lines.append(f"columns read as text for a few values that are not numbers: {listed(self.nearly_numbers)}")
        return lines + self.other


def _count(number: int, noun: str) -> str:
    plural = "classes" if noun == "class" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def _tallied(counts: Counter[str]) -> str:
    return listed([f"{name} ({number})" for name, number in counts.most_common()])

"""What columns become: an input of the network, described, and how many there are of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Input:
    """One input: of which ``column``, of what ``kind``, and which ``part`` of it, such as a category.

    A missing value counts as ``fill``; then x becomes (x − shift)/width, 0 where the width is.
    An input without them is 0 or 1.
    """

    column: str
    kind: str
    part: str = ""
    fill: float | None = None
    shift: float | None = None
    width: float | None = None

    @property
    def name(self) -> str:
        """The column, with the part of it that the input is: ``colour=red``."""
        return f"{self.column}={self.part}" if self.part else self.column


def summary(kinds: Iterable[tuple[str, int]]) -> str:
    """How many columns became how many inputs: for each column the words for its kind, and how many inputs it made."""
    columns, inputs = Counter[str](), Counter[str]()
    for words, made in kinds:
        columns[words] += 1
        inputs[words] += made
    parts = [
        words.format(
            inputs=f"{inputs[words]:,}",
            s="s" * (inputs[words] != 1),
            columns=f"{columns[words]:,}",
            c="s" * (columns[words] != 1),
        )
        for words in columns
    ]
    return f"{_count(columns.total(), 'column')} became {_count(inputs.total(), 'input')}: {', '.join(parts)}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"

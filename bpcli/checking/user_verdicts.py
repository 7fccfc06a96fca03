"""What is said of somebody's gradient: which entries are wrong, which could not be judged and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from bpcli.checking.user_slopes import Method

NAMED = 10
"""The most wrong entries that a message names."""

DOMAIN = "the loss is not finite a small step away: it is at the edge of its domain, or too large"
KINK = "the loss has a kink"
INEXACT = "the loss is too inexact"

HINTS = {
    DOMAIN: 'take method="complex-step" if the loss takes complex numbers, else other parameters',
    KINK: "check it at other parameters",
    INEXACT: "compute the loss in float64, or take other parameters",
}
"""What helps, by the reason for which an entry cannot be judged."""


@dataclass(frozen=True)
class WrongEntry:
    """An entry whose derivative differs from the measured one, or at a kink lies outside ``allowed``."""

    name: str
    index: tuple[int, ...]
    given: float
    measured: float
    allowed: tuple[float, float] | None = None

    @property
    def place(self) -> str:
        """Its array, row and column in words."""
        if len(self.index) > 2:
            place = f"index {self.index}"
        else:
            place = ", ".join(f"{word} {i}" for word, i in zip(("row", "column"), self.index, strict=False))
        return ", ".join(filter(None, [self.name, place])) or "the derivative"

    def __str__(self) -> str:
        given = f"{self.place}: given {self.given:.10g}"
        if self.allowed is None:
            return f"{given}, measured {self.measured:.10g}"
        low, high = self.allowed
        return f"{given}; at this kink of the loss every value from {low:.6g} to {high:.6g} is right"


@dataclass(frozen=True)
class ArrayCheck:
    """How many entries of an array were judged, for what reason each of the others could not be, and the wrong ones."""

    name: str
    judged: int
    reasons: tuple[str, ...]
    wrong: tuple[WrongEntry, ...]

    @property
    def not_judged(self) -> int:
        """The number of entries that could not be judged."""
        return len(self.reasons)


@dataclass(frozen=True)
class CheckedGradient:
    """By which method a gradient was checked, and its arrays."""

    method: Method
    arrays: tuple[ArrayCheck, ...]

    @property
    def judged(self) -> int:
        """The number of entries that were judged."""
        return sum(array.judged for array in self.arrays)

    @property
    def not_judged(self) -> int:
        """The number of entries that could not be judged."""
        return sum(array.not_judged for array in self.arrays)

    @property
    def wrong(self) -> list[WrongEntry]:
        """The entries that are wrong."""
        return [entry for array in self.arrays for entry in array.wrong]

    @property
    def unjudged_arrays(self) -> list[str]:
        """The names of the arrays of which no entry could be judged."""
        return [array.name for array in self.arrays if array.not_judged and not array.judged]

    @property
    def passed(self) -> bool:
        """Whether no entry is wrong, and some of each array were judged."""
        return not self.wrong and not self.unjudged_arrays

    @property
    def message(self) -> str:
        """What is wrong, in words; empty for nothing."""
        lines = []
        if self.wrong:
            lines.append(f"the gradient is wrong at {len(self.wrong)} of {self.judged} entries, by {self.method}")
            lines += map(str, self.wrong[:NAMED])
            lines += ["…"] * (len(self.wrong) > NAMED)
        unjudged = [array for array in self.arrays if array.not_judged and not array.judged]
        for array in unjudged:
            lines.append(f"no entry of {array.name or 'the gradient'} can be judged here: {_listed(array.reasons)}")
        reasons = [reason for array in self.arrays for reason in array.reasons]
        if self.wrong and reasons and not unjudged:
            entries = "entry" if len(reasons) == 1 else "entries"
            lines.append(f"{len(reasons)} more {entries} cannot be judged here: {_listed(reasons)}")
        lines += [f"hint: {HINTS[reason]}" for reason in dict.fromkeys(chain(*(one.reasons for one in unjudged)))]
        return "\n".join(lines)


def _listed(reasons: Iterable[str]) -> str:
    """Each reason once."""
    return "; or ".join(dict.fromkeys(reasons))

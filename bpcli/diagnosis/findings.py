"""What a check of the doctor found: a verdict, figures, what they mean, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """A verdict with its ``figures``; ``meaning`` and ``remedy`` are for what is not ok.

    ``drawing`` are lines to show below it.
    """

    verdict: Verdict
    figures: str
    meaning: str = ""
    remedy: str = ""
    drawing: tuple[str, ...] = ()

    def as_dict(self, name: str) -> dict[str, Any]:
        """Plain data, with the check's name."""
        return {"check": name, **{key: value for key, value in asdict(self).items() if value}}


def ok(figures: str) -> Finding:
    """Nothing to mend."""
    return Finding("ok", figures)

"""What results decide while training goes on: which parameters are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from bpcli.training.keeping import Keep, Last


@dataclass(frozen=True)
class Control:
    """How the results of epochs act on a training."""

    keep: Keep = field(default_factory=Last)


PLAIN = Control()
"""Every epoch of the plan is trained, and the last one's parameters are kept."""

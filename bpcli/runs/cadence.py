"""When a run under way is saved."""

from __future__ import annotations

from time import monotonic

from bpcli.config.schema import CheckpointSection
from bpcli.training.loop import Epoch, TrainingEvent

SHARE = 0.03
"""The part of the time that saving may take, where the config does not say when."""

LEAST_SECONDS, MOST_SECONDS = 10.0, 600.0
"""The bounds of that interval: what a crash can lose is not worth less, and more is too much to lose.

A save that takes more than 18 s, on a very slow disk, so takes more than its share.
"""


class Cadence:
    """After so many epochs, or so many seconds, as a config's ``checkpoint`` says; else by how long a save takes."""

    def __init__(self, section: CheckpointSection | None) -> None:
        self._epochs = None if section is None else section.epochs
        self._seconds = None if section is None else section.seconds
        self._interval = LEAST_SECONDS if self._seconds is None else self._seconds
        self._saved_at = monotonic()

    def saved(self, took: float) -> None:
        """Take notice of a save that has just ended, after so many seconds."""
        self._interval = interval(took) if self._seconds is None else self._seconds
        self._saved_at = monotonic()

    def due(self, event: TrainingEvent) -> bool:
        """Whether to save after an event."""
        if self._epochs is not None:
            return isinstance(event, Epoch) and event.epoch % self._epochs == 0
        return monotonic() - self._saved_at > self._interval


def interval(took: float) -> float:
    """The seconds from one save to the next, where a save took so many."""
    return min(max(took / SHARE, LEAST_SECONDS), MOST_SECONDS)

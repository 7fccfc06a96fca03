"""A training that trackers follow, event by event. What fails in a tool is said, and the run goes on without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bpcli.errors import BpError
from bpcli.runs.execution import Event, RunEnded, RunStarted
from bpcli.tracking.protocol import Recording, TrackedRun, Tracker
from bpcli.training.loop import Epoch

ALL_THE_SAME = "; the run goes on without it, and is complete in its folder"


class Following:
    """The trackers of one run, by their names, with the run's ``settings``; :meth:`see` is given its every event."""

    def __init__(self, trackers: Mapping[str, Tracker], settings: Mapping[str, Any]) -> None:
        self._trackers, self._settings = trackers, settings
        self._recordings: dict[str, Recording] = {}

    def see(self, event: Event) -> list[str]:
        """Pass an event to every tracker; a warning for each that failed, which gets no more of them."""
        if isinstance(event, RunStarted):
            return [*self._start(TrackedRun(event.run.folder, self._settings, event.run.record["epochs"]))]
        if isinstance(event, Epoch):
            values = {"learning_rate": event.learning_rate, **event.values}
            return [*self._tell(lambda recording: recording.epoch(event.epoch, values))]
        if isinstance(event, RunEnded):
            return [*self._tell(lambda recording: recording.end(event.outcome, event.run.record["final"]))]
        return []

    def _start(self, run: TrackedRun) -> Iterator[str]:
        for name, tracker in self._trackers.items():
            try:
                self._recordings[name] = tracker.start(run)
            except Exception as error:  # noqa: BLE001 - as below
                yield _failed(name, error)

    def _tell(self, what: Callable[[Recording], None]) -> Iterator[str]:
        for name, recording in [*self._recordings.items()]:
            try:
                what(recording)
            except Exception as error:  # noqa: BLE001 - a tool raises what it likes, and no run is lost to it
                del self._recordings[name]
                yield _failed(name, error)


def _failed(name: str, error: Exception) -> str:
    if isinstance(error, BpError):
        words = f"{error.where}: {error.message}" if error.where else error.message
    else:
        words = (str(error) or type(error).__name__).partition("\n")[0]
    return f"--track {name} failed: {words}{ALL_THE_SAME}"

"""TensorBoard: an event file in the run's folder, where ``tensorboard --logdir runs`` finds it.

The writer is tensorboardX, which neither is nor loads TensorFlow, nor the server and its many dependencies. Events are
written as they come, each epoch flushed, so a killed run has all that it said.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bpcli.extras import library
from bpcli.tracking.protocol import Recording, TrackedRun

PARTS = {"val_": "validation", "test_": "test"}
"""The parts of columns by their prefix; others are of training."""


@dataclass(frozen=True)
class TensorBoard:
    """Scalars by epoch in an event file of the run's folder; show them with ``tensorboard --logdir runs``."""

    def require(self) -> None:
        """The library is installed; the folder is the run's own."""
        library("tensorboardX", "tensorboard", "--track tensorboard needs tensorboardX")

    def start(self, run: TrackedRun) -> Recording:
        """A new event file. Where a run goes on, readers forget what an earlier file has of later epochs."""
        return _EventFile(run)


class _EventFile:
    def __init__(self, run: TrackedRun) -> None:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2, summary_pb2

        self._event, self._summary = event_pb2, summary_pb2
        self._writer = EventsWriter(str(run.folder / "events"), f".{secrets.token_hex(4)}")
        if run.epochs_before:
            started = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._add(run.epochs_before + 1, session_log=started)
        self._writer.flush()
        self._last = run.epochs_before

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """A scalar for each value; ``val_loss`` is ``loss/validation``, beside ``loss/training``."""
        self._scalars(epoch, values)
        self._last = epoch

    def end(self, outcome: str, final: Mapping[str, float]) -> None:
        """The metrics of the test part, at the last epoch."""
        tested = {name: value for name, value in final.items() if name.startswith("test_")}
        if tested:
            self._scalars(self._last, tested)
        self._writer.close()

    def _scalars(self, step: int, values: Mapping[str, float]) -> None:
        scalars = [self._summary.Summary.Value(tag=tag_of(name), simple_value=value) for name, value in values.items()]
        self._add(step, summary=self._summary.Summary(value=scalars))
        self._writer.flush()

    def _add(self, step: int, **what: Any) -> None:
        self._writer.write_event(self._event.Event(wall_time=time.time(), step=step, **what))


def tag_of(column: str) -> str:
    """``loss/validation`` for ``val_loss``: TensorBoard shows what has the same first word in one group."""
    if column == "learning_rate":
        return column
    for prefix, part in PARTS.items():
        if column.startswith(prefix):
            return f"{column.removeprefix(prefix)}/{part}"
    return f"{column}/training"

"""The connections between rank 0 and each other rank: a thread beside the work hears them, and gives signs of life.

What is heard, and that a connection is broken, is for a :class:`Listener` to judge.
"""

from __future__ import annotations

import selectors
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol

from bpcli.ranks.wire import Wire

BEAT = 0.25
"""Seconds between two signs of life."""


class Listener(Protocol):
    """What is called in the thread that hears."""

    def take(self, other: int, message: dict[str, Any]) -> None:
        """Another rank says something."""
        ...

    def lost(self, other: int, error: Exception) -> None:
        """The connection to another rank is broken, and is heard no more."""
        ...

    def beat(self) -> None:
        """Some time has passed, at most :data:`BEAT`."""
        ...


class Connections:
    """The connections of a rank, by the other one's index: rank 0 has one to each, each other rank one to rank 0.

    It is a beat, too, when one of the files ``ends`` can be read.
    """

    def __init__(self, wires: Mapping[int, Wire], ends: Sequence[int] = ()) -> None:
        self._wires, self._fewer = dict(wires), threading.Condition()
        self._selector = selectors.DefaultSelector()
        for other, wire in wires.items():
            self._selector.register(wire.connection, selectors.EVENT_READ, other)
        for end in ends:
            self._selector.register(end, selectors.EVENT_READ)

    def __len__(self) -> int:
        """The connections that are not broken."""
        return len(self._wires)

    def listen(self, listener: Listener) -> None:
        """Hear the others from now on, as long as there is one."""
        threading.Thread(target=self._run, args=(listener,), daemon=True).start()

    def tell_all(self, message: Mapping[str, Any] | None) -> None:
        """Send to all; that a connection is broken, the thread hears."""
        for wire in list(self._wires.values()):
            with suppress(OSError):
                wire.send(message)

    def wait_until_all_are_gone(self, seconds: float) -> None:
        """Wait until every connection is broken, or so many seconds."""
        with self._fewer:
            self._fewer.wait_for(lambda: not self._wires, seconds)

    def _run(self, listener: Listener) -> None:
        beat_at = monotonic() + BEAT
        while self._wires:
            for key, _ in self._selector.select(max(0.0, beat_at - monotonic())):
                if key.data is None:
                    self._selector.unregister(key.fileobj)
                else:
                    self._hear(key.data, listener)
            if monotonic() >= beat_at:
                self.tell_all(None)
                beat_at = monotonic() + BEAT
            listener.beat()

    def _hear(self, other: int, listener: Listener) -> None:
        try:
            messages = self._wires[other].receive()
        except (OSError, EOFError) as error:
            with self._fewer:
                self._selector.unregister(self._wires.pop(other).connection)
                self._fewer.notify_all()
            listener.lost(other, error)
            return
        for message in messages:
            listener.take(other, message)

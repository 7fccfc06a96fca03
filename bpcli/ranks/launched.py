"""The group of processes that a launcher started: connected, watched, and ended together."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from typing import TYPE_CHECKING, Any

from bpcli.errors import BpError, ExitStatus, SystemRefusedError
from bpcli.launcher import Launch
from bpcli.ranks.addresses import own_addresses
from bpcli.ranks.common_end import CommonEnd
from bpcli.ranks.connections import Connections
from bpcli.ranks.failure import Failure
from bpcli.ranks.group import On, Remedy, Rescue
from bpcli.ranks.parents import Parents
from bpcli.ranks.rank import Rank
from bpcli.ranks.starting import Report, start_mpi
from bpcli.ranks.watch import ALIKE, AllOver, Watch
from bpcli.ranks.wire import accept, connect, listening
from bpcli.readers import Readers

if TYPE_CHECKING:
    from bpcli.training.shards.ranks import Ranks

GONE = 2.0
"""Seconds that rank 0 waits for the others to end before it does."""

LOADING = 5.0
"""Seconds within which ranks meet a mistake in the data that all of them meet."""

ANOTHER = Failure(
    int(ExitStatus.USAGE),
    ["error: it does another command than rank 0, and is done with it", "hint: the same command line for all ranks"],
)
"""What rank 0 is told by a rank that ends without a training."""


class Launched:
    """The group of a launcher's processes. One is ended by :meth:`leave` or :meth:`fail`, whatever happens."""

    def __init__(self, launch: Launch, report: Report) -> None:
        """Start MPI, and connect the ranks.

        Raises:
            ConfigError: mpi4py is not installed, or is of another MPI than the launcher.
            SystemRefusedError: MPI cannot be started, or a rank cannot reach rank 0.
        """
        self.index, self.count, self._report = launch.index, launch.count, report
        assert launch.launcher is not None, "a process without a launcher is alone"
        parents = Parents(launch.launcher)
        self._communicator = start_mpi(launch, report)
        self._left = self._met = False
        try:
            names, connections = self._connected(parents)
        except BpError:
            _end_mpi()
            raise
        self._end = CommonEnd(connections, report)
        self._watch = Watch(self.index, names, connections, self._end, parents)

    def readers(self, on: On) -> Readers:
        """Wait until all are ready to read the same; all do.

        Raises:
            BpError: on rank 0, another rank has failed, or has another config.
        """
        from bpcli.ranks.reading import MpiReaders

        self._meet(on, LOADING)
        return MpiReaders(self._communicator)

    def together(self, on: On, shards: int) -> Ranks | None:
        """Wait until all are ready; the first ``shards`` ranks train.

        Raises:
            BpError: on rank 0, another rank has failed, or has other data.
        """
        from mpi4py import MPI

        from bpcli.ranks.exchange import MpiRanks
        from bpcli.training.shards.ranks import ALONE

        self._meet(on)
        works = self.index < shards
        communicator = self._communicator.Split(0 if works else MPI.UNDEFINED, self.index)
        if not works:
            return None
        return MpiRanks(communicator) if min(shards, self.count) > 1 else ALONE

    def _meet(self, on: On, alike: float = ALIKE) -> None:
        """Wait until all are ready; then rank 0 has so long to meet what another one fails of.

        Raises:
            BpError: on rank 0, another rank has failed, or is ready for something else.
            SystemExit: with status 0, on another rank, where rank 0 has ended it all.
        """
        try:
            self._watch.all_ready(on(), alike)
        except AllOver as over:
            self.leave()
            raise SystemExit(0) from over
        finally:
            self._met = True

    def guard(self, rescue: Rescue | None, remedy: Remedy) -> None:
        """Where another rank is lost, save the run by ``rescue``, which rank 0 has, and say the ``remedy``."""
        self._end.rescue, self._end.remedy = rescue, remedy

    def leave(self) -> None:
        """Wait for the end of the common work, and end MPI."""
        if self._left:
            return
        self._left = True
        if self.index:
            if not self._met:
                self._watch.tell_failure(ANOTHER)
            self._watch.wait_for_the_end()
        else:
            self._watch.say_over()
        _end_mpi()
        if self.index == 0:
            self._watch.others_gone(GONE)

    def abandon(self, number: signal.Signals) -> None:
        """Have the others end wherever they are, because a signal ends this process."""
        self._watch.abandon(number)

    def fail(self, failure: Failure) -> int:
        """End with what this rank has failed of, said once if all have; return the exit status."""
        if self._left:
            self._report(failure)
            return failure.status
        if self.index:
            self._watch.fail(failure)
            _end_mpi()
            return 0
        agreed = self._watch.fail(failure)
        self._end.take()
        self._report(failure)
        if not agreed:
            self._end.end_all(failure.status)
        self.leave()
        return failure.status

    def _connected(self, parents: Parents) -> tuple[list[str], Connections]:
        """What messages call the ranks, and this one's connections: each other rank has one to rank 0."""
        from bpcli.ranks.values import gather_values

        communicator = self._communicator
        listener = listening() if self.index == 0 else None
        mine = {"host": socket.gethostname(), "pid": os.getpid()}
        if listener is not None:
            mine |= {"port": listener.getsockname()[1], "at": own_addresses(), "token": secrets.token_hex(16)}
        every: list[dict[str, Any]] = gather_values(communicator, mine)
        names = [Rank(k, self.count, one["host"], one["pid"]).name for k, one in enumerate(every)]
        token = every[0]["token"].encode()
        if listener is not None:
            with listener:
                wires = accept(listener, token, self.count - 1)
        else:
            wire = connect(every[0]["at"], every[0]["port"], token, self.index)
            wires = {} if wire is None else {0: wire}
        reached: list[bool] = gather_values(communicator, bool(wires))
        _require_all_reached(reached, names, every[0]["at"])
        return names, Connections(wires, parents.descriptors())


def _end_mpi() -> None:
    from mpi4py import MPI

    MPI.Finalize()


def _require_all_reached(reached: list[bool], names: list[str], addresses: list[str]) -> None:
    """Refuse a group in which rank 0 is not connected to all others.

    Raises:
        SystemRefusedError: it is not.
    """
    missing = [name for name, answer in zip(names[1:], reached[1:], strict=True) if not answer]
    if missing:
        message = f"{missing[0]} can't reach rank 0 over TCP, at {', '.join(addresses)}"
        raise SystemRefusedError(message, hint="let the hosts of a job open TCP connections to one another")

"""MPI started within a time: a process that never comes is waited for by MPI itself without end."""

from __future__ import annotations

import os
from collections.abc import Callable
from ctypes import CDLL, byref, c_int
from functools import partial
from threading import Timer
from time import sleep
from typing import TYPE_CHECKING

from bpcli.ending.signals import kept_actions
from bpcli.errors import ConfigError, SystemRefusedError
from bpcli.extras import library
from bpcli.launcher import Launch
from bpcli.ranks.failure import Failure
from bpcli.ranks.rank import this_rank

if TYPE_CHECKING:
    from mpi4py import MPI

LINKS = ("OMPI_MCA_btl_tcp_links", "2")
"""Two connections between hosts, for Open MPI over TCP, unless something else is asked for.

It announces a long message, and begins with it when the answer is there. On the one connection that it makes by default
an answer waits behind all of the message that goes the same way, so one rank sends after the other, not both at once.
"""

COMING = 120.0
"""Seconds in which all processes must have started MPI: of many on one file system the last loads Python late."""

LATER = 1.0
"""Seconds that another rank than 0 waits before it says that it cannot start."""

Report = Callable[[Failure], None]
"""Prints what ended a process."""


def start_mpi(launch: Launch, report: Report) -> MPI.Comm:
    """All processes of the launcher; where one does not come, this process says so and ends.

    Raises:
        ConfigError: mpi4py is not installed, or does not find the launcher's other processes.
        SystemRefusedError: the MPI library cannot be loaded or started.
    """
    assert launch.launcher is not None, "a process without a launcher is alone"
    os.environ.setdefault(*LINKS)
    library("mpi4py", "mpi", f"{launch.launcher.name} started bp {launch.count} times, which takes mpi4py")
    try:
        import mpi4py

        mpi4py.rc.initialize = False
        with kept_actions():  # UCX, which Open MPI loads, takes SIGHUP to be debugged by
            from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        hint = "pip install 'bpcli[mpi]', which has Open MPI too, or load the site's own MPI library"
        raise SystemRefusedError(f"MPI can't be loaded: {' '.join(str(error).split())}", hint=hint) from error
    waiting = Timer(COMING, partial(_give_up, launch, report))
    waiting.daemon = True
    waiting.start()
    with kept_actions():
        _initialize()
    waiting.cancel()
    found = MPI.COMM_WORLD.Get_size()
    if found != launch.count:
        MPI.Finalize()
        message = f"{launch.launcher.name} started bp {launch.count} times, but to MPI there are {found} of them"
        raise ConfigError(message, where="command line", hint=launch.launcher.remedy)
    return MPI.COMM_WORLD


def say_not_started(failure: Failure, launch: Launch, report: Report) -> None:
    """Say why there is no group; rank 0 first, at whose end a launcher ends all, so that what all meet is said once."""
    if launch.index:
        sleep(LATER)
        failure = failure.of(this_rank(launch).name)
    report(failure)


def _initialize() -> None:
    """Start MPI as mpi4py does, but let other threads run meanwhile, which its own function does not.

    Raises:
        SystemRefusedError: MPI refuses.
    """
    from mpi4py import MPI

    provided = c_int()
    status = CDLL(MPI.__file__).MPI_Init_thread(None, None, c_int(MPI.THREAD_MULTIPLE), byref(provided))
    if status != MPI.SUCCESS:
        raise SystemRefusedError(f"MPI can't be started (its error {status})", hint="load the site's own MPI library")
    for communicator in (MPI.COMM_SELF, MPI.COMM_WORLD):
        communicator.Set_errhandler(MPI.ERRORS_RETURN)  # which mpi4py raises as exceptions


def _give_up(launch: Launch, report: Report) -> None:
    """End this process, because another one has not come."""
    message = f"only some of {launch.count} processes have started MPI, after {COMING:.0f} seconds"
    failure = Failure.refused(message, "give all ranks the same command line, and let none end before")
    try:
        say_not_started(failure, launch, report)
    finally:
        os._exit(failure.status)

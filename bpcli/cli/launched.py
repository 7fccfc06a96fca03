"""Which of the processes that a launcher started run a command, and how all of them end.

``bp train``, ``bp gradcheck`` and ``bp bench-cluster`` are done by all together, others by rank 0 alone, which speaks
for all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from bpcli.cli.failures import failure_of, report
from bpcli.launcher import Launch, launch_of

if TYPE_CHECKING:
    from bpcli.ranks.group import Group

COMMON = ("train", "gradcheck", "bench-cluster")
"""The commands that ranks do together."""

Command = Callable[["Group"], int]
"""Runs a command in a group of processes, and returns its exit status."""


def status_in_ranks(command: Command, words: list[str]) -> int:
    """Run the command of the command line ``words``; every error is handled here."""
    launch = launch_of(os.environ)
    if launch.several and words[:1] and words[0] in COMMON:
        return _together(command, launch)
    return 0 if launch.index else _alone(command)


def _alone(command: Command) -> int:
    from bpcli.ranks.group import SOLO

    try:
        return command(SOLO)
    except Exception as error:  # noqa: BLE001 - what is not known is a defect, with a report and a status
        failure = failure_of(error)
        report(failure)
        return failure.status


def _together(command: Command, launch: Launch) -> int:
    """Run a command as one of several ranks."""
    from bpcli.ending.unfinished import undone_by_signals
    from bpcli.ranks.launched import Launched
    from bpcli.ranks.starting import say_not_started

    speaking = partial(report, stream=sys.stderr)
    if launch.index:
        _be_silent()
    try:
        group = Launched(launch, speaking)
    except Exception as error:  # noqa: BLE001 - as above
        failure = failure_of(error)
        say_not_started(failure, launch, speaking)
        return failure.status
    with undone_by_signals(group.abandon):
        try:
            status = command(group)
        except Exception as error:  # noqa: BLE001 - as above
            return group.fail(failure_of(error))
        group.leave()
    return status


def _be_silent() -> None:
    """Let what this process prints go nowhere: rank 0 prints the same."""
    for name in ("stdout", "stderr"):
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - to the end of the process
        setattr(sys, name, nowhere)

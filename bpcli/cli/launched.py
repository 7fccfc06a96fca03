"""Which of the processes that a launcher started run a command, and how all of them end.

``bp train`` and ``bp bench-cluster`` are done by all together, others by rank 0 alone. Rank 0 speaks for all.
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
    from bpcli.ranks.failure import Failure
    from bpcli.ranks.group import Group
    from bpcli.ranks.launched import Report

LATER = 1.0
"""Seconds that another rank than 0 waits before it says that it cannot start."""

COMMON = ("train", "bench-cluster")
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
    from bpcli.ranks.launched import Launched

    speaking = partial(report, stream=sys.stderr)
    if launch.index:
        _be_silent()
    try:
        group = Launched(launch, speaking)
    except Exception as error:  # noqa: BLE001 - as above
        failure = failure_of(error)
        _say_not_started(failure, launch, speaking)
        return failure.status
    try:
        status = command(group)
    except Exception as error:  # noqa: BLE001 - as above
        return group.fail(failure_of(error))
    group.leave()
    return status


def _say_not_started(failure: Failure, launch: Launch, speaking: Report) -> None:
    """Say why there is no group; rank 0 first, at whose end a launcher ends all, so that what all meet is said once."""
    from time import sleep

    from bpcli.ranks.launched import this_rank

    if launch.index:
        sleep(LATER)
        failure = failure.of(this_rank(launch).name)
    speaking(failure)


def _be_silent() -> None:
    """Let what this process prints go nowhere: rank 0 prints the same."""
    for name in ("stdout", "stderr"):
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - to the end of the process
        setattr(sys, name, nowhere)

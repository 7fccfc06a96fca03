"""What a rank failed of: the exit status, and what is printed; as an error on rank 0, what another one failed of."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from bpcli.errors import BpError, ExitStatus

START_AGAIN = "start it again"
"""What to do where there is no run yet."""

GO_ON = "the run goes on from its checkpoint, on any number of ranks: bp train --resume {}"
"""What to do with a run, in whose place its folder stands."""


@dataclass(frozen=True)
class Failure:
    """The exit status, and the lines of the report, as an error gives them."""

    status: int
    lines: list[str]

    @property
    def reason(self) -> str:
        """The report without the words error and hint."""
        return self.lines[0].removeprefix("error: ")

    def of(self, name: str) -> Failure:
        """The failure with the ``name`` of the rank that it is of."""
        first, *rest = self.lines
        return Failure(self.status, [f"error: {name}: {first.removeprefix('error: ')}", *rest])

    @staticmethod
    def refused(reason: str, hint: str) -> Failure:
        """The system did not let the ranks work together."""
        return Failure(int(ExitStatus.SYSTEM), [f"error: {reason}", f"hint: {hint}"])

    @staticmethod
    def by_signal(name: str, number: int, hint: str) -> Failure:
        """A signal ended the rank of this name; the status is that of a shell for it."""
        return Failure(
            status_of(number), [f"error: {name} was ended by {signal.Signals(number).name}", f"hint: {hint}"]
        )


class OtherFailedError(BpError):
    """Another rank failed of something that rank 0 did not meet."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.status, self._lines = next(one for one in ExitStatus if one == failure.status), failure.lines

    def lines(self) -> list[str]:
        """The report of that rank."""
        return self._lines


def status_of(number: int) -> int:
    """The exit status with which a shell shows that a signal ended a process."""
    return 128 + number

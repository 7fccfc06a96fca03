"""Errors: one exception for what can go wrong, with place, value and remedy, and the exit statuses.

Code below the command line raises a :class:`BpError`; ``bpcli.cli`` catches it
once, prints ``error: <where>: <message>`` and ``hint: <remedy>``, and exits
with the status of its kind.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit statuses of every command; ``meaning`` is what each says, in words."""

    meaning: str

    def __new__(cls, status: int, meaning: str) -> ExitStatus:
        """A status and its meaning."""
        member = int.__new__(cls, status)
        member._value_ = status
        member.meaning = meaning
        return member

    DONE = 0, "done"
    CHECK_FAILED = 1, "a check failed: what was asked for does not hold; the command's page says what it checks"
    USAGE = 2, "the command line or the config is wrong: an unknown key, a column that the data lack, a run that exists"
    DATA = 3, "a data or model file is absent or malformed, or a file of a run has changed since"
    DIVERGED = 4, "training diverged"
    DEFECT = 70, "a defect in bp: the traceback is in a file, whose path is printed"  # sysexits' EX_SOFTWARE
    SYSTEM = 74, "the system refused to read or write"  # sysexits' EX_IOERR


class BpError(Exception):
    """A user's mistake or the system's refusal: ``message`` at ``where``; ``hint`` is the remedy.

    ``key`` is the config key that caused it, if there is one; code that knows the
    config's lines turns it into ``where``.
    """

    status: ExitStatus = ExitStatus.USAGE

    def __init__(self, message: str, where: str = "", hint: str = "", key: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.key = key

    def lines(self) -> list[str]:
        """The report, one line each, control characters shown as escapes."""
        place = f"{self.where}: " if self.where else ""
        report = [f"error: {place}{self.message}"]
        if self.hint:
            report.append(f"hint: {self.hint}")
        return [printable(line) for line in report]


class ConfigError(BpError):
    """The config or the command line is wrong."""


class SeveralErrors(BpError):  # noqa: N818 - it is several
    """All errors found in one pass, in the order of their places; the status is the first one's."""

    def __init__(self, errors: list[BpError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors
        self.status = errors[0].status

    def lines(self) -> list[str]:
        """The reports of all of them."""
        return [line for error in self.errors for line in error.lines()]


class DataError(BpError):
    """A data or model file is absent or malformed."""

    status = ExitStatus.DATA


class DivergedError(BpError):
    """The loss or a parameter is no longer finite."""

    status = ExitStatus.DIVERGED


class CheckFailedError(BpError):
    """A check that was asked for failed."""

    status = ExitStatus.CHECK_FAILED


class SystemRefusedError(BpError):
    """The system refused to read or to write."""

    status = ExitStatus.SYSTEM


def raise_all(errors: Sequence[BpError]) -> None:
    """Raise the errors, if there are any.

    Raises:
        BpError: the error itself if there is one; a :class:`SeveralErrors` if there are more.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SeveralErrors(list(errors))


def refused(action: str, path: object, error: OSError) -> SystemRefusedError:
    """The error for a system call that failed on ``path``."""
    reason = error.strerror or str(error)
    return SystemRefusedError(
        f"can't {action}: {reason.lower()}", where=str(path), hint="check the path, its permissions and the space left"
    )


LISTED = 20
"""How many choices a hint lists."""


def did_you_mean(word: str, choices: Iterable[str], of: str = "choose from") -> str:
    """A hint that names the most similar choice, if one is similar, and lists the choices, at most ``LISTED``.

    ``of`` introduces the list.
    """
    known = [str(choice) for choice in choices]
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    more = ", …" if len(known) > LISTED else ""
    listed = f"{of} {', '.join(known[:LISTED])}{more}" if known else ""
    if near and listed:
        return f"did you mean '{near[0]}'? ({listed})"
    return listed


def printable(text: str) -> str:
    """``text`` with every control or otherwise unprintable character as its escape."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode() for char in text
    )

"""The system calls of a command, by strace: which it makes, and a fault at one of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.support import ROOT, Result, command, compiled, environment

CREATING = ("openat", "mkdir", "mkdirat")
WRITING = ("write", "pwrite64", "writev", "ftruncate")
SYNCING = ("fsync", "fdatasync")
NAMING = ("rename", "renameat", "renameat2", "link", "linkat")
REMOVING = ("unlink", "unlinkat", "rmdir")
TRACED = (*CREATING, *WRITING, *SYNCING, *NAMING, *REMOVING)

LINE = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<arguments>.*)$")
STEADY = {"PYTHONHASHSEED": "0"}
"""So that a command makes the same calls each time."""

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@dataclass(frozen=True)
class Call:
    """A call of the main thread: the ``ordinal``-th of its ``name``, counted from 1, as strace counts."""

    name: str
    ordinal: int
    arguments: str

    @property
    def path(self) -> str:
        """The file that it concerns: of a descriptor, or the last that is named."""
        descriptor = re.match(r"\d+<([^>]*)>", self.arguments)
        named = re.findall(r'"([^"]*)"', self.arguments)
        return descriptor[1] if descriptor else (named or [""])[-1]

    def __str__(self) -> str:
        return f"{self.name} {self.ordinal} {Path(self.path).name}"


@dataclass(frozen=True)
class Fault:
    """What happens at a call: ``effect`` is strace's, such as ``signal=KILL`` or ``error=ENOSPC``."""

    call: Call
    effect: str
    lasting: bool = False

    def option(self) -> str:
        """What strace is told."""
        return f"inject={self.call.name}:{self.effect}:when={self.call.ordinal}{'+' if self.lasting else ''}"


def calls(*words: str | Path, cwd: Path, below: Path, code: Path = ROOT) -> list[Call]:
    """The calls of a command, run to its end, that change what lies at or below a folder."""
    trace = cwd / "trace.txt"
    done = _strace(["-y", "-o", str(trace), "-e", f"trace={','.join(TRACED)}"], *words, cwd=cwd, code=code)
    assert done.status == 0, done
    found = parse(trace.read_text(errors="replace"))
    trace.unlink()
    return [call for call in found if _touches(call, below)]


def parse(trace: str) -> list[Call]:
    """The calls of the process's main thread."""
    counts: dict[str, int] = {}
    found, main = [], None
    for line in trace.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        main = main or match["pid"]
        if match["pid"] == main:
            name = match["name"]
            counts[name] = counts.get(name, 0) + 1
            found.append(Call(name, counts[name], match["arguments"]))
    return found


def _touches(call: Call, below: Path) -> bool:
    """Whether it concerns the folder, or a temporary name of it beside it, and changes something."""
    if below.name not in call.arguments:
        return False
    return call.name != "openat" or "O_CREAT" in call.arguments or "O_DIRECTORY" in call.arguments


def with_fault(fault: Fault, *words: str | Path, cwd: Path) -> Result:
    """Run a command that meets a fault; it must have met it."""
    trace = cwd / "trace.txt"
    result = _strace(["-y", "-o", str(trace), "-e", f"trace={','.join(TRACED)}", "-e", fault.option()], *words, cwd=cwd)
    text = trace.read_text(errors="replace")
    trace.unlink()
    met = "killed by" in text if "signal=" in fault.effect else "(INJECTED)" in text
    assert met, f"{fault} was not met: {result}"
    return result


def _strace(options: list[str], *words: str | Path, cwd: Path, code: Path = ROOT) -> Result:
    """Run a command of the package below ``code`` under strace; its status is the command's own."""
    compiled(code)  # else another process might meanwhile, and the number of a call changes
    line = ["strace", "-f", "-qq", *options, *command(*words)]
    variables = environment(**STEADY, PYTHONPATH=str(code))
    done = subprocess.run(line, cwd=cwd, capture_output=True, env=variables, stdin=subprocess.DEVNULL)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace"))

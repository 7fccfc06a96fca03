"""Running bp: inside this process if that shows everything, else as a separate process."""

from __future__ import annotations

import compileall
import contextlib
import csv
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pytest
import safetensors.numpy

from bpcli import cli
from bpcli.nn import Array
from bpcli.storage import digests
from bpcli.storage import tensors as tensor_files
from bpcli.storage.sealed import write_json

ROOT = Path(__file__).parents[2]

PATIENCE = 60.0
"""Seconds after which a test stops waiting."""


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it holds."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self
        parsed: dict[str, Any] = json.loads(lines[0])
        return parsed

    @property
    def rows(self) -> list[dict[str, str]]:
        """Standard output as CSV."""
        return list(csv.DictReader(io.StringIO(self.out, newline="")))

    @property
    def errors(self) -> list[str]:
        """Every line of standard error."""
        return self.err.splitlines()


def bp(*words: str | Path, cwd: Path, stdin: bytes = b"") -> Result:
    """Run a command inside this process, in the folder ``cwd``."""
    streams = [io.BytesIO(stdin), io.BytesIO(), io.BytesIO()]
    texts = [io.TextIOWrapper(stream, encoding="ascii") for stream in streams]  # a stream ends with its wrapper
    status = _run(words, cwd, texts)
    return Result(status, *(stream.getvalue().decode() for stream in streams[1:]))


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal; how wide it is, the variable COLUMNS says."""

    def isatty(self) -> bool:
        return True


def shown(*words: str | Path, cwd: Path, width: int) -> Result:
    """Run a command inside this process, as on a terminal of this width; ``out`` is all that it wrote there."""
    screen = io.BytesIO()
    streams = [io.BytesIO(), screen, screen]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("COLUMNS", str(width)), ("TERM", "xterm")):
            patch.setenv(name, value)
        texts = [Terminal(stream, encoding="ascii", line_buffering=True) for stream in streams]
        status = _run(words, cwd, texts)
    return Result(status, screen.getvalue().decode(), "")


def _run(words: Sequence[str | Path], cwd: Path, texts: Sequence[TextIO]) -> int:
    """Run a command with these three streams; its exit status."""
    kept: tuple[list[str], TextIO, TextIO, TextIO] = sys.argv, sys.stdin, sys.stdout, sys.stderr
    pipes = signal.getsignal(signal.SIGPIPE)
    sys.argv, sys.stdin, sys.stdout, sys.stderr = ["bp", *map(str, words)], *texts
    try:
        with contextlib.chdir(cwd):
            cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = kept
        signal.signal(signal.SIGPIPE, pipes)
        for text in texts[1:]:
            text.flush()


def good(*words: str | Path, cwd: Path, stdin: bytes = b"") -> Result:
    """Run a command that must succeed."""
    result = bp(*words, cwd=cwd, stdin=stdin)
    assert result.status == 0, result
    return result


def refused(*words: str | Path, cwd: Path, status: int, error: str, hint: str, stdin: bytes = b"") -> None:
    """Run a command that must report exactly this error, print no result, and leave the folder as it was."""
    before = listing(cwd)
    result = bp(*words, cwd=cwd, stdin=stdin)
    assert result == Result(status, "", f"error: {error}\nhint: {hint}\n")
    assert listing(cwd) == before


def listing(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes, every folder with None."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def environment(**changes: str) -> dict[str, str]:
    """This process's variables, with bp on the path, without those that change its output."""
    compiled(ROOT)
    changing = ("PYTHONUNBUFFERED", "NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if name not in changing}
    steady = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm-256color"}
    return {**kept, **steady, **changes}


@cache
def compiled(code: Path) -> None:
    """Compile the package below ``code``, so that no command has to.

    Python does not notice where a limit of the test's cuts short the compiled file that it writes.
    """
    compileall.compile_dir(code / "bpcli", quiet=2)


def command(*words: str | Path) -> list[str]:
    """The command as a process of its own takes it."""
    return [sys.executable, "-W", "error", "-m", "bpcli", *map(str, words)]


def process(*words: str | Path, cwd: Path, stdin: bytes = b"", **variables: str) -> Result:
    """Run a command as a process of its own."""
    done = subprocess.run(command(*words), cwd=cwd, input=stdin, capture_output=True, env=environment(**variables))
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def shell(line: str, *, cwd: Path) -> Result:
    """Run a line of bash in which ``bp`` is the command."""
    bash = f'bp() {{ {sys.executable} -W error -m bpcli "$@"; }}\n{line}'
    done = subprocess.run(["bash", "-c", bash], cwd=cwd, capture_output=True, env=environment())
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def wait_for(happened: Callable[[], bool], what: str) -> None:
    """Wait until it has happened."""
    until = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < until, f"in {PATIENCE:g} s there was no {what}"
        time.sleep(0.01)


def on_terminal(*words: str | Path, cwd: Path, width: int = 100, **variables: str) -> Result:
    """Run a command whose three streams are one terminal; ``out`` is all that it wrote there."""
    terminal, other_end = pty.openpty()
    set_width(terminal, width)
    started = subprocess.Popen(
        command(*words), cwd=cwd, env=environment(**variables), stdin=other_end, stdout=other_end, stderr=other_end
    )
    os.close(other_end)
    written = read_all(terminal)
    os.close(terminal)
    return Result(started.wait(PATIENCE), written.decode(), "")


def set_width(terminal: int, width: int) -> None:
    """Set the width of a terminal."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))


def read_all(terminal: int) -> bytes:
    """What comes from a terminal until its last writer is gone."""
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux reports that nobody writes any more
            piece = b""
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")  # else some Pythons leave a lone \r unquoted
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def write_config(path: Path, text: str) -> Path:
    """Write a config without its common indentation."""
    from textwrap import dedent

    path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def points(path: Path, count: int = 60, seed: int = 0) -> Path:
    """Three clusters of points in the plane: x, y and the class, a word."""
    rng = np.random.default_rng(seed)
    names = ("ash", "birch", "cedar")
    centres = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    rows: list[list[object]] = []
    for i in range(count):
        x, y = rng.normal(centres[i % 3], 0.7)
        rows.append([float(x), float(y), names[i % 3]])
    return write_table(path, ["x", "y", "tree"], rows)


def line(path: Path, count: int = 50, seed: int = 1) -> Path:
    """Points near y = 300 x − 40 z + 1000: a regression."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(0, 1, count), rng.normal(5, 2, count)
    y = 300 * x - 40 * z + 1000 + rng.normal(0, 10, count)
    return write_table(path, ["x", "z", "y"], [*zip(x.tolist(), z.tolist(), y.tolist(), strict=True)])


def read_csv(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_metrics(run: Path) -> list[dict[str, float]]:
    """The rows of a run's metrics.csv as numbers."""
    return [{name: float(value) for name, value in row.items()} for row in read_csv(run / "metrics.csv")]


def read_record(run: Path) -> dict[str, Any]:
    """A run's run.json."""
    record: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return record


def write_record(run: Path, record: dict[str, Any]) -> None:
    """Write a run's run.json as bp does."""
    write_json(run / "run.json", {key: value for key, value in record.items() if key != digests.KEY})


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors of a safetensors file, and its metadata as the file has them."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    metadata: dict[str, str] = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    return safetensors.numpy.load(data), metadata


def write_tensors(path: Path, tensors: dict[str, Array], header: str | None = None) -> Path:
    """Write a safetensors file as any program might, or, with a header, as bp does."""
    if header is None:
        whole = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        path.write_bytes(safetensors.numpy.save(whole))
    else:
        own = {key: value for key, value in json.loads(header).items() if key != digests.KEY}
        tensor_files.write_tensors(path, tensors, own)
    return path


def write_idx(path: Path, values: Array) -> Path:
    """Write bytes as an IDX file."""
    lengths = b"".join(length.to_bytes(4, "big") for length in values.shape)
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + lengths + values.astype(np.uint8).tobytes())
    return path

"""A process that runs bp's commands under an audit hook and writes what they did that reading must not do.

Standard input is JSON: ``commands``, each a list of words, and ``writable``, the folders to which they may write.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

FORBIDDEN = (
    *("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn", "subprocess."),
    *("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser."),
    *("pickle.find_class", "ctypes.dlopen", "ctypes.call_function", "code.__new__", "function.__new__"),
)
"""Starts of the names of events that no command brings about by what it reads."""

WRITING = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate")
"""Events whose first arguments are paths that change; ``open`` is one if it opens for writing."""

FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

ROOTS = tuple({os.path.realpath(place) for place in (sys.prefix, sys.base_prefix, str(Path(__file__).parents[2]))})
"""Where code comes from that may run: Python's own, installed packages, bp."""

IMPORTING = ("<frozen importlib", "<frozen zipimport")

RELATIVE = "compiled/private_folder.py"
"""What writes relative to open folders, which events do not name; its own tests look at where."""

found: list[str] = []
recording = False


def inside(path: Any, folders: tuple[str, ...]) -> bool:
    """Whether a path, text or bytes, leads into one of the folders."""
    if isinstance(path, int):
        return True  # a descriptor, whose opening was an event too
    real = os.path.realpath(os.fsdecode(path))
    return any(real == folder or real.startswith(folder + os.sep) for folder in folders)


def hook(event: str, given: tuple[Any, ...]) -> None:
    """Note an event that is not allowed; while modules are imported, their own code may do what it likes."""
    if not recording or event.startswith(("sys._", "object.")):  # what this hook itself brings about
        return
    if event == "exec":
        name = given[0].co_filename
        if not name.startswith("<") and not inside(name, ROOTS):
            found.append(f"exec {name}")
        return
    if event.startswith(FORBIDDEN) and not of_an_import():
        found.append(f"{event} {given!r:.200}")
    elif sys._getframe(1).f_code.co_filename.endswith(RELATIVE):
        return
    elif event == "open":
        path, _, flags = given
        if isinstance(flags, int) and flags & FLAGS and path != os.devnull and not inside(path, WRITABLE):
            found.append(f"open for writing {path!r}")
    elif event.startswith(WRITING):
        found.extend(f"{event} {path!r}" for path in given[:2] if isinstance(path, str) and not inside(path, WRITABLE))


def of_an_import() -> bool:
    """Whether a module from ROOTS is being imported."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(IMPORTING):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def ended(words: list[str]) -> int:
    """Run one command; its status."""
    global recording
    from bpcli import cli

    sys.argv = ["bp", *words]
    sys.stdin, out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(3))
    recording = True
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        recording = False


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    WRITABLE = tuple(str(Path(folder).resolve()) for folder in asked["writable"])
    sys.addaudithook(hook)
    statuses = [ended(words) for words in asked["commands"]]
    sys.__stdout__.write(json.dumps({"statuses": statuses, "found": found}))  # type: ignore[union-attr]

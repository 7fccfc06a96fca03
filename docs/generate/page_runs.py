"""The commands of a page, run in a copy of what its reader has."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from docs.generate.blocks import Commands, File, Step, prints, steps

ROOT = Path(__file__).parents[2]

CHANGING = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE")
"""Variables that change what commands print, or have Python compile bp again."""


SET = {
    # both streams in the order in which a terminal shows them
    "PYTHONUNBUFFERED": "1",
    # pytest has the fixture of this copy, however bp is installed
    "PYTEST_ADDOPTS": "-p no:bp_gradcheck -p bpcli.pytest_plugin -p no:cacheprovider -p no:randomly",
}


PATIENCE = 1200
"""Seconds after which the commands of a page hang."""


class PageError(Exception):
    """Commands of a page that failed, or printed something else than it shows."""

    def __init__(self, commands: str, problem: str) -> None:
        super().__init__(f"{problem}\n--- of the commands\n{commands}")


def checkout(folder: Path) -> Path:
    """A folder with what the reader has: the configs, the data, and ``bp`` and ``python`` in ``.venv/bin``."""
    for name in ("configs", "datasets"):
        shutil.copytree(ROOT / name, folder / name)
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name, words in (("bp", "-m bpcli"), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        (commands / name).chmod(0o755)
    return folder


def run_page(page: str, folder: Path) -> None:
    """Do what a page asks for, in a :func:`checkout`, by one shell.

    Raises:
        PageError: commands fail, report an error that the page does not show, or print something else.
    """
    todo = steps(page)
    outputs = folder / ".outputs"
    outputs.mkdir()
    script = "\n".join(_in_shell(step, outputs / str(number)) for number, step in enumerate(todo))
    shell = ["sh", "-eu", "-c", script]
    status = subprocess.run(shell, cwd=folder, env=_environment(folder), check=False, timeout=PATIENCE).returncode
    for number, step in enumerate(todo):
        if isinstance(step, Commands):
            output = (outputs / str(number)).read_text(encoding="utf-8")
            last = not (outputs / str(number + 1)).exists()
            _judge(step, output, failed=status != 0 and last)
    shutil.rmtree(outputs)


def _in_shell(step: Step, output: Path) -> str:
    if isinstance(step, File):
        name = shlex.quote(step.name)
        return f"printf '%s' {shlex.quote(step.text)} > {name}; : > {shlex.quote(str(output))}"
    return f"{{\n{step.text}}} > {shlex.quote(str(output))} 2>&1 < /dev/null"


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in CHANGING}
    path = f"{folder}/.venv/bin{os.pathsep}{os.environ['PATH']}"
    return {**kept, **SET, "PATH": path, "PYTHONPATH": str(ROOT)}


def _judge(step: Commands, output: str, *, failed: bool) -> None:
    if failed:
        raise PageError(step.text, f"they failed:\n{output}")
    if step.printed is None:
        if "error:" in output:
            raise PageError(step.text, f"they report an error:\n{output}")
    elif not prints(step.printed, output):
        raise PageError(step.text, f"they print\n{output}\nand not\n{step.printed}")

"""Routines: compiled once whatever calls them, kept, and loaded by what needs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")

CALLS = """
import sys
from numba import njit
from numba.core import event
from bpcli.training.compiled.compiled_code import PREFIX, SYMBOL, CompiledCode
from bpcli.training.compiled.routines import routine

@routine()
def doubled(x):
    if x < 0:
        raise ValueError("negative")
    return 2 * x

@routine()
def eightfold(x):
    return doubled(doubled(doubled(x)))

compiled = []

class Compilations(event.Listener):
    def on_start(self, event):
        compiled.append(event.data["dispatcher"].py_func.__name__)

    def on_end(self, event):
        pass

event.register("numba:compile", Compilations())
for name in sys.argv[1:]:
    caller = njit(eval(f"lambda x: {name}(x)"))
    caller._cache = code = CompiledCode(f"{PREFIX}{name}")
    assert caller(3.0) == {"eightfold": 24.0, "doubled": 6.0}[name]
    if name == "doubled":
        try:
            caller(-1.0)
        except ValueError as error:
            compiled.append(str(error))
print(*compiled)
"""


def compiled(folder: Path, *called: str) -> list[str]:
    """What a process compiles that calls these routines from functions of its own, which are lambdas."""
    script = folder / "calls.py"
    script.write_text(CALLS, encoding="utf-8")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, str(script), *called]
    return subprocess.run(words, env=environment, check=True, text=True, stdout=subprocess.PIPE).stdout.split()


def test_a_routine_is_compiled_once_whatever_calls_it_and_its_errors_are_its_callers(tmp_path: Path) -> None:
    assert compiled(tmp_path, "doubled", "eightfold") == ["<lambda>", "doubled", "negative", "<lambda>", "eightfold"]
    assert compiled(tmp_path, "eightfold", "doubled") == ["negative"]


def test_code_whose_routine_is_gone_is_compiled_again(tmp_path: Path) -> None:
    compiled(tmp_path, "eightfold")
    (routine,) = (tmp_path / "bp").glob("*routine_doubled*")
    routine.unlink()
    assert compiled(tmp_path, "eightfold") == ["<lambda>", "eightfold", "doubled"]

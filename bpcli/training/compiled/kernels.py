"""Programs compiled by Numba, and the cache of compiled code.

Numba stores compiled code beside the file of a function. So each program is
written to a file of its own, named by its content and Numba's version, in bp's
cache folder: ``$XDG_CACHE_HOME/bp`` or ``~/.cache/bp``. If that folder cannot be
written to, a temporary folder is used and every start compiles.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from bpcli import __version__
from bpcli.nn import Array
from bpcli.training.compiled.recording import Program
from bpcli.training.compiled.source import step_source


@dataclass(frozen=True)
class Kernel:
    """The functions of a program's module; ``fresh`` says that ``run`` is not compiled yet."""

    arrays: Callable[..., list[Array]]
    run: Callable[..., tuple[int, int, float]]
    fresh: bool


def load_kernel(program: Program, *, recompile: bool = False) -> Kernel:
    """The program's functions, compiled ones from the cache; ``recompile`` first deletes their compiled code there."""
    text = step_source(program)
    called = Path(__file__).with_name("products.py").read_text(encoding="utf-8")  # compiled into it
    key = f"{__version__}\n{metadata.version('numba')}\n{called}\n{text}"
    name = "kernel_" + sha256(key.encode()).hexdigest()[:16]
    try:
        path = _written_module(cache_folder(), name, text)
        if recompile:
            _drop_compiled(path)
        return _imported(name, path)
    except (OSError, RuntimeError):  # the folder, or, as Numba says, its cache there, cannot be written to
        return _imported(name, _written_module(Path(_temporary().name), name, text))


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """A folder that is deleted when the process ends."""
    return tempfile.TemporaryDirectory(prefix="bp-")


def _imported(name: str, path: Path) -> Kernel:
    """Import a module that :func:`_written_module` wrote."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # Numba's cached code looks it up there
    spec.loader.exec_module(module)
    compiled = any((path.parent / "__pycache__").glob(f"{name}.run-*.nbc"))
    return Kernel(module.arrays, module.run, not compiled)


def cache_folder() -> Path:
    """bp's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bp"


def _written_module(place: Path, name: str, text: str) -> Path:
    """The module's file in the folder ``place``, written atomically if it is absent or differs."""
    path, data = place / f"{name}.py", text.encode()
    if not path.is_file() or path.read_bytes() != data:
        place.mkdir(parents=True, exist_ok=True)
        part = place / f".{name}.{os.getpid()}.part"
        part.write_bytes(data)
        part.replace(path)
        _drop_compiled(path)
    return path


def _drop_compiled(path: Path) -> None:
    """Delete the compiled code of a module."""
    for stale in (path.parent / "__pycache__").glob(f"{path.stem}.run-*"):
        stale.unlink(missing_ok=True)

"""Programs compiled, and the compiled code kept between runs.

Numba keeps compiled code beside the file that a function comes from. So each
program is written to a file of its own, named by its content and Numba's version,
in bp's cache folder: ``$XDG_CACHE_HOME/bp`` or ``~/.cache/bp``. Where nothing can
be written there, a temporary folder serves and every start compiles.
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
from bpcli.training.compiled.source import source


@dataclass(frozen=True)
class Kernel:
    """The functions that ``source`` writes; ``fresh`` where ``run`` has yet to be compiled."""

    arrays: Callable[..., list[Array]]
    run: Callable[..., tuple[int, int, float]]
    fresh: bool


def load(program: Program, *, anew: bool = False) -> Kernel:
    """The program's functions, from the cache where they are there; ``anew`` without what it holds of them."""
    text = source(program)
    called = Path(__file__).with_name("products.py").read_text(encoding="utf-8")  # compiled into it
    key = f"{__version__}\n{metadata.version('numba')}\n{called}\n{text}"
    name = "kernel_" + sha256(key.encode()).hexdigest()[:16]
    try:
        path = _placed(folder(), name, text)
        if anew:
            _forget(path)
        return _loaded(name, path)
    except (OSError, RuntimeError):  # no place to write, or, as Numba tells it, none to keep compiled code
        return _loaded(name, _placed(Path(_temporary().name), name, text))


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """A folder for as long as the process lives."""
    return tempfile.TemporaryDirectory(prefix="bp-")


def _loaded(name: str, path: Path) -> Kernel:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # cached code looks for it there
    spec.loader.exec_module(module)
    kept = any((path.parent / "__pycache__").glob(f"{name}.run-*.nbc"))
    return Kernel(module.arrays, module.run, not kept)


def folder() -> Path:
    """Where compiled code is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bp"


def _placed(place: Path, name: str, text: str) -> Path:
    """The file that holds the program, made where it is not there yet, whole or not at all."""
    path, data = place / f"{name}.py", text.encode()
    if not path.is_file() or path.read_bytes() != data:
        place.mkdir(parents=True, exist_ok=True)
        part = place / f".{name}.{os.getpid()}.part"
        part.write_bytes(data)
        part.replace(path)
        _forget(path)
    return path


def _forget(path: Path) -> None:
    """Drop compiled code."""
    for stale in (path.parent / "__pycache__").glob(f"{path.stem}.run-*"):
        stale.unlink(missing_ok=True)

"""Programs compiled by Numba.

A program's source is made anew at each start and run from memory, never read from a
file. Its compiled code is kept under a digest of all that it depends on: the source,
bp's products, the versions of the libraries and of Python, and the CPU.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from types import ModuleType
from typing import Any

from bpcli.nn import Array
from bpcli.training.compiled.compiled_code import PREFIX, CompiledCode, dependencies
from bpcli.training.compiled.program import Program
from bpcli.training.compiled.routines import routine
from bpcli.training.compiled.source import Source
from bpcli.training.compiled.vocabulary import FASTMATH, defined, function_of


@dataclass(frozen=True)
class Kernel:
    """The functions of a program's module; ``fresh`` says that ``run`` is not compiled yet.

    ``not_kept`` says why compiled code is not kept; empty where it is.
    """

    arrays: Callable[..., list[Array]]
    run: Callable[..., Any]
    fresh: bool
    not_kept: str = ""


def load_kernel(program: Program, write: Callable[[Program], Source]) -> Kernel:
    """The functions of the module that ``write`` makes of a program, with the compiled code that is kept of them."""
    source = write(program)
    name = PREFIX + sha256(f"{dependencies()}\n{source.text}".encode()).hexdigest()[:32]
    module = _module(name, source)
    run: Any = module.run
    code = run._cache = CompiledCode(name)  # noqa: SLF001 - Numba has no other way to a cache of one's own
    return Kernel(module.arrays, run, not code.found, code.not_kept)


def announcement(kernel: Kernel, kind: str) -> str:
    """What is said before a fresh kernel of this kind is compiled."""
    again = f"it is done at each start, because {kernel.not_kept}" if kernel.not_kept else "it is done once"
    return f"compiling {kind}; {again}"


@contextmanager
def without_collection() -> Iterator[None]:
    """Let Python look for no garbage: a compiler makes so many objects that the search takes a tenth of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _module(name: str, source: Source) -> ModuleType:
    """Run a source as the module ``name``, where Numba's compiled code looks it up."""
    module = sys.modules[name] = ModuleType(name)
    for own, text in source.routines.items():
        vars(module)[own] = routine(fastmath=FASTMATH)(function_of(own, text))
    defined(name, source.text, vars(module))
    return module

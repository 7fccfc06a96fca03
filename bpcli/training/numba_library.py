"""Whether Numba is there, has room, and compiles."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from bpcli.errors import SystemRefusedError
from bpcli.memory import left, size

ADDRESSES = 450_000_000
"""Bytes of addresses that Numba takes to compile: measured, a process of it takes 624 MB in all, without it 180 MB."""


@dataclass(frozen=True)
class Failure:
    """Why Numba compiles nothing although it is installed, and what helps."""

    reason: str
    remedy: str


def numba_installed() -> bool:
    """Whether Numba is installed, with SciPy, which its matrix products need; neither is imported."""
    return find_spec("numba") is not None and find_spec("scipy") is not None


def numba_compiles() -> bool:
    """Whether Numba is installed and compiles; it is imported for that."""
    return numba_installed() and numba_failure(single=False) is None


def numba_failure(*, single: bool) -> Failure | None:
    """Why Numba, which is installed, compiles nothing here; None if it does.

    Batches that are not ``single`` examples need a part of SciPy too.
    """
    try:
        config: Any = import_module("numba.core.config")
        if config.DISABLE_JIT:
            return Failure("NUMBA_DISABLE_JIT switches Numba off", "unset NUMBA_DISABLE_JIT")
        import_module("bpcli.training.compiled.products")
        if not single:
            import_module("scipy.linalg.cython_blas")
    except Exception as error:  # noqa: BLE001 - incompatible versions fail in many ways
        why = " ".join(str(error).split()) or type(error).__name__
        return Failure(f"Numba cannot be imported: {why}", _remedy())
    return None


def _remedy() -> str:
    """What helps where Numba cannot be imported: its settings are read then, too."""
    settings = sorted(name for name in os.environ if name.startswith("NUMBA_"))
    return f"unset {', '.join(settings)}" if settings else "install compatible versions of NumPy, SciPy and Numba"


def require_addresses() -> None:
    """Refuse to load Numba where a limit leaves too few addresses: LLVM ends the process there.

    Raises:
        SystemRefusedError: it does.
    """
    there = left()
    if "RLIMIT" in there.limit and there.count < ADDRESSES and "numba" not in sys.modules:
        hint = "engine: numpy, or raise the limit of the process (ulimit -v)"
        raise SystemRefusedError(f"out of memory: Numba takes {size(ADDRESSES)}; {there}", key="engine", hint=hint)

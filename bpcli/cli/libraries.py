"""Whether there is room to load the libraries: some end the process where there is none."""

from __future__ import annotations

import mmap
import sys

from bpcli.errors import SystemRefusedError

ROOM = 160_000_000
"""Bytes of addresses that NumPy, pandas and pydantic take: measured, OpenBLAS ended the process below 155 MB."""


def require_room() -> None:
    """Refuse to load libraries where the limit of addresses (``ulimit -v``) leaves too few.

    Raises:
        SystemRefusedError: it does.
    """
    if "numpy" in sys.modules:
        return
    try:
        mmap.mmap(-1, ROOM, prot=mmap.PROT_READ).close()
    except OSError as error:
        raise SystemRefusedError(
            f"out of memory: there is no room for the {ROOM // 10**6} MB of addresses that the libraries take",
            hint="raise the limit of the process (ulimit -v)",
        ) from error

"""Rules about what computes: shards, threads and the engine."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.config.rules.values import Plain, integer
from bpcli.errors import ConfigError


def threads(config: Plain) -> Iterator[ConfigError]:
    """There are no more threads than shards."""
    parts, workers = (integer(config.get(key, 1)) for key in ("shards", "threads"))
    if workers > parts > 0:
        yield ConfigError(
            f"threads is {workers}, but it is shards that threads compute side by side, and shards is {parts}",
            key="threads",
            hint=f"shards: {workers}, which changes the last bits of results, or fewer threads",
        )


def shards(config: Plain) -> Iterator[ConfigError]:
    """Compiled code has no shards."""
    parts = integer(config.get("shards", 1))
    if parts > 1 and config.get("engine") == "numba":
        yield ConfigError(
            f"shards is {parts}, but compiled code takes a batch whole",
            key="shards",
            hint="engine: numpy, or shards: 1",
        )

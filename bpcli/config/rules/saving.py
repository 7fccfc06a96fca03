"""Rules about when a run is saved."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.config.rules.values import Plain, mapping
from bpcli.errors import ConfigError


def checkpoint(config: Plain) -> Iterator[ConfigError]:
    """It goes by epochs or by seconds."""
    section = mapping(config.get("checkpoint"))
    if section.get("epochs") is not None and section.get("seconds") is not None:
        yield ConfigError(
            "checkpoint goes by a number of epochs or of seconds, not both", key="checkpoint", hint="keep one"
        )

"""Rules about ``network``."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.config.rules.values import Plain, mapping
from bpcli.errors import ConfigError


def hidden_settings(config: Plain) -> Iterator[ConfigError]:
    """There are hidden layers where they have settings."""
    network = mapping(config.get("network"))
    if network.get("hidden", []) != []:
        return
    for key in ("dropout", "max_norm"):
        if key in network:
            yield ConfigError(
                f"network.{key} is of hidden layers, and there is none",
                key=f"network.{key}",
                hint=f"hidden: [32], or leave {key} out; the output layer has none",
            )

"""What of a config a run's past depends on, and what may be another when the run is resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from bpcli.config.schema import Config
from bpcli.config.sections import OnResume, marker
from bpcli.config.writing import plain
from bpcli.nn.schedules.course import needs_horizon
from bpcli.storage.text import to_json


def free_keys(config: Config) -> list[str]:
    """The keys that no number of the past depends on; ``epochs`` is none where the schedule goes by it."""
    keys = [key for key, field in type(config).model_fields.items() if marker(field, OnResume) is not None]
    return [key for key in keys if key != "epochs" or not goes_by_epochs(config)]


def goes_by_epochs(config: Config) -> bool:
    """Whether the learning rates depend on how many epochs there are."""
    schedule = config.optimizer.schedule
    return schedule is not None and needs_horizon(schedule)


def past(config: Config) -> dict[str, Any]:
    """The config as plain data, without the free keys."""
    free = free_keys(config)
    return {key: value for key, value in plain(config).items() if key not in free}


def digest_of_past(config: Config) -> str:
    """The SHA-256 of :func:`past`."""
    return hashlib.sha256(to_json(past(config)).encode()).hexdigest()


def changed_keys(before: Any, after: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys at which two plain values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from changed_keys(before.get(key), after.get(key), f"{prefix}.{key}" if prefix else key)
    elif before != after:
        yield prefix

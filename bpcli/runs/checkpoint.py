"""checkpoint.safetensors: the state of training, and of which config and how much of metrics.csv it is the state.

Its header holds ``version``, ``counters`` (the numbers of the state), ``config`` (the digest of what the past
depends on) and ``metrics`` (length and SHA-256 of metrics.csv). What identifies the environment is in run.json.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.errors import DataError
from bpcli.nn import Array
from bpcli.runs.record import is_number
from bpcli.storage.tensors import read_tensors, write_tensors
from bpcli.training.state import TrainingState

CHECKPOINT_FILE = "checkpoint.safetensors"

VERSION = 1
"""The layout of the header; another one is refused."""

KEYS = {"version", "counters", "config", "metrics"}
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds, as it was saved; ``metrics`` are ``bytes`` and ``sha256`` of metrics.csv."""

    path: Path
    tensors: dict[str, Array]
    counters: dict[str, Any]
    config: str
    metrics: dict[str, Any]

    def wrong(self, what: str) -> DataError:
        """The error for something in it that cannot be."""
        return DataError(what, where=str(self.path), hint="copy the run again, or train again")


def save_checkpoint(folder: Path, state: TrainingState, config: str, metrics: Mapping[str, Any]) -> None:
    """Replace a run folder's checkpoint; the old one stays until the new one is on the disk.

    Raises:
        SystemRefusedError: the system refused.
    """
    header = {"version": VERSION, "counters": state.counters(), "config": config, "metrics": dict(metrics)}
    write_tensors(folder / CHECKPOINT_FILE, state.tensors(), header)


def read_checkpoint(folder: Path, state: TrainingState) -> Checkpoint:
    """A run folder's checkpoint, from which ``state``, which is at its beginning, can continue.

    What is empty in ``state`` grows with the examples, so it has any length in the checkpoint.

    Raises:
        DataError: the checkpoint is absent or malformed, or of another network, rule or metrics.
    """
    path = folder / CHECKPOINT_FILE
    tensors, header = read_tensors(path)
    for name, array in state.tensors().items():
        _require_tensor(path, name, array, tensors.get(name))
    if not isinstance(header, dict) or header.get("version") != VERSION:
        found = header.get("version") if isinstance(header, dict) else None
        message, hint = f"the header is of version {found!r}, not {VERSION}", "use the bp that wrote it, or train again"
        raise DataError(message, where=str(path), hint=hint)
    checkpoint = _checkpoint(path, tensors, header)
    _check_counters(checkpoint, state)
    if not np.isfinite(tensors["kept_theta"]).all():
        raise checkpoint.wrong("tensor 'kept_theta' is not finite")
    return checkpoint


def _checkpoint(path: Path, tensors: dict[str, Array], header: dict[str, Any]) -> Checkpoint:
    """The checkpoint that a header describes."""
    counters, config, metrics = (header.get(key) for key in ("counters", "config", "metrics"))
    wrong = [key for key in ("counters", "metrics") if not isinstance(header.get(key), dict)]
    if not isinstance(counters, dict) or not isinstance(metrics, dict):
        raise DataError(f"the header's {wrong[0]!r} is no mapping", where=str(path), hint="copy the run again")
    checkpoint = Checkpoint(path, tensors, counters, str(config), metrics)
    unknown = sorted({*map(str, header)} - KEYS)
    if unknown:
        raise checkpoint.wrong(f"the header's key {unknown[0]!r} is unknown")
    for name, value in (("config", config), ("metrics.sha256", metrics.get("sha256"))):
        if not isinstance(value, str) or not DIGEST.fullmatch(value):
            raise checkpoint.wrong(f"the header's {name!r} is no SHA-256")
    if set(metrics) != {"bytes", "sha256"} or not is_number(metrics["bytes"], whole=True):
        raise checkpoint.wrong("the header's 'metrics' is not a number of bytes and their SHA-256")
    return checkpoint


def _require_tensor(path: Path, name: str, own: Array, saved: Array | None) -> None:
    """A tensor has the shape and the type that the state wants."""
    hint = "leave out the overrides that change the network or the optimizer"
    if saved is None:
        if "." not in name:  # what every checkpoint has
            hint = "another version of bp wrote it: train again"
        raise DataError(f"tensor {name!r} is not in the checkpoint", where=str(path), hint=hint)
    grows = own.size == 0 and saved.size > 0 and saved.shape[-1] > 0 and saved.dtype.kind in "fiu"
    if saved.shape != own.shape and not grows:
        message = f"tensor {name!r} is in shape {saved.shape}, not {own.shape}"
        raise DataError(message, where=str(path), hint=hint)


def _check_counters(checkpoint: Checkpoint, state: TrainingState) -> None:
    """The counters are those of a state, each a number of its kind; what may be NaN, null in JSON, begins as it."""
    saved, own = checkpoint.counters, state.counters()
    for name in dict.fromkeys([*own, *map(str, saved)]):
        if name not in saved or name not in own:
            raise checkpoint.wrong(f"the checkpoint's counter {name!r} is {'missing' if name in own else 'unknown'}")
        begun, value = own[name], saved[name]
        nullable = isinstance(begun, float) and isnan(begun)
        if not is_number(value, whole=isinstance(begun, int)) or (value is None and not nullable):
            raise checkpoint.wrong(f"the checkpoint's counter {name!r} is {value!r}")
        if isinstance(value, float) and not isfinite(value):
            raise checkpoint.wrong(f"the checkpoint's counter {name!r} is {value!r}")

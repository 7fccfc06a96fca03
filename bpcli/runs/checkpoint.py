"""checkpoint.safetensors: the state of training, and of which config and how much of metrics.csv it is the state.

Its header holds ``version``, ``counters`` (the numbers of the state), ``config`` (the digest of what the past
depends on) and ``metrics`` (length and SHA-256 of metrics.csv). What identifies the environment is in run.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.errors import DataError
from bpcli.nn import Array
from bpcli.storage.strict_json import MalformedError, Saved
from bpcli.storage.tensors import read_tensors, write_tensors
from bpcli.training.state import TrainingState

CHECKPOINT_FILE = "checkpoint.safetensors"

VERSION = 1
"""The layout of the header; another one is refused."""


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
    version = header.get("version") if isinstance(header, dict) else None
    if header is None or version != VERSION:
        message = f"the header is of version {version!r}, not {VERSION}"
        raise DataError(message, where=str(path), hint="use the bp that wrote it, or train again")
    try:
        _require_header(Saved(header), state.counters())
    except MalformedError as error:
        message = f"the checkpoint's header is malformed: {error}"
        raise DataError(message, where=str(path), hint="copy the run again, or train again") from error
    checkpoint = Checkpoint(path, tensors, header["counters"], header["config"], header["metrics"])
    if not np.isfinite(tensors["kept_theta"]).all():
        raise checkpoint.wrong("tensor 'kept_theta' is not finite")
    return checkpoint


def _require_header(header: Saved, own: Mapping[str, int | float]) -> None:
    """A header as :func:`save_checkpoint` writes it; of ``own``, the first counters, what is NaN may be null in JSON.

    Raises:
        MalformedError: it is something else.
    """
    keys = header.keys(("version", "counters", "config", "metrics"))
    keys["config"].sha256()
    metrics = keys["metrics"].keys(("bytes", "sha256"))
    metrics["bytes"].count()
    metrics["sha256"].sha256()
    for name, counter in keys["counters"].keys(own).items():
        if isinstance(own[name], int):
            counter.count()
        elif counter.value is not None or not isnan(own[name]):
            counter.number()


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

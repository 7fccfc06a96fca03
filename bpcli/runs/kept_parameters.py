"""Which parameters a run keeps, in words: what its record says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def kept_epoch(record: Mapping[str, Any]) -> int | None:
    """The epoch after which the kept parameters were taken; None where the record names none."""
    kept = record.get("kept")
    return int(kept["epoch"]) if isinstance(kept, dict) and "epoch" in kept else None


def describe_kept(record: Mapping[str, Any]) -> str:
    """``epoch 6, the best by val_loss``, for example, of a run's record."""
    kept, epoch = record["kept"], kept_epoch(record)
    if kept.get("examples"):
        return f"{kept['examples']:,} examples into epoch {epoch + 1 if epoch is not None else 1}"
    if not epoch:
        return "the initial parameters"
    if kept.get("monitor") is None:
        return f"epoch {epoch}, the last"
    if kept.get("value") is None:
        return f"epoch {epoch}, the last, as {kept['monitor']} was never finite"
    return f"epoch {epoch}, the best by {kept['monitor']}"

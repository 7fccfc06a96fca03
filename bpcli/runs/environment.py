"""What the bits of a run depend on besides its config, and what of it is another now."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import __version__
from bpcli.choices import PLUGINS
from bpcli.experiment import Experiment

COMPILER = ("numba", "llvmlite", "scipy")
"""The packages that compiled steps are made of."""


def environment_of(experiment: Experiment) -> dict[str, Any]:
    """Versions, processor, engine and the digests of data and plugins: part of run.json, and kept nowhere else.

    Python's own version counts too: how ``sum`` adds floats changed with 3.12.
    """
    config = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"]
    compiled = experiment.engine.name == "numba"
    return {
        "bp": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "compiler": {name: version(name) for name in COMPILER} if compiled else {},
        "engine": experiment.engine.name,
        "shards": experiment.engine.shards,
        "cpu": cpu_type(),
        "simd": " ".join(config.get("SIMD Extensions", {}).get("found", [])),
        "system": f"{platform.system()} {platform.machine()}",
        "plugins": dict(PLUGINS),
        "data": experiment.loaded.digests,
    }


def drift(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of ``now``, an environment, is not as a run's record has it, in words; empty where all is the same."""
    return [line for key, value in now.items() for line in _differences(key, recorded.get(key), value)]


def drift_note(epoch: int, step: int, changed: Sequence[str]) -> dict[str, Any]:
    """What a record says of a run that went on, after so many epochs, although something had ``changed``."""
    return {"epoch": epoch, "step": step, "changed": [*changed]}


def drifts_noted(record: Mapping[str, Any]) -> list[str]:
    """In words, with what a run went on that was not as at its beginning."""
    notes = record.get("drift", [])
    return [f"resumed after epoch {note['epoch']}: {line}" for note in notes for line in note["changed"]]


def _differences(key: str, before: Any, after: Any) -> list[str]:
    """``numpy was 2.1.0 and is 2.2.0``; of files only their names, as digests tell nobody anything."""
    if before == after:
        return []
    if key not in ("data", "plugins"):
        return [f"{key} was {_shown(before)} and is {_shown(after)}"]
    was = before if isinstance(before, dict) else {}
    return [
        f"{path} {_of_file(was.get(path), after.get(path))}"
        for path in dict.fromkeys([*was, *after])
        if was.get(path) != after.get(path)
    ]


def _of_file(before: object, now: object) -> str:
    if before is None:
        return "is new"
    return "is no longer read" if now is None else "has changed"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {text}" for name, text in value.items()) or "none"
    return "unknown" if value is None else str(value) or "none"


def cpu_type() -> str:
    """The processor's name, or its architecture if the system does not give the name."""
    if sys.platform == "linux":
        try:
            with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.startswith("model name"):
                        return line.partition(":")[2].strip()
        except OSError:
            pass
    return platform.processor() or platform.machine()

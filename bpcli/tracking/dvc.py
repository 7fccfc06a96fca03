"""DVC: ``metrics.json`` and a ``dvc.yaml`` in the run's folder, which ``dvc metrics show`` finds by itself.

Both are plain files, so nothing has to be installed to write them. ``dvc.yaml`` names metrics.json as metrics, the
run's own metrics.csv as plots over the epoch, and its config.yaml as parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpcli.config import document
from bpcli.runs.epoch_rows import METRICS_FILE
from bpcli.runs.folder import CONFIG_FILE
from bpcli.storage.files import write
from bpcli.storage.text import to_json
from bpcli.tracking.protocol import Recording, TrackedRun

METRICS, PIPELINE = "metrics.json", "dvc.yaml"


@dataclass(frozen=True)
class Dvc:
    """metrics.json, the final metrics, and dvc.yaml in the run's folder; show them with ``dvc metrics show``."""

    def require(self) -> None:
        """Nothing: it writes plain files into the run's folder."""

    def start(self, run: TrackedRun) -> Recording:
        """The files of the run, written when it ends."""
        return _Files(run.folder)


class _Files:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._columns: list[str] = []

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Nothing to write: DVC reads metrics.csv itself; its columns are noted."""
        self._columns = [*values]

    def end(self, outcome: str, final: Mapping[str, float]) -> None:
        """The final metrics, as run.json has them, and what DVC is to look at."""
        write(self._folder / METRICS, (to_json(dict(final)) + "\n").encode())
        write(self._folder / PIPELINE, document.dump(self._pipeline()).encode())

    def _pipeline(self) -> dict[str, Any]:
        plots = [{METRICS_FILE: {"x": "epoch", "y": self._columns}}] if self._columns else []
        return {"metrics": [METRICS], "params": [CONFIG_FILE], **({"plots": plots} if plots else {})}

"""``bp train --track``: runs in the tools that people keep them in, by small adapters over the executor's events.

In the order of reading: ``protocol`` (what a tracker is), ``following`` (how it follows a training), and a
module for each tool.
"""

from __future__ import annotations

from bpcli.tracking.dvc import Dvc
from bpcli.tracking.mlflow import MLflow
from bpcli.tracking.protocol import Tracker
from bpcli.tracking.tensorboard import TensorBoard

TRACKERS: dict[str, type[Tracker]] = {
    "tensorboard": TensorBoard,
    "mlflow": MLflow,
    "dvc": Dvc,
}
"""The trackers by name."""

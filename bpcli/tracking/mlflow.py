"""MLflow: a run at whatever tracking address is set, by MLflow's own SDK.

The address and the experiment are those of its variables MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME, and its
defaults without them. A run that bp resumes goes on in MLflow too: it is found by a tag with its folder's path.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bpcli.errors import SystemRefusedError
from bpcli.extras import library
from bpcli.runs.folder import CONFIG_FILE
from bpcli.runs.record import RECORD_FILE
from bpcli.storage.text import to_json
from bpcli.tracking.protocol import Recording, TrackedRun

FOLDER, KEY = "bp.folder", "bp.key"
"""The tags with a run's folder, and with the SHA-256 of its path, which any path can be looked up by."""

STATUSES = {"completed": "FINISHED", "stopped": "KILLED"}
"""What an outcome is to MLflow; others are FAILED."""

KEY_OF_PARAMETER = re.compile(r"[\w .:/-]{1,250}", re.ASCII)
MOST_CHARACTERS = 500
"""What MLflow takes as a parameter's key, and of its value."""

PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""How long a server is waited for, where the user does not say it: MLflow itself would try for minutes."""

ARTIFACTS = (CONFIG_FILE, RECORD_FILE)
"""The files of a run that are kept with it."""


@dataclass(frozen=True)
class MLflow:
    """A run at MLflow's tracking address: settings as parameters, metrics by epoch, config.yaml and run.json."""

    def require(self) -> None:
        """The library is installed, and answers at its address."""
        mlflow = _library()
        try:
            with _quiet():
                mlflow.search_experiments(max_results=1)
        except Exception as error:
            raise SystemRefusedError(
                f"MLflow can't be reached: {_first_line(error)}",
                where=_without_password(mlflow.get_tracking_uri()),
                hint="check MLFLOW_TRACKING_URI, or leave out --track mlflow",
            ) from error

    def start(self, run: TrackedRun) -> Recording:
        """A new run; that of a resumed run's folder where there is one."""
        return _Run(_library(), run)


class _Run:
    def __init__(self, mlflow: Any, run: TrackedRun) -> None:
        self._mlflow, self._folder = mlflow, run.folder
        path = str(Path(os.path.abspath(run.folder)))
        key = sha256(os.fsencode(path)).hexdigest()
        with _quiet():
            known = self._find(key) if run.epochs_before else None
            tags = None if known else {FOLDER: path.encode("utf-8", "replace").decode(), KEY: key}
            started = mlflow.start_run(run_id=known, run_name=None if known else run.folder.name, tags=tags)
            self._id = started.info.run_id
            self._last = self._last_epoch() if known else 0
            if not known:
                mlflow.log_params(parameters(run.settings))

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """The values at the step ``epoch``; not again those that a run had before it was resumed."""
        if epoch > self._last:
            with _quiet():
                self._mlflow.log_metrics(dict(values), step=epoch, run_id=self._id)

    def end(self, outcome: str, final: Mapping[str, float]) -> None:
        """The metrics of the test part, the files, and the status."""
        with _quiet():
            tested = {name: value for name, value in final.items() if name.startswith("test_")}
            if tested:
                self._mlflow.log_metrics(tested, run_id=self._id)
            for name in ARTIFACTS:
                self._mlflow.log_artifact(str(self._folder / name))
            self._mlflow.end_run(STATUSES.get(outcome, "FAILED"))

    def _find(self, key: str) -> str | None:
        """The last run that was begun with this key."""
        found = self._mlflow.search_runs(
            search_all_experiments=True,
            filter_string=f"tags.`{KEY}` = '{key}'",
            order_by=["attributes.start_time DESC"],
            max_results=1,
            output_format="list",
        )
        return str(found[0].info.run_id) if found else None

    def _last_epoch(self) -> int:
        history = self._mlflow.MlflowClient().get_metric_history(self._id, "loss")
        return max((int(one.step) for one in history), default=0)


def parameters(settings: Mapping[str, Any]) -> dict[str, str]:
    """The settings as MLflow takes them: of long values the beginning; a key that it refuses is left out."""
    texts = {key: value if isinstance(value, str) else to_json(value) for key, value in settings.items()}
    return {key: text[:MOST_CHARACTERS] for key, text in texts.items() if KEY_OF_PARAMETER.fullmatch(key)}


def _library() -> Any:
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    with _quiet():
        found = library("mlflow", "mlflow", "--track mlflow needs MLflow")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Standard output left to results, and no warnings of MLflow and what it loads, which are not about the run."""
    with warnings.catch_warnings(action="ignore"), redirect_stdout(sys.stderr):
        yield


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0]


def _without_password(address: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", address)

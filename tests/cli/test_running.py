"""What is said of a training while it runs and when it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpcli.cli.running import stopped_line
from bpcli.runs.execution import RunEnded, RunStarted
from tests.runs.support import execution


@pytest.mark.parametrize(("done", "where"), [(0, "in epoch 1"), (3, "after epoch 3")])
def test_a_stopped_run_says_where(tmp_path: Path, done: int, where: str) -> None:
    """In epoch 4 of 3 it cannot be: it was stopped in the test part."""
    started = next(execution(tmp_path).events())
    assert isinstance(started, RunStarted)
    started.run.record["epochs"] = done
    line = stopped_line(RunEnded(started.run, "stopped", "SIGTERM"), 3, None)
    assert line == f"stopped by SIGTERM {where}; saved, to go on: bp train --resume {tmp_path / 'run'}"

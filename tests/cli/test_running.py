"""What is said of a training while it runs and when it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpcli.cli.running import idle, stopped_line
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


@pytest.mark.parametrize(
    ("ranks", "shards", "most", "batches"),
    [
        (2, 1, 16, "are computed whole; shards: 2 cuts them into more"),
        (5, 3, 16, "are cut into 3 shards; shards: 5 cuts them into more"),
        (20, 3, 16, "are cut into 3 shards; shards: 16 cuts them into more"),
        (20, 16, 16, "are cut into 16 shards; they cannot be cut into more: start fewer ranks"),
        (2, 1, 1, "are computed whole; they cannot be cut into more: start fewer ranks"),
    ],
)
def test_ranks_without_a_shard_hear_of_as_many_shards_as_there_can_be(
    ranks: int, shards: int, most: int, batches: str
) -> None:
    assert idle(ranks, shards, most) == f"{ranks - shards} of {ranks} ranks compute nothing: batches {batches}"

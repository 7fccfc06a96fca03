"""``bp bench-cluster`` in several processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bpcli.scaling.cluster_file import read_cluster
from tests.ranks.support import mpirun, with_mpi


@with_mpi
@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_measure_their_network_and_hold_the_model_against_it(ranks: int, tmp_path: Path) -> None:
    done = mpirun(ranks, ["-m", "bpcli", "bench-cluster", "--json", "--output", "c.json"], tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ranks"] == ranks
    assert [check["parameters"] for check in found["exchanges"]] == [50_000, 3_000_000]
    assert all(check["measured"] > 0 and check["predicted"] > 0 for check in found["exchanges"])
    network = read_cluster(tmp_path / "c.json").network
    assert network is not None
    assert network.latency == found["network"]["latency_seconds"] > 0

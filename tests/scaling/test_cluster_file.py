"""The file of figures: read back as written, and refused where it holds anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bpcli.errors import DataError
from bpcli.scaling.arithmetic import Arithmetic
from bpcli.scaling.cluster import Cluster, Network, ethernet, slowest
from bpcli.scaling.cluster_file import MOST_BYTES, as_json, read_cluster
from bpcli.scaling.disturbance import Disturbance
from bpcli.scaling.products import measure
from bpcli.storage.text import to_json

CORE = Arithmetic((8, 128), (1, 64, 512), ((1e9, 2e9, 3e9), (2e9, 4e9, 5e9)), memory=2e10, call=1e-5)
NUMBA = replace(
    CORE,
    compiled_rates=((3e9, 4e9, 5e9), (4e9, 8e9, 9e9)),
    drawing={"gaussian": 8e-9, "dropout": 2e-9},
    disturbance=Disturbance(lost=0.25, stolen=0.5, others=1.0, uneven=0.125),
)
CLUSTERS = [Cluster(CORE), Cluster(CORE, Network(3e-5, 1.2e9)), Cluster(NUMBA, Network(1e-6, 1e10, common_memory=True))]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_figures_are_read_back_as_they_were_written(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(to_json(as_json(cluster)), encoding="utf-8")
    assert read_cluster(file) == cluster


def changed(*path: str | int, value: Any, of: int = 1) -> str:
    found = json.loads(json.dumps(as_json(CLUSTERS[of])))
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not JSON"),
        (" " * (MOST_BYTES + 1), "it has more than 1,048,576 bytes"),
        ("[]", "it is a list, not an object"),
        ("{}", "it has no 'arithmetic'"),
        (changed("network", "latency_seconds", value=0), "network.latency_seconds is 0, not above 0"),
        (
            changed("network", "latency_seconds", value=1e308),
            "network.latency_seconds is 1e+308, not between 1e-18 and 1e+18",
        ),
        (
            changed("arithmetic", "memory_bytes_per_second", value=1e-308),
            "arithmetic.memory_bytes_per_second is 1e-308, not between 1e-18 and 1e+18",
        ),
        (changed("network", "latency_seconds", value="fast"), "network.latency_seconds is 'fast', not a number"),
        (changed("network", "common_memory", value=1), "network.common_memory is 1, not true or false"),
        (changed("arithmetic", "units", value=[128, 8]), "arithmetic.units is empty, or not ascending"),
        (changed("arithmetic", "columns", value=[]), "arithmetic.columns is empty, or not ascending"),
        (changed("arithmetic", "multiplications_per_second", value=[[1, 2, 3]]), "has 1 rows, not 2"),
        (changed("arithmetic", "multiplications_per_second", 1, value=[1, 2]), "has 2 numbers, not 3"),
        (changed("arithmetic", "multiplications_per_second", 1, 2, value=-1), "is -1, not above 0"),
        (
            changed("arithmetic", "compiled_multiplications_per_second", 0, value=[1], of=2),
            "compiled_multiplications_per_second[0] has 1 numbers, not 3",
        ),
        (
            changed("arithmetic", "drawing_seconds", "gaussian", value=0, of=2),
            "drawing_seconds.gaussian is 0, not above 0",
        ),
        (changed("arithmetic", "disturbance", "lost", value=-1), "arithmetic.disturbance.lost is -1, below 0"),
        (changed("arithmetic", "speed", value=1), "arithmetic has 'speed', which is unknown"),
    ],
)
def test_anything_else_is_refused_by_name(text: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_cluster(file)
    assert problem in caught.value.message
    assert caught.value.hint == "measure again: bp bench-cluster --output FILE"


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_cluster(tmp_path / "none.json")


def test_ethernet_carries_its_payload() -> None:
    assert ethernet(10e9).bandwidth == pytest.approx(1.177e9, rel=1e-3)


def test_measured_figures_are_positive_and_on_the_grid_asked_for() -> None:
    found = measure((8,), (1, 16))
    assert (found.units, found.columns) == ((8,), (1, 16))
    assert len(found.rates) == 1
    assert all(rate > 0 for rate in (*found.rates[0], found.memory, found.call, *found.drawing.values()))
    assert found.compiled_rates is None


def test_of_several_cores_the_slowest_counts_and_compiled_products_where_all_have_them() -> None:
    other = replace(
        NUMBA,
        rates=((2e9, 1e9, 3e9), (1e9, 4e9, 6e9)),
        compiled_rates=((9e9, 1e9, 9e9), (9e9, 9e9, 1e9)),
        memory=1e10,
        drawing={"gaussian": 9e-9, "dropout": 1e-9},
        disturbance=Disturbance(stolen=0.5, others=0.5),
    )
    found = slowest([NUMBA, other])
    assert found.rates == ((1e9, 1e9, 3e9), (1e9, 4e9, 5e9))
    assert found.compiled_rates == ((3e9, 1e9, 5e9), (4e9, 8e9, 1e9))
    assert (found.memory, found.drawing) == (1e10, {"gaussian": 9e-9, "dropout": 2e-9})
    assert found.disturbance == Disturbance(lost=0.25, stolen=0.5, others=1.0, uneven=0.125)
    assert slowest([NUMBA, CORE]).compiled_rates is None

"""What machines were measured to do, written as JSON and read back strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bpcli.errors import DataError, refused
from bpcli.scaling.arithmetic import Arithmetic
from bpcli.scaling.cluster import Cluster, Network
from bpcli.storage.bounded import read_regular
from bpcli.storage.strict_json import MalformedError, Saved, parse_json

MOST_BYTES = 1 << 20
"""Beyond any file of figures."""

REMEDY = "measure again: bp bench-cluster --output FILE"


def as_json(cluster: Cluster) -> dict[str, Any]:
    """The figures as plain data; every key names its unit."""
    network = cluster.network
    return {
        "arithmetic": arithmetic_as_json(cluster.arithmetic),
        "network": network and {"latency_seconds": network.latency, "bandwidth_bytes_per_second": network.bandwidth},
    }


def arithmetic_as_json(arithmetic: Arithmetic) -> dict[str, Any]:
    """A core's figures as plain data."""
    return {
        "units": list(arithmetic.units),
        "columns": list(arithmetic.columns),
        "multiplications_per_second": [list(row) for row in arithmetic.rates],
        "memory_bytes_per_second": arithmetic.memory,
        "call_seconds": arithmetic.call,
    }


def read_cluster(path: Path) -> Cluster:
    """The figures of a file that :func:`as_json` described.

    Raises:
        DataError: it is absent, or holds something else.
        SystemRefusedError: the system refused to read it.
    """
    try:
        saved = Saved(parse_json(read_regular(path, MOST_BYTES).decode()))
        keys = saved.keys(("arithmetic", "network"))
        network = keys["network"]
        return Cluster(arithmetic_from(keys["arithmetic"]), None if network.value is None else _network(network))
    except FileNotFoundError as error:
        raise DataError("no such file", where=str(path), hint=REMEDY) from error
    except OSError as error:
        raise refused("read", path, error) from error
    except (MalformedError, UnicodeDecodeError) as error:
        raise DataError(f"no figures of a cluster: {error}", where=str(path), hint=REMEDY) from error


def _network(saved: Saved) -> Network:
    keys = saved.keys(("latency_seconds", "bandwidth_bytes_per_second"))
    return Network(*(_positive(keys[name]) for name in ("latency_seconds", "bandwidth_bytes_per_second")))


def arithmetic_from(saved: Saved) -> Arithmetic:
    """A core's figures.

    Raises:
        MalformedError: they are something else.
    """
    keys = saved.keys(("units", "columns", "multiplications_per_second", "memory_bytes_per_second", "call_seconds"))
    units, columns = _grid(keys["units"]), _grid(keys["columns"])
    rows = keys["multiplications_per_second"].items()
    if len(rows) != len(units):
        keys["multiplications_per_second"].refuse(f"has {len(rows)} rows, not {len(units)}")
    rates = tuple(_row(row, len(columns)) for row in rows)
    return Arithmetic(
        units, columns, rates, _positive(keys["memory_bytes_per_second"]), _positive(keys["call_seconds"])
    )


def _row(saved: Saved, count: int) -> tuple[float, ...]:
    saved.numbers(count)
    return tuple(map(_positive, saved.items()))


def _grid(saved: Saved) -> tuple[int, ...]:
    values = tuple(item.count(low=1) for item in saved.items())
    if not values or list(values) != sorted(set(values)):
        saved.refuse("is empty, or not ascending")
    return values


def _positive(saved: Saved) -> float:
    value = saved.number()
    if value <= 0:
        saved.refuse(f"is {value}, not above 0")
    return float(value)

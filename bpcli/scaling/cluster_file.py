"""What machines were measured to do, written as JSON and read back strictly."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from bpcli.errors import DataError, refused
from bpcli.scaling.arithmetic import Arithmetic, Rates
from bpcli.scaling.cluster import Cluster, Network
from bpcli.scaling.disturbance import Disturbance
from bpcli.storage.bounded import read_file
from bpcli.storage.strict_json import MalformedError, Saved, parse_json

MOST = 1e18
"""The most that a figure may be, and one over it the least: no machine is near them, and times stay finite."""

MOST_BYTES = 1 << 20
"""Beyond any file of figures."""

KEYS = (
    "units",
    "columns",
    "multiplications_per_second",
    "compiled_multiplications_per_second",
    "memory_bytes_per_second",
    "call_seconds",
    "drawing_seconds",
    "disturbance",
)
"""Of a core's figures."""

DISTURBANCES = tuple(part.name for part in fields(Disturbance))

REMEDY = "measure again: bp bench-cluster --output FILE"


def as_json(cluster: Cluster) -> dict[str, Any]:
    """The figures as plain data; every key names its unit."""
    network = cluster.network
    return {
        "arithmetic": arithmetic_as_json(cluster.arithmetic),
        "network": network and network_as_json(network),
    }


def network_as_json(network: Network) -> dict[str, Any]:
    """A network's figures as plain data."""
    return {
        "latency_seconds": network.latency,
        "bandwidth_bytes_per_second": network.bandwidth,
        "common_memory": network.common_memory,
    }


def arithmetic_as_json(arithmetic: Arithmetic) -> dict[str, Any]:
    """A core's figures as plain data."""
    return {
        "units": list(arithmetic.units),
        "columns": list(arithmetic.columns),
        "multiplications_per_second": _rows(arithmetic.rates),
        "compiled_multiplications_per_second": arithmetic.compiled_rates and _rows(arithmetic.compiled_rates),
        "memory_bytes_per_second": arithmetic.memory,
        "call_seconds": arithmetic.call,
        "drawing_seconds": dict(arithmetic.drawing),
        "disturbance": vars(arithmetic.disturbance),
    }


def _rows(rates: Rates) -> list[list[float]]:
    return [list(row) for row in rates]


def read_cluster(path: Path) -> Cluster:
    """The figures of a file that :func:`as_json` described.

    Raises:
        DataError: it is absent, or holds something else.
        SystemRefusedError: the system refused to read it.
    """
    try:
        saved = Saved(parse_json(_bytes(path).decode()))
        keys = saved.keys(("arithmetic", "network"))
        network = keys["network"]
        return Cluster(arithmetic_from(keys["arithmetic"]), None if network.value is None else network_from(network))
    except FileNotFoundError as error:
        raise DataError("no such file", where=str(path), hint=REMEDY) from error
    except OSError as error:
        raise refused("read", path, error) from error
    except (MalformedError, UnicodeDecodeError) as error:
        raise DataError(f"no figures of a cluster: {error}", where=str(path), hint=REMEDY) from error


def _bytes(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        MalformedError: they are more than any figures have.
        OSError: the system refused to read.
    """
    data = read_file(path, MOST_BYTES)
    if data is None:
        raise MalformedError(f"it has more than {MOST_BYTES:,} bytes")
    return data


def network_from(saved: Saved) -> Network:
    """A network's figures.

    Raises:
        MalformedError: they are something else.
    """
    keys = saved.keys(("latency_seconds", "bandwidth_bytes_per_second", "common_memory"))
    latency, bandwidth = (_positive(keys[name]) for name in ("latency_seconds", "bandwidth_bytes_per_second"))
    return Network(latency, bandwidth, keys["common_memory"].truth())


def arithmetic_from(saved: Saved) -> Arithmetic:
    """A core's figures.

    Raises:
        MalformedError: they are something else.
    """
    keys = saved.keys(KEYS)
    units, columns = _grid(keys["units"]), _grid(keys["columns"])
    compiled = keys["compiled_multiplications_per_second"]
    return Arithmetic(
        units,
        columns,
        _rates(keys["multiplications_per_second"], len(units), len(columns)),
        _positive(keys["memory_bytes_per_second"]),
        _positive(keys["call_seconds"]),
        None if compiled.value is None else _rates(compiled, len(units), len(columns)),
        {kind: _positive(seconds) for kind, seconds in keys["drawing_seconds"].mapping().items()},
        Disturbance(**{name: _not_negative(share) for name, share in keys["disturbance"].keys(DISTURBANCES).items()}),
    )


def _rates(saved: Saved, rows: int, columns: int) -> Rates:
    found = saved.items()
    if len(found) != rows:
        saved.refuse(f"has {len(found)} rows, not {rows}")
    return tuple(_row(row, columns) for row in found)


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
    if not 1 / MOST <= value <= MOST:
        saved.refuse(f"is {value}, not between {1 / MOST} and {MOST}")
    return float(value)


def _not_negative(saved: Saved) -> float:
    value = saved.number()
    if value < 0:
        saved.refuse(f"is {value}, below 0")
    return float(value)

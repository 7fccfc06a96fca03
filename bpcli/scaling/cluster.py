"""What machines and the network between them do in a second: the constants of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bpcli.scaling.arithmetic import Arithmetic, Rates
from bpcli.scaling.disturbance import worst

ETHERNET_PAYLOAD = 1448 / 1538
"""The share of a link's bits that is data: a frame of 1500 bytes takes 1538 on the wire, and TCP has 1448 of them."""

USUAL_LATENCY = 30e-6
"""Seconds of a small message by TCP over Ethernet between two hosts of a rack, as Open MPI sends it: 15 to 50 µs."""

USUAL_LINK = 10e9
"""Bits per second of a link between hosts where nothing is known of it."""


@dataclass(frozen=True)
class Network:
    """A message of n bytes takes ``latency`` + n / ``bandwidth`` seconds, in both directions at once.

    Hockney 1994, with α = latency in seconds and β = 1 / bandwidth; bandwidth in bytes per second. ``common_memory``
    says that all ranks are on one host.
    """

    latency: float
    bandwidth: float
    common_memory: bool = False


def ethernet(bits: float = USUAL_LINK, latency: float = USUAL_LATENCY) -> Network:
    """A link of so many bits per second, as TCP uses it at best."""
    return Network(latency, bits / 8 * ETHERNET_PAYLOAD)


@dataclass(frozen=True)
class Cluster:
    """Machines of one kind: what a core of theirs computes, and the network; None where there was one process."""

    arithmetic: Arithmetic
    network: Network | None = None


def slowest(measured: Sequence[Arithmetic]) -> Arithmetic:
    """What each of several cores, measured on the same shapes at the same time, does at least."""
    first, compiled = measured[0], [one.compiled_rates for one in measured]
    return Arithmetic(
        first.units,
        first.columns,
        _least([one.rates for one in measured]),
        min(one.memory for one in measured),
        max(one.call for one in measured),
        _least([rates for rates in compiled if rates is not None]) if None not in compiled else None,
        {kind: max(one.drawing.get(kind, 0.0) for one in measured) for kind in first.drawing},
        worst(one.disturbance for one in measured),
    )


def _least(tables: Sequence[Rates]) -> Rates:
    return tuple(tuple(map(min, zip(*of_units, strict=True))) for of_units in zip(*tables, strict=True))

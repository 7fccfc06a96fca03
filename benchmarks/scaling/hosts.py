"""Two hosts on one machine, joined by a cable of a given bandwidth and delay. Linux, as root.

Its bandwidth is that of tc's token bucket on either side. A delay by tc takes a kernel with netem, which many have not,
so a cable with a delay is a pair of TUN devices: what a host sends, a process here hands on to the other later.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from select import select
from time import monotonic

from benchmarks.hosts import Hosts, do, hosts, on_one_bridge

MTU = 9000
"""Bytes of a packet at most, as on Ethernet with large frames: few enough to hand on without taking a core."""

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""Linux: the call that makes a TUN device, of bare packets (linux/if_tun.h)."""

BURST = 1 << 16
"""Bytes that may pass at once, whatever the bandwidth."""


@contextmanager
def two_hosts(bits: float, delay: float, folder: Path) -> Iterator[Hosts]:
    """Two hosts whose cable carries so many bits per second and delays by seconds; ``folder`` takes a script."""
    with hosts(2, folder, partial(_delayed, delay) if delay else on_one_bridge) as made:
        for number in range(made.count):
            shape = f"rate {bits:.0f}bit burst {BURST} limit {1 << 26}"
            do(f"tc -n {made.host(number)} qdisc add dev cable root tbf {shape}")
        yield made


@contextmanager
def _delayed(delay: float, made: Hosts) -> Iterator[None]:
    """One cable between two hosts."""
    ends: list[int] = []
    try:
        for number in range(made.count):
            host = made.host(number)
            ends.append(_tun(host))
            do(f"ip link set {host} netns {host} name cable")
            made.give_address(number)
            do(f"ip -n {host} link set cable mtu {MTU} txqueuelen 1000")
        with _cable(ends, delay):
            yield
    finally:
        for end in ends:
            os.close(end)


def _tun(name: str) -> int:
    """A TUN device; packets that it is to receive are written to the descriptor, and those that it sends read."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


@contextmanager
def _cable(ends: list[int], delay: float) -> Iterator[None]:
    """Hand packets on between two devices while the block runs."""
    child = os.fork()
    if child == 0:
        _hand_on(ends, delay)
    try:
        yield
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def _hand_on(ends: list[int], delay: float) -> None:
    """Hand on packets, before anything else that wants a core, as a network card would."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    waiting: dict[int, deque[tuple[float, bytes]]] = {end: deque() for end in ends}
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    while True:
        due = min((queue[0][0] for queue in waiting.values() if queue), default=None)
        pause = None if due is None else max(0.0, due - monotonic())
        for end in select(ends, [], [], pause)[0]:
            packet = os.read(end, MTU + 100)
            waiting[other[end]].append((monotonic() + delay, packet))
        for end, queue in waiting.items():
            while queue and queue[0][0] <= monotonic():
                os.write(end, queue.popleft()[1])

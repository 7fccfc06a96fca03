"""Two hosts on one machine: network namespaces, joined by a cable of a given bandwidth and delay. Linux, as root.

The cable is a pair of TUN devices: what a host sends, a process here hands on to the other after the delay. Its
bandwidth is that of tc's token bucket on either side. A delay by tc takes a kernel with netem, which many have not.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from time import monotonic

from benchmarks.processes import mpirun

NAMES = ("bp-bench-a", "bp-bench-b")
ADDRESSES = ("10.211.7.1", "10.211.7.2")

MTU = 9000
"""Bytes of a packet at most, as on Ethernet with large frames: few enough to hand on without taking a core."""

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""Linux: the call that makes a TUN device, of bare packets (linux/if_tun.h)."""

ON_ANY_CORE = ("--bind-to", "none")
"""Lets the ranks of a host run on all of its cores."""

BURST = 4
"""Packets that may pass at once, whatever the bandwidth."""

AGENT = """#!/bin/sh
while case $1 in -*) true;; *) false;; esac; do shift; done
case $1 in {first}) name={name_a};; *) name={name_b};; esac
shift
exec ip netns exec $name unshare --uts sh -c "hostname $name; $*"
"""
"""Starts a command on a host by its address, as ssh would."""


@contextmanager
def two_hosts(bits: float, delay: float, folder: Path) -> Iterator[list[str]]:
    """Two hosts whose cable carries so many bits per second and delays by seconds; the words that start two ranks.

    ``folder`` takes a script.
    """
    agent = folder / "agent.sh"
    agent.write_text(AGENT.format(first=ADDRESSES[0], name_a=NAMES[0], name_b=NAMES[1]), encoding="ascii")
    agent.chmod(0o755)
    ends: list[int] = []
    _remove()
    try:
        for name, address in zip(NAMES, ADDRESSES, strict=True):
            _run("ip", "netns", "add", name)
            ends.append(_tun(name))
            _run("ip", "link", "set", name, "netns", name)
            for words in (["link", "set", "lo", "up"], ["addr", "add", f"{address}/24", "dev", name]):
                _run("ip", "-n", name, *words)
            _run("ip", "-n", name, "link", "set", name, "mtu", str(MTU), "txqueuelen", "1000", "up")
            shape = ["rate", f"{bits:.0f}bit", "burst", str(BURST * MTU), "limit", str(1 << 26)]
            _run("tc", "-n", name, "qdisc", "add", "dev", name, "root", "tbf", *shape)
        with _cable(ends, delay):
            yield _launch(agent)
    finally:
        for end in ends:
            os.close(end)
        _remove()


def _launch(agent: Path) -> list[str]:
    hosts = ",".join(f"{address}:1" for address in ADDRESSES)
    return [
        *("ip", "netns", "exec", NAMES[0], "unshare", "--uts", "sh", "-c"),
        f'hostname {NAMES[0]}; exec "$@"',
        *("sh", *mpirun(), *ON_ANY_CORE, "--prtemca", "plm_ssh_agent", str(agent), "--host", hosts, "-n", "2"),
    ]


def _remove() -> None:
    for name in NAMES:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _run(*words: str) -> None:
    subprocess.run(words, check=True)


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

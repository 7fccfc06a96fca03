"""Hosts on one machine: network namespaces on one bridge, each with its own name, address and cable. Linux, as root."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count as counting
from pathlib import Path

from benchmarks.processes import mpirun

NETWORK = "10.213.7"
"""Of the hosts alone; nothing else is reached from there."""

GROUPS = counting()
"""Numbers of the groups of hosts that this process makes: one may be there while another is made."""

LOSES_A_HOST = (
    "--prtemca", "oob_tcp_keepalive_time", "1",
    "--prtemca", "oob_tcp_keepalive_intvl", "1",
    "--prtemca", "oob_tcp_keepalive_probes", "3",
)  # fmt: skip
"""With these mpirun itself gives up a host after 4 s, not minutes."""


def do(words: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(words.split(), check=True, capture_output=True)


@dataclass(frozen=True)
class Hosts:
    """Hosts that are named ``<name>0``, ``<name>1``, …; ``folder`` holds what starts processes on them."""

    name: str
    count: int
    folder: Path

    def host(self, number: int) -> str:
        """A host's name, and its namespace's."""
        return f"{self.name}{number}"

    def address(self, number: int) -> str:
        """A host's address."""
        return f"{NETWORK}.{number + 1}"

    def command(self, words: list[str], options: tuple[str, ...] = (), each: int = 1) -> list[str]:
        """Python with these words, ``each`` times on every host, started on the first."""
        where = ",".join(f"{self.address(number)}:{each}" for number in range(self.count))
        by_tcp = ["--mca", "pml", "ob1", "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", f"{NETWORK}.0/24"]
        launch = [
            *mpirun(), "--prtemca", "plm_ssh_agent", str(self.agent), *LOSES_A_HOST, "--host", where,
            "--map-by", "node", *by_tcp, "--bind-to", "none", "-x", "PYTHONPATH", *options,
            "-n", str(each * self.count),
        ]  # fmt: skip
        return [str(self.agent), self.address(0), shlex.join([*launch, sys.executable, *words])]

    @property
    def agent(self) -> Path:
        """What mpirun takes for ssh: the command on the host with this address."""
        return self.folder / "agent"

    def give_address(self, number: int) -> None:
        """Let a host's cable carry its address."""
        host = self.host(number)
        do(f"ip -n {host} addr add {self.address(number)}/24 dev cable")
        do(f"ip -n {host} link set lo up")
        do(f"ip -n {host} link set cable up")

    def pull_the_cable(self, number: int) -> None:
        """Cut a host off."""
        do(f"ip -n {self.host(number)} link set cable down")

    def slow_down(self, rate: str, delay: str) -> None:
        """Let no cable carry more, nor what it carries come sooner; not every kernel can delay."""
        for number in range(self.count):
            rule = f"tc -n {self.host(number)} qdisc replace dev cable root"
            delayed = subprocess.run(
                f"{rule} netem delay {delay} rate {rate}".split(), capture_output=True, check=False
            )
            if delayed.returncode:
                do(f"{rule} tbf rate {rate} burst 64kb latency 200ms")


Joining = Callable[["Hosts"], AbstractContextManager[None]]
"""Gives hosts that are there their cables, until the end of the block."""


@contextmanager
def on_one_bridge(made: Hosts) -> Iterator[None]:
    """A cable from each host to a bridge in a namespace of its own."""
    bridge = f"{made.name}b"
    try:
        do(f"ip netns add {bridge}")
        do(f"ip -n {bridge} link add bridge type bridge")
        do(f"ip -n {bridge} link set bridge up")
        for number in range(made.count):
            do(f"ip link add cable netns {made.host(number)} type veth peer name port{number} netns {bridge}")
            do(f"ip -n {bridge} link set port{number} master bridge up")
            made.give_address(number)
        yield
    finally:
        remove(bridge)


@contextmanager
def hosts(count: int, folder: Path, joined: Joining = on_one_bridge) -> Iterator[Hosts]:
    """So many hosts, until the end of the block; ``folder`` takes a script."""
    made = Hosts(f"bp{os.getpid()}g{next(GROUPS)}h", count, folder)
    cases = "\n".join(f"{made.address(k)}) host={made.host(k)};;" for k in range(count))
    made.agent.write_text(
        f"#!/bin/sh\ncase $1 in\n{cases}\nesac\nshift\nexport host\n"
        'exec ip netns exec $host unshare --uts sh -c "hostname $host; $*"\n',
        encoding="utf-8",
    )
    made.agent.chmod(0o755)
    try:
        for number in range(count):
            do(f"ip netns add {made.host(number)}")
        with joined(made):
            yield made
    finally:
        for number in range(count):
            remove(made.host(number))


def remove(name: str) -> None:
    """Remove a network namespace with all processes in it, such as a daemon of mpirun whose cable was pulled."""
    for pid in pids_in(name):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def pids_in(name: str) -> list[int]:
    """The processes in a network namespace."""
    listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]

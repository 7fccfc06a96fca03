"""Hosts of the tests' own making: network namespaces on one bridge, each with its own name, address and cable."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ranks.support import MPIRUN, ROOT, environment

NETWORK = "10.213.7"
"""Of the hosts alone; nothing else is reached from there."""

LOSES_A_HOST = (
    "--prtemca", "oob_tcp_keepalive_time", "1",
    "--prtemca", "oob_tcp_keepalive_intvl", "1",
    "--prtemca", "oob_tcp_keepalive_probes", "3",
)  # fmt: skip
"""With these mpirun itself gives up a host after 4 s, not minutes."""


def obstacle() -> str:
    """Why there can be no such hosts here; empty if they can be."""
    missing = [tool for tool in ("ip", "tc", "unshare") if shutil.which(tool) is None]
    if sys.platform != "linux" or missing:
        return f"network namespaces need Linux and {', '.join(missing) or 'iproute2'}"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if MPIRUN is None:
        return "no mpirun here: pip install 'bpcli[mpi]'"
    made = subprocess.run(["ip", "netns", "add", "bp-may-i"], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", "bp-may-i"], capture_output=True, check=False)
    return made.stderr.strip()


with_hosts = pytest.mark.skipif(bool(obstacle()), reason=obstacle() or "-")


def do(words: str) -> None:
    subprocess.run(words.split(), check=True, capture_output=True)


@dataclass(frozen=True)
class Hosts:
    """Hosts that are named ``<name>0``, ``<name>1``, …; ``folder`` holds what starts processes on them."""

    name: str
    count: int
    folder: Path

    def host(self, number: int) -> str:
        return f"{self.name}{number}"

    def address(self, number: int) -> str:
        return f"{NETWORK}.{number + 1}"

    def command(self, words: list[str], options: tuple[str, ...] = (), each: int = 1) -> list[str]:
        """Python with these words, ``each`` times on every host, started on the first."""
        assert MPIRUN is not None
        where = ",".join(f"{self.address(number)}:{each}" for number in range(self.count))
        by_tcp = ["--mca", "pml", "ob1", "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", f"{NETWORK}.0/24"]
        launch = [
            MPIRUN, "--prtemca", "plm_ssh_agent", str(self.agent), *LOSES_A_HOST, "--host", where, "--map-by", "node",
            *by_tcp, "--bind-to", "none", "-x", "PYTHONPATH", *options, "-n", str(each * self.count),
        ]  # fmt: skip
        return [str(self.agent), self.address(0), shlex.join([*launch, sys.executable, *words])]

    @property
    def agent(self) -> Path:
        """What mpirun takes for ssh: the command on the host with this address."""
        return self.folder / "agent"

    def pull_the_cable(self, number: int) -> None:
        do(f"ip -n {self.host(number)} link set cable down")

    def plug_it_in(self, number: int) -> None:
        do(f"ip -n {self.host(number)} link set cable up")

    def slow_down(self, rate: str, delay: str) -> None:
        """Let no cable carry more, nor what it carries come sooner; not every kernel can delay."""
        for number in range(self.count):
            rule = f"tc -n {self.host(number)} qdisc replace dev cable root"
            delayed = subprocess.run(
                f"{rule} netem delay {delay} rate {rate}".split(), capture_output=True, check=False
            )
            if delayed.returncode:
                do(f"{rule} tbf rate {rate} burst 64kb latency 200ms")


@contextmanager
def hosts(count: int, folder: Path) -> Iterator[Hosts]:
    """So many hosts, until the end of the block."""
    made = Hosts(f"bp{os.getpid()}h", count, folder)
    bridge = f"{made.name}b"
    cases = "\n".join(f"{made.address(k)}) host={made.host(k)};;" for k in range(count))
    made.agent.write_text(
        f"#!/bin/sh\ncase $1 in\n{cases}\nesac\nshift\nexport host\n"
        'exec ip netns exec $host unshare --uts sh -c "hostname $host; $*"\n',
        encoding="utf-8",
    )
    made.agent.chmod(0o755)
    try:
        do(f"ip netns add {bridge}")
        do(f"ip -n {bridge} link add bridge type bridge")
        do(f"ip -n {bridge} link set bridge up")
        for number in range(count):
            _plug_in(made, number, bridge)
        yield made
    finally:
        for name in (*(made.host(number) for number in range(count)), bridge):
            for pid in pids_in(name):  # such as a daemon of mpirun whose cable was pulled
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def pids_in(name: str) -> list[int]:
    """The processes in a network namespace."""
    listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


def _plug_in(made: Hosts, number: int, bridge: str) -> None:
    host = made.host(number)
    do(f"ip netns add {host}")
    do(f"ip link add cable netns {host} type veth peer name port{number} netns {bridge}")
    do(f"ip -n {bridge} link set port{number} master bridge up")
    do(f"ip -n {host} addr add {made.address(number)}/24 dev cable")
    do(f"ip -n {host} link set lo up")
    do(f"ip -n {host} link set cable up")


def run_on(made: Hosts, words: list[str], cwd: Path, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run Python with these words on all hosts, to its end."""
    variables = environment(PYTHONPATH=str(ROOT))
    return subprocess.run(
        made.command(words), cwd=cwd, env=variables, capture_output=True, text=True, timeout=seconds, check=False
    )

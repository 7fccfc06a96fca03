"""``python -m benchmarks.scaling``: measure a cable, or print a table of docs/understand/scaling.md."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import ROOT, THREAD_VARIABLES, mpirun
from benchmarks.scaling.cases import CABLES, Cable
from benchmarks.scaling.hosts import two_hosts
from benchmarks.scaling.tables import MACHINE, RESULTS, TABLES
from bpcli.ranks.starting import LINKS
from bpcli.scaling.cluster_file import network_from
from bpcli.storage.strict_json import Saved

ENVIRONMENT = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONPATH": str(ROOT)} | dict([LINKS])
"""As bp itself sets it: it shares out shards, not the rows of a product, and has two connections to a host."""

MOST_LOST, MOST_LOST_BESIDE_A_CABLE = 0.05, 0.2
"""The share of its time that a rank may lose to other processes, to that of a cable with a delay too."""


def main() -> None:
    """Measure, or print a table; where a signal ends it, hosts and processes are removed first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("what", choices=[*CABLES, *TABLES], nargs="+", help="a cable to measure, or a table to print")
    for what in parser.parse_args().what:
        if what in CABLES:
            measure(what)
        else:
            print("\n".join(TABLES[what]()))


def measure(name: str) -> None:
    """Measure every case over a cable, on one rank too where there is none, and keep the figures."""
    cable = CABLES[name]
    with TemporaryDirectory() as folder, _started(cable, name, Path(folder)) as command:
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: other processes took {found['lost']:.1%} of a rank's time", file=sys.stderr)
    if found["lost"] > (MOST_LOST_BESIDE_A_CABLE if cable.delay else MOST_LOST):
        raise SystemExit("disturbed: measure again while nothing else runs")
    RESULTS.mkdir(exist_ok=True)
    network = found["cluster"]["network"]
    if network and not cable.bits:
        _write(MACHINE, found["cluster"])
    known = network and vars(network_from(Saved(network)))
    _write(RESULTS / f"{name}.json", {"network": known, "steps": found["steps"]})


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _started(cable: Cable, name: str, folder: Path) -> Iterator[list[str]]:
    """The words that start the ranks."""
    words = ["-m", "benchmarks.scaling.worker", name]
    if cable.bits:
        with two_hosts(cable.bits, cable.delay, folder) as made:
            yield made.command(words)
    else:
        yield [*mpirun(), "--bind-to", "none", "-n", str(max(cable.ranks)), sys.executable, *words]


if __name__ == "__main__":
    main()

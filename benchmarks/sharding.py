"""What shards and threads do to a step, both engines, one process: ``python -m benchmarks.sharding``.

Float32, one thread in BLAS; µs a step, the best of all rounds, taken in turn, and the ratio to the
first numbers of shards and threads. With ``--busy`` another process keeps a core busy meanwhile; with
``--without-bands`` the NumPy engine computes every layer whole.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import product

from threadpoolctl import threadpool_limits

from benchmarks.in_turn import best_in_turn, head, row
from benchmarks.processes import pinned
from benchmarks.scaling.cases import ENGINES, MIDDLE, WIDE, Case
from benchmarks.scaling.steps import CaseSteps
from bpcli.training.shards import cutting

NETWORKS = {
    "784-512-512-10, batch 128": Case(MIDDLE, 128, steps=32),
    "784-2048-2048-10, batch 512": Case(WIDE, 512, steps=2),
}

WIDER_THAN_ANY = 10**9
"""Units from which on a layer has bands, so none has."""


@contextmanager
def busy() -> Iterator[None]:
    """Another process keeps the last core busy."""
    with pinned(1):
        process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sharding", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--shards", nargs="+", type=int, default=[1, 2, 4], metavar="N")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="N")
    parser.add_argument("--rules", nargs="+", default=["gradient_descent"], metavar="RULE")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--without-bands", action="store_true")
    options = parser.parse_args()
    if options.without_bands:
        cutting.ROWS_REPEATED = WIDER_THAN_ANY
    threadpool_limits(1, "blas")
    ways = list(product(options.shards, options.threads))
    titles = (f"{shards} shard{'s' * (shards > 1)}, {threads} thread{'s' * (threads > 1)}" for shards, threads in ways)
    print(head("network", "engine", "rule", *titles))
    with busy() if options.busy else nullcontext():
        for name in options.networks:
            for engine, rule in product(options.engines, options.rules):
                case = replace(NETWORKS[name], engine=engine, rule=rule)
                cases = (replace(case, shards=shards, threads=threads) for shards, threads in ways)
                found = best_in_turn({case.title: CaseSteps(case).run for case in cases}, options.rounds, 0.15)
                seconds = [one / NETWORKS[name].steps for one in found.values()]
                cells = (f"{one * 1e6:,.0f} · {seconds[0] / one:.2f}" for one in seconds)
                print(row(name, engine, rule, *cells), flush=True)


if __name__ == "__main__":
    main()

"""How long a core takes to write what another one has read: ``python -m benchmarks.rewriting``, Linux, two cores.

µs for 512 kB, medians: that nobody else has read, and that a thread on another core has read before each time.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

from benchmarks.in_turn import digits, head, row
from bpcli.nn import Array

ENTRIES, TIMES = 1 << 17, 500


def micros(other: ThreadPoolExecutor, seen: Array, written: Array) -> float:
    """µs in which this core writes one array, after the other core has read one."""
    step, out, found = np.zeros_like(seen), np.zeros_like(seen), []
    for _ in range(TIMES):
        other.submit(np.add, seen, step, out).result()
        began = perf_counter()
        np.add(written, step, written)
        found.append(perf_counter() - began)
    return 1e6 * float(np.median(found))


def main() -> None:
    """Print the table."""
    own, others = sorted(os.sched_getaffinity(0))[:2]
    seen, unseen = np.zeros(ENTRIES, np.float32), np.zeros(ENTRIES, np.float32)
    print(head("", "µs"))
    with ThreadPoolExecutor(1, initializer=os.sched_setaffinity, initargs=(0, {others})) as other:
        os.sched_setaffinity(0, {own})
        print(row("read by nobody", digits(micros(other, seen, unseen))))
        print(row("read by another core", digits(micros(other, seen, seen))))


if __name__ == "__main__":
    main()

"""How far a measurement was disturbed: by other processes, by other guests of the host, by whatever slows rounds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from time import perf_counter, thread_time

ROOT = Path("/")
"""Where the system's files are."""

MOST = {"lost": 0.05, "stolen": 0.02, "others": 0.15, "uneven": 0.15}
"""What a machine is quiet up to."""

WORDS = {
    "lost": "other work took {0:.0%} of the core's time",
    "stolen": "other guests of the host took {0:.0%} of the processors' time",
    "others": "other processes kept {0:.1f} cores busy",
    "uneven": "a usual round took {0:.0%} longer than the best",
}


@dataclass(frozen=True)
class Disturbance:
    """What a measurement was disturbed by; each is 0 where there was nothing, or the system does not say.

    ``lost`` is the share of its time in which its thread did not run, ``stolen`` the share of all processors' time
    that a hypervisor gave to others, ``others`` the cores that other processes kept busy, and ``uneven`` by how much
    a usual round took longer than the best.
    """

    lost: float = 0.0
    stolen: float = 0.0
    others: float = 0.0
    uneven: float = 0.0

    @property
    def reasons(self) -> list[str]:
        """What is beyond a quiet machine, in words."""
        return [WORDS[name].format(value) for name, value in vars(self).items() if value > MOST[name]]


def worst(found: Iterable[Disturbance]) -> Disturbance:
    """The largest of each number."""
    every = list(found)
    return Disturbance(*(max(getattr(one, part.name) for one in every) for part in fields(Disturbance)))


@dataclass
class Measurement:
    """Filled while a measurement goes on: ``rounds`` are seconds, of the best and of a usual round of each figure."""

    rounds: list[tuple[float, float]] = field(default_factory=list)
    found: Disturbance = field(default_factory=Disturbance)

    @property
    def uneven(self) -> float:
        """By how much usual rounds took longer than the best: the median over all figures."""
        ratios = sorted(usual / best - 1 for best, usual in self.rounds if best > 0)
        return ratios[len(ratios) // 2] if ratios else 0.0


@contextmanager
def watched(processes: int = 1, root: Path = ROOT) -> Iterator[Measurement]:
    """Watch what is measured in the block, by this thread and as many ``processes`` of this host at the same time."""
    watch, before, start, used = Measurement(), _processors(root), perf_counter(), thread_time()
    yield watch
    lost = 1 - (thread_time() - used) / (perf_counter() - start)
    busy, stolen, whole = (after - earlier for after, earlier in zip(_processors(root), before, strict=True))
    cores = os.cpu_count() or 1
    others = busy / whole * cores - processes * (1 - lost) if whole else 0.0
    watch.found = Disturbance(max(lost, 0.0), stolen / whole if whole else 0.0, max(others, 0.0), watch.uneven)


def _processors(root: Path) -> tuple[float, float, float]:
    """The ticks in which this host's processors were busy, those stolen from them, and all; zeros if unknown."""
    try:
        words = (root / "proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
        user, nice, system, idle, waiting, irq, softirq, stolen = map(float, words)
    except (OSError, ValueError, IndexError):
        return 0.0, 0.0, 0.0
    busy = user + nice + system + irq + softirq
    return busy, stolen, busy + idle + waiting + stolen

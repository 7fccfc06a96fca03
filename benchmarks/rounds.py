"""How competitors are timed side by side: in rounds, one measurement each, so that drift meets all of them."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np

from benchmarks.competitors import Competitor
from benchmarks.processes import Worker, WorkerFailedError
from benchmarks.workloads import Workload, arrays

SETTLE_SECONDS = 0.02
"""Between measurements, so that the threads of the last one have gone to sleep."""


@dataclass
class Measurement:
    """What came of a competitor on a workload.

    ``seconds`` holds a number for each round, ``losses`` one for each epoch.
    ``start_seconds`` is importing and reading, ``compile_seconds`` what the first
    measurement took more than later ones.
    """

    workload: str
    threads: int
    competitor: str
    steps: int
    seconds: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    start_seconds: float = 0.0
    compile_seconds: float = 0.0
    variant: str = ""
    other_loss: str = ""
    failure: str = ""
    versions: dict[str, str] = field(default_factory=dict)


@dataclass
class _Entrant:
    """A measurement in the making, the worker that makes it, and what its time is multiplied by."""

    measurement: Measurement
    worker: Worker
    times: float


def measure(
    workload: Workload, competitors: Iterable[Competitor], threads: int, repeats: int, caches: Path | None = None
) -> list[Measurement]:
    """Time every competitor that can do the workload, ``repeats`` rounds of all of them."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "arrays.npz"
        np.savez(data, **arrays(workload, repeats))  # type: ignore[arg-type]
        measurements, entrants = [], []
        for competitor in (one for one in competitors if one.fits(workload, threads)):
            measurement = _blank(workload, competitor, threads)
            measurements.append(measurement)
            entrants += _enter(competitor, workload, data, measurement, caches)
        for number in range(repeats):
            turned = entrants[number % len(entrants) :] + entrants[: number % len(entrants)]
            _round([entrant for entrant in turned if not entrant.measurement.failure])
        for entrant in entrants:
            if not entrant.measurement.failure:
                entrant.worker.close()
    return measurements


def _blank(workload: Workload, competitor: Competitor, threads: int) -> Measurement:
    return Measurement(
        workload=workload.name,
        threads=threads,
        competitor=competitor.name,
        steps=workload.steps * workload.epochs,
        other_loss=competitor.other_loss(workload),
    )


def _enter(
    competitor: Competitor, workload: Workload, data: Path, measurement: Measurement, caches: Path | None
) -> list[_Entrant]:
    """The competitor's worker, built and warm; none where that fails."""
    _tell(f"{workload.name}, threads: {measurement.threads}: {competitor.name} warms up")
    task: dict[str, Any] = {
        "workload": dataclasses.asdict(workload),
        "arrays": str(data),
        "options": dict(competitor.options),
    }
    try:
        worker = Worker(competitor.module, task, 1 if competitor.alone else measurement.threads, caches)
        warm = worker.ask("warm-up")
    except WorkerFailedError as error:
        measurement.failure = str(error)
        return []
    measurement.versions, measurement.start_seconds = worker.versions, worker.start_seconds
    measurement.variant, measurement.compile_seconds = warm["variant"], warm["compile_seconds"]
    return [_Entrant(measurement, worker, competitor.times(workload))]


def _round(entrants: Sequence[_Entrant]) -> None:
    """One measurement of each."""
    for entrant in entrants:
        sleep(SETTLE_SECONDS)
        try:
            answer = entrant.worker.ask("epoch")
        except WorkerFailedError as error:
            entrant.measurement.failure = str(error)
            continue
        entrant.measurement.seconds.append(answer["seconds"] * entrant.times)
        entrant.measurement.losses += answer["losses"]


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)

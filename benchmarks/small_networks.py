"""What is an epoch of a small network made of? ``python -m benchmarks.small_networks`` prints µs an epoch by its parts.

Networks of a few hundred parameters are trained by the compiled engine as in :mod:`benchmarks.workers.bp`. In each
round one part after another is timed, from its call to its return, less what reading the clock takes; the least of all
rounds counts. The rest is what no part has: the loop itself, its events, and who takes them.

With ``--command`` µs of processor time that an epoch takes of ``bp train configs/iris.yaml``, with all
that is written for it: what a long training takes more than one of an epoch, each the least of all rounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.commands import bp_command
from benchmarks.processes import ROOT
from benchmarks.workers.bp import Bp
from benchmarks.workers.protocol import Task
from benchmarks.workloads import WORKLOADS, arrays
from bpcli.training.compiled.ahead import Ahead
from bpcli.training.compiled.portions import Portions
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.control import Control
from bpcli.training.measure import Measure
from bpcli.training.orders import Orders
from bpcli.training.recipe import Recipe
from bpcli.training.state import TrainingState

SMALL = ("iris_batch", "iris_sgd")

PARTS: dict[str, tuple[type[Any], str]] = {
    "the kernel with its call": (CompiledSteps, "_call"),
    "opening streams and drawing orders": (Orders, "of"),
    "gathering": (Portions, "gathered"),
    "learning rates": (Recipe, "rates"),
    "whether numbers are finite": (Ahead, "_usable"),
    "losses and metrics": (Measure, "running_along"),
    "handing epochs over": (Ahead, "hand_over"),
    "emptying sums and tallies": (TrainingState, "begin_epoch"),
    "what results decide, and the copy that is kept": (Control, "observe"),
}
"""The parts of an epoch, each a method of a class."""

COMMANDS = {
    ("engine=numba", "optimizer.mode=batch"): 20_000,
    ("engine=numba", "optimizer.mode=sgd"): 20_000,
    ("engine=numpy", "optimizer.mode=batch"): 20_000,
    ("engine=numpy", "optimizer.mode=sgd"): 1_000,
}
"""Settings of the command's trainings, and by how many epochs a long one is longer than a short one."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_networks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    parser.add_argument("--command", action="store_true")
    options = parser.parse_args()
    rounds = options.rounds
    if options.command:
        print("| | an epoch |\n|---|---|")
        for words, epochs in COMMANDS.items():
            print(f"| `{' '.join(words)}` | {of_command(words, epochs, rounds):.1f} µs |", flush=True)
        return
    threadpool_limits(1, "blas")
    columns = [made_of(name, rounds) for name in SMALL]
    print("| µs an epoch | " + " | ".join(WORKLOADS[name].title for name in SMALL) + " |\n|---|" + "---|" * len(SMALL))
    for part in columns[0]:
        print(f"| {part} | " + " | ".join(f"{column[part]:.2f}" for column in columns) + " |")


def of_command(words: Iterable[str], epochs: int, rounds: int) -> float:
    """µs of processor time that an epoch of the command takes."""
    settings = [*words, "optimizer.batch_size=null", "threads=1"]
    _processor_seconds(settings, 1)  # compiles
    short, long = (min(_processor_seconds(settings, 1 + more) for _ in range(rounds)) for more in (0, epochs))
    return 1e6 * (long - short) / epochs


def _processor_seconds(settings: list[str], epochs: int) -> float:
    """Of a whole command."""
    with tempfile.TemporaryDirectory() as folder:
        config, run = ROOT / "configs" / "iris.yaml", Path(folder) / "run"
        line = bp_command("train", config, *settings, f"epochs={epochs}", "--quiet", "--run", run)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(line, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def made_of(name: str, rounds: int) -> dict[str, float]:
    """µs an epoch of a workload: of each part, of the rest, and of the whole."""
    trainer = Bp(_task(name))
    trainer.run(0)
    least = dict.fromkeys([*PARTS, "all"], float("inf"))
    for _ in range(rounds):
        for part, method in PARTS.items():
            with timed(*method) as spent:
                trainer.run(0)
            least[part] = min(least[part], max(0.0, sum(spent) - len(spent) * clock()))
        began = perf_counter()
        trainer.run(0)
        least["all"] = min(least["all"], perf_counter() - began)
    epochs = trainer.task.workload.epochs
    found = {part: 1e6 * seconds / epochs for part, seconds in least.items()}
    whole = found.pop("all")
    return {**found, "the rest": whole - sum(found.values()), "**an epoch**": whole}


def _task(name: str) -> Task:
    """The workload's task, as the benchmark's own file of arrays would have it."""
    workload = WORKLOADS[name]
    known, layers = arrays(workload, 0), [l for l, _ in enumerate(pairwise(workload.sizes), 1)]
    W, b = ([known[f"{letter}{l}"] for l in layers] for letter in "Wb")
    X, Y, classes, orders = (known[key] for key in ("X", "Y", "classes", "orders"))
    return Task(workload, X, Y, classes, W, b, orders, threads=1, options={"engine": "numba"})


@contextmanager
def timed(owner: type[Any], name: str) -> Iterator[list[float]]:
    """The seconds of each call of a method while the block runs."""
    method: Callable[..., Any] = getattr(owner, name)
    spent: list[float] = []

    def noted(*arguments: Any, **named: Any) -> Any:
        began = perf_counter()
        found = method(*arguments, **named)
        spent.append(perf_counter() - began)
        return found

    setattr(owner, name, noted)
    try:
        yield spent
    finally:
        setattr(owner, name, method)


class _Nothing:
    def __call__(self) -> None:
        """Do nothing."""


def clock() -> float:
    """The seconds that timing a call adds to it."""
    nothing = _Nothing()
    with timed(_Nothing, "__call__") as spent:
        for _ in range(100):
            nothing()
    return min(spent)


if __name__ == "__main__":
    main()

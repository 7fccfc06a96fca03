"""Who trains: each competitor's worker, the workloads it can do, and what is to be known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.workers.sgemm import SIDE
from benchmarks.workloads import Workload

WIDEST_LOOPED = 128
"""The widest hidden layer that a loop over single examples in NumPy is asked to train in bearable time."""


def _all(workload: Workload, threads: int) -> bool:  # noqa: ARG001 - of an interface
    return True


def _several(workload: Workload, threads: int) -> bool:  # noqa: ARG001 - of an interface
    return threads > 1


def _plain(workload: Workload, threads: int) -> bool:  # noqa: ARG001 - of an interface
    narrow = max(workload.sizes[1:]) <= WIDEST_LOOPED
    return narrow and workload.rule == "gradient_descent" and not workload.regression


def _fann(workload: Workload, threads: int) -> bool:  # noqa: ARG001 - of an interface
    sigmoid = workload.activation == workload.output == "sigmoid"
    return sigmoid and workload.loss == "half_squared_error" and workload.rule == "gradient_descent"


def _as_it_is(workload: Workload) -> float:  # noqa: ARG001 - of an interface
    return 1.0


def _its_multiplications(workload: Workload) -> float:
    """How many large products have as many multiplications as a measurement of the workload."""
    return workload.products * workload.steps * workload.epochs / SIDE**3


def _same(workload: Workload) -> str:  # noqa: ARG001 - of an interface
    return ""


def _scikit_learn_loss(workload: Workload) -> str:
    if workload.loss == "half_squared_error" and not workload.regression:
        return "softmax with cross-entropy instead: its squared error is for regression alone"
    return ""


@dataclass(frozen=True)
class Competitor:
    """A worker's module with its options; what it can train, on how many threads; how its loss differs, if it does.

    ``alone`` has one thread whatever the others have; its measured time is multiplied by ``times``.
    """

    name: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fits: Callable[[Workload, int], bool] = _all
    other_loss: Callable[[Workload], str] = _same
    alone: bool = False
    times: Callable[[Workload], float] = _as_it_is


REFERENCE = "bp numpy"
"""Whose time and loss the others are compared with."""

QUICK = (REFERENCE, "bp numba", "arithmetic", "matrix products alone", "JAX", "FANN")
"""Those that are ready within seconds."""

COMPETITORS = {
    competitor.name: competitor
    for competitor in (
        Competitor(REFERENCE, "bp", {"engine": "numpy"}),
        Competitor("bp numba", "bp", {"engine": "numba"}),
        Competitor("bp numpy, one thread", "bp", {"engine": "numpy"}, fits=_several, alone=True),
        Competitor("bp numba, one thread", "bp", {"engine": "numba"}, fits=_several, alone=True),
        Competitor("arithmetic", "sgemm", times=_its_multiplications),
        Competitor("matrix products alone", "products"),
        Competitor("JAX", "jax_scan"),
        Competitor("PyTorch eager", "pytorch", {"compiled": False}),
        Competitor("PyTorch compiled", "pytorch", {"compiled": True}),
        Competitor("scikit-learn", "scikit_learn", other_loss=_scikit_learn_loss),
        Competitor("FANN", "fann", fits=_fann),
        Competitor("plain NumPy script", "plain", fits=_plain),
    )
}

"""Who trains: each competitor's worker, the workloads it can do, and what is to be known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.workloads import Workload

WIDEST_LOOPED = 128
"""The widest hidden layer that a loop over single examples in NumPy is asked to train in bearable time."""


def _all(workload: Workload, threads: int) -> bool:  # noqa: ARG001 - of an interface
    return True


def _sharded(workload: Workload, threads: int) -> bool:
    return 1 < threads <= workload.batch_size


def _plain(workload: Workload, threads: int) -> bool:  # noqa: ARG001 - of an interface
    narrow = max(workload.sizes[1:]) <= WIDEST_LOOPED
    return narrow and workload.rule == "gradient_descent" and not workload.regression


def _fann(workload: Workload, threads: int) -> bool:  # noqa: ARG001 - of an interface
    sigmoid = workload.activation == workload.output == "sigmoid"
    return sigmoid and workload.loss == "half_squared_error" and workload.rule == "gradient_descent"


def _same(workload: Workload) -> str:  # noqa: ARG001 - of an interface
    return ""


def _scikit_learn_loss(workload: Workload) -> str:
    if workload.loss == "half_squared_error" and not workload.regression:
        return "softmax with cross-entropy instead: its squared error is for regression alone"
    return ""


@dataclass(frozen=True)
class Competitor:
    """A worker's module with its options; what it can train, on how many threads; how its loss differs, if it does."""

    name: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fits: Callable[[Workload, int], bool] = _all
    other_loss: Callable[[Workload], str] = _same


REFERENCE = "bp numpy"
"""Whose time and loss the others are compared with."""

COMPETITORS = {
    competitor.name: competitor
    for competitor in (
        Competitor(REFERENCE, "bp", {"engine": "numpy"}),
        Competitor("bp numpy in shards", "bp", {"engine": "numpy", "sharded": True}, fits=_sharded),
        Competitor("bp numba", "bp", {"engine": "numba"}),
        Competitor("matrix products alone", "products"),
        Competitor("JAX", "jax_scan"),
        Competitor("PyTorch eager", "pytorch", {"compiled": False}),
        Competitor("PyTorch compiled", "pytorch", {"compiled": True}),
        Competitor("scikit-learn", "scikit_learn", other_loss=_scikit_learn_loss),
        Competitor("FANN", "fann", fits=_fann),
        Competitor("plain NumPy script", "plain", fits=_plain),
    )
}

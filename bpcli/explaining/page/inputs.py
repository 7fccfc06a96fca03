"""What can be changed on the page: the inputs of its tape, and the trace of an update in which they are recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcli.explaining.recording.tape import Tape
from bpcli.explaining.trace import Trace
from bpcli.nn import Array


@dataclass(frozen=True)
class Inputs:
    """Where the numbers of an update stand among a tape's inputs, and their arrays as recorded numbers.

    In this order: X, (n_0, m); targets, class indices (m,) or numbers (n_L, m); θ, (P,); η; the number of the
    update; the arrays of the rule's memory; the examples' weights, (m,), or None where they have none or all are 0.
    """

    X: Any
    targets: Any
    theta: Any
    rate: Any
    step: Any
    memory: dict[str, Any]
    weights: Any

    def trace(self, trace: Trace) -> Trace:
        """The trace with recorded numbers in place of what the page can change; its results are left as they are."""
        before = trace.network.parameters(self.theta)
        A = [self.X, *trace.A[1:]]
        return replace(
            trace,
            A=A,
            Y=self.targets,
            before=before,
            learning_rate=self.rate,
            number=self.step,
            memory_before=self.memory,
            weights=trace.weights if self.weights is None else self.weights,
        )


def inputs_of(trace: Trace, tape: Tape) -> Inputs:
    """Inputs for an update like this one."""
    place = 0

    def following(array: Any) -> Any:
        nonlocal place
        shape = np.shape(array)
        found = tape.inputs(place, shape)
        place += int(np.prod(shape))
        return found

    X, targets, theta = following(trace.A[0]), following(trace.Y), following(trace.before.theta)
    rate, step = following(trace.learning_rate).item(), following(trace.number).item()
    memory = {name: following(one) for name, one in trace.memory_before.items()}
    return Inputs(X, targets, theta, rate, step, memory, following(trace.weights) if _weighs(trace) else None)


def _weighs(trace: Trace) -> bool:
    """Whether examples have weights that can change; a loss whose examples all weigh 0 is written in another form."""
    return trace.weights is not None and bool(trace.weights.any())


def values_of(trace: Trace) -> Array:
    """The numbers of the inputs in this update."""
    numbers = np.array([trace.learning_rate, trace.number])
    arrays: list[Any] = [trace.A[0], trace.Y, trace.before.theta, numbers, *trace.memory_before.values()]
    if trace.weights is not None and _weighs(trace):
        arrays.append(trace.weights)
    return np.concatenate([array.reshape(-1) for array in arrays]).astype(np.float64)

"""JAX: a measurement is one compiled call, ``lax.scan`` over its steps.

Parameters are donated, gradients come from ``value_and_grad``, batches are
gathered inside. W may be held as (n, n below) or turned, and the scan unrolled:
the warm-up tries these and keeps the fastest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.workers.protocol import Task, Trainer, serve
from benchmarks.workloads import Workload

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's settings, the defaults of all competitors."""

Scan = Callable[[Any, Any], tuple[Any, Any]]

UNROLLED = (1, 4)
"""Steps of a scan in one round of its loop."""


class Jax:
    """The state on JAX's side, and the compiled scan."""

    def __init__(self, task: Task, *, turned: bool, unroll: int) -> None:
        self.task = task
        self.turned = turned
        workload = task.workload
        self.orders = [self._batches(k) for k in range(task.measurements)]
        self.scan = _scan(workload, jnp.asarray(task.X), jnp.asarray(task.targets), turned=turned, unroll=unroll)
        self.reset()

    def _batches(self, measurement: int) -> Any:
        """(steps, m): every batch of a measurement."""
        order = self.task.order(measurement).reshape(-1, self.task.workload.batch_size)
        return jnp.asarray(order.astype(np.int32))

    def reset(self) -> None:
        """The initial parameters, and no memory."""
        W = [jnp.array(W if not self.turned else W.T) for W in self.task.W]
        parameters = list(zip(W, [jnp.array(b) for b in self.task.b], strict=True))
        zeros = partial(jax.tree.map, jnp.zeros_like)
        memory = (zeros(parameters), zeros(parameters), jnp.zeros(())) if self.task.workload.rule == "adam" else ()
        self.state = (parameters, memory)

    def run(self, measurement: int) -> list[float]:
        """One call for all epochs, to its very end."""
        self.state, losses = self.scan(self.state, self.orders[min(measurement, len(self.orders) - 1)])
        jax.block_until_ready((self.state, losses))
        return [float(loss) for loss in np.asarray(losses).reshape(self.task.workload.epochs, -1).mean(axis=1)]


def _scan(workload: Workload, X: Any, Y: Any, *, turned: bool, unroll: int) -> Scan:
    """The compiled function of a state and batches that gives the state after them and their losses."""

    def step(state: Any, batch: Any) -> tuple[Any, Any]:
        parameters, memory = state
        loss, gradient = jax.value_and_grad(_loss)(parameters, *batch_of(batch), workload, turned)
        if workload.rule == "adam":
            return _adam(parameters, memory, gradient, workload.learning_rate), loss
        descended = jax.tree.map(lambda p, g: p - workload.learning_rate * g, parameters, gradient)
        return (descended, memory), loss

    def batch_of(batch: Any) -> tuple[Any, Any]:
        if not workload.shuffled:
            return X, Y
        return tuple(array.at[batch].get(mode="promise_in_bounds") for array in (X, Y))

    scan: Scan = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches, unroll=unroll), donate_argnums=0)
    return scan


def _loss(parameters: Any, x: Any, y: Any, workload: Workload, turned: bool) -> Any:  # noqa: FBT001 - jax traces by place
    hidden = jax.nn.relu if workload.activation == "relu" else jax.nn.sigmoid
    z = a = x
    for W, b in parameters:
        z = (a @ W if turned else a @ W.T) + b
        a = hidden(z)
    if workload.loss == "cross_entropy":
        return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1).mean()
    outputs = jax.nn.sigmoid(z) if workload.output == "sigmoid" else z
    return 0.5 * jnp.sum((outputs - y) ** 2) / workload.batch_size


def _adam(parameters: Any, memory: Any, gradient: Any, rate: float) -> tuple[Any, Any]:
    mean, square, count = memory
    count = count + 1
    mean = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, mean, gradient)
    square = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, square, gradient)
    first, second = -jnp.expm1(count * np.log(BETA1)), -jnp.expm1(count * np.log(BETA2))  # 1 − βᵗ, in full precision
    stepped = jax.tree.map(
        lambda p, m, v: p - rate * (m / first) / (jnp.sqrt(v / second) + EPSILON), parameters, mean, square
    )
    return stepped, (mean, square, count)


def build(task: Task) -> dict[str, Callable[[], Trainer]]:
    """Every layout of W, with and without unrolling."""
    return {
        f"W {'turned' if turned else 'as it is'}, unrolled {unroll}×": partial(Jax, task, turned=turned, unroll=unroll)
        for turned, unroll in product((True, False), UNROLLED)
    }


if __name__ == "__main__":
    serve(build, {"jax": jax.__version__})

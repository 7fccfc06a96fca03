"""PyTorch: eager with a fused optimizer, or a whole step compiled as one graph.

No data loader: an epoch's examples are put into order by one call into memory
made once, and its batches are views of that memory. The compiled step holds
forward, gradient (``torch.func.grad_and_value``) and update, which leaves one
call for each step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from benchmarks.workers.protocol import Task, Trainer, serve
from benchmarks.workloads import Workload

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's settings, the defaults of all competitors."""


class Batches:
    """An epoch's batches, in its order."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.X, self.Y = torch.from_numpy(task.X), torch.from_numpy(task.targets)
        if task.workload.shuffled:
            self.room = torch.empty_like(self.X), torch.empty_like(self.Y)
        else:
            self.room = self.X, self.Y
        m = task.workload.batch_size
        self.batches = list(zip(torch.split(self.room[0], m), torch.split(self.room[1], m), strict=True))

    def of(self, order: torch.Tensor) -> Sequence[tuple[torch.Tensor, torch.Tensor]]:
        """The batches, filled."""
        if self.task.workload.shuffled:
            torch.index_select(self.X, 0, order, out=self.room[0])
            torch.index_select(self.Y, 0, order, out=self.room[1])
        return self.batches


class Torch:
    """What both ways share: the parameters and the walk through an epoch."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.batches = Batches(task)
        initial = [array for pair in zip(task.W, task.b, strict=True) for array in pair]
        self.initial = [torch.from_numpy(array) for array in initial]
        self.parameters = [tensor.clone() for tensor in self.initial]

    def reset(self) -> None:
        """The initial parameters."""
        with torch.no_grad():
            for parameter, given in zip(self.parameters, self.initial, strict=True):
                parameter.copy_(given)

    def run(self, measurement: int) -> list[float]:
        """One epoch after another; the loss is read once at its end."""
        orders = torch.from_numpy(self.task.order(measurement).copy())
        return [self._epoch(order) for order in orders]

    def _epoch(self, order: torch.Tensor) -> float:
        total = torch.zeros(())
        for x, y in self.batches.of(order):
            total += self.step(x, y)
        return float(total) / self.task.workload.steps

    def step(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """One update; the loss before it."""
        raise NotImplementedError


class Eager(Torch):
    """Operation by operation, the gradient by autograd, the update by a fused optimizer."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        for parameter in self.parameters:
            parameter.requires_grad_()
        self.optimizer = self._optimizer()

    def _optimizer(self) -> Any:
        kind = torch.optim.Adam if self.task.workload.rule == "adam" else torch.optim.SGD
        return kind(self.parameters, lr=self.task.workload.learning_rate, fused=True)

    def reset(self) -> None:
        """The initial parameters, and an optimizer without memory."""
        super().reset()
        self.optimizer = self._optimizer()

    def step(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """One update; the loss before it."""
        self.optimizer.zero_grad()
        loss = loss_of(self.task.workload, self.parameters, x, y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class Compiled(Torch):
    """A step as one compiled graph that changes the parameters in place."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.memory = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        self.count = torch.zeros((), dtype=torch.float64)
        self.compiled = torch.compile(self._update, fullgraph=True)

    def reset(self) -> None:
        """The initial parameters, and no memory."""
        super().reset()
        self.count = torch.zeros((), dtype=torch.float64)
        for mean, square in self.memory:
            mean.zero_()
            square.zero_()

    def step(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """One update; the loss before it."""
        with torch.no_grad():
            loss: torch.Tensor
            loss, self.count = self.compiled(x, y, self.count)
        return loss

    def _update(self, x: torch.Tensor, y: torch.Tensor, count: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss, and the count of updates, which compiled code does not change in place reliably."""
        workload = self.task.workload
        differentiate = torch.func.grad_and_value(lambda parameters: loss_of(workload, parameters, x, y))
        gradients, loss = differentiate(self.parameters)
        if workload.rule == "adam":
            self._adam(gradients, count + 1)
        else:
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=workload.learning_rate)
        return loss, count + 1

    def _adam(self, gradients: Sequence[torch.Tensor], count: torch.Tensor) -> None:
        first, second = 1 - BETA1**count, 1 - BETA2**count
        for parameter, (mean, square), gradient in zip(self.parameters, self.memory, gradients, strict=True):
            mean.mul_(BETA1).add_(gradient, alpha=1 - BETA1)
            square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
            parameter.sub_(self.task.workload.learning_rate * (mean / first) / ((square / second).sqrt() + EPSILON))


def loss_of(workload: Workload, parameters: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The loss of a batch."""
    hidden = torch.relu if workload.activation == "relu" else torch.sigmoid
    a = x
    for place in range(0, len(parameters) - 2, 2):
        a = hidden(functional.linear(a, parameters[place], parameters[place + 1]))
    z = functional.linear(a, parameters[-2], parameters[-1])
    if workload.loss == "cross_entropy":
        return functional.cross_entropy(z, y)
    outputs = torch.sigmoid(z) if workload.output == "sigmoid" else z
    return functional.mse_loss(outputs, y, reduction="sum") * (0.5 / workload.batch_size)


def build(task: Task) -> dict[str, Callable[[], Trainer]]:
    """Eager or compiled, as the options say."""
    torch.set_num_threads(task.threads)
    kind = Compiled if task.options["compiled"] else Eager
    return {"": lambda: kind(task)}


if __name__ == "__main__":
    serve(build, {"torch": torch.__version__})

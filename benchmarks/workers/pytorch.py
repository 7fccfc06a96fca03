"""PyTorch: eager with a fused optimizer, or whole steps compiled as one graph.

No data loader: an epoch's examples are put into order by one call into memory
made once, and its batches are views of that memory. The compiled graph holds
forward, gradient (``torch.func.grad_and_value``) and update, of one step or of
several one after another: the warm-up tries both and keeps the faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.nn import functional

from benchmarks.workers.protocol import Task, Trainer, serve
from benchmarks.workloads import Workload

TOGETHER = 10
"""Steps in one compiled graph, at most."""

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
    """So many steps as one compiled graph that changes the parameters in place; called from C++, or from Python."""

    def __init__(self, task: Task, together: int, *, by_cpp: bool) -> None:
        super().__init__(task)
        self.together = together
        self.memory = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        self.count = torch.zeros((), dtype=torch.float64)
        self.compiled = torch.compile(self._updates, fullgraph=True, options={"cpp_wrapper": by_cpp})
        X, Y = self.batches.room
        if not task.workload.shuffled:
            X, Y = (torch.cat([array] * together) for array in (X, Y))
        columns = task.workload.batch_size * together
        self.groups = list(zip(torch.split(X, columns), torch.split(Y, columns), strict=True))

    def reset(self) -> None:
        """The initial parameters, and no memory."""
        super().reset()
        self.count = torch.zeros((), dtype=torch.float64)
        for mean, square in self.memory:
            mean.zero_()
            square.zero_()

    def run(self, measurement: int) -> list[float]:
        """One epoch after another; the losses are read at the end."""
        losses = []
        with torch.no_grad():
            for x, y in self._walk(measurement):
                found, self.count = self.compiled(x, y, self.count)
                losses.append(found)
        return list(torch.cat(losses).reshape(self.task.workload.epochs, -1).mean(1).tolist())

    def _walk(self, measurement: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The examples of so many steps at a time."""
        if not self.task.workload.shuffled:
            yield from self.groups * (self.task.workload.epochs // self.together)
            return
        for order in torch.from_numpy(self.task.order(measurement).copy()):
            self.batches.of(order)
            yield from self.groups

    def _updates(self, xs: torch.Tensor, ys: torch.Tensor, count: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The losses of the steps, and the count after them."""
        losses = []
        for x, y in zip(xs.chunk(self.together), ys.chunk(self.together), strict=True):
            loss, count = self._update(x, y, count)
            losses.append(loss)
        return torch.stack(losses), count

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


def together(workload: Workload) -> int:
    """How many steps go into one graph: the most that leave none over in an epoch, or in the epochs of one step."""
    steps = workload.steps if workload.shuffled else workload.epochs
    return max(k for k in range(1, TOGETHER + 1) if steps % k == 0)


def build(task: Task) -> dict[str, Callable[[], Trainer]]:
    """Eager or compiled, as the options say."""
    torch.set_num_threads(task.threads)
    if not task.options["compiled"]:
        return {"": lambda: Eager(task)}
    several = together(task.workload)
    return {
        "a step a call": lambda: Compiled(task, 1, by_cpp=False),
        f"{several} steps a call, from C++": lambda: Compiled(task, several, by_cpp=True),
    }


if __name__ == "__main__":
    serve(build, {"torch": torch.__version__})

"""What training carries from one step to the next, and can be saved at any yield of the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpcli.errors import DivergedError
from bpcli.nn import Array
from bpcli.nn.metrics import Tally
from bpcli.nn.optimizers import Optimizer, OptimizerState


@dataclass
class TrainingState:
    """Everything that training carries along.

    ``epoch`` counts finished epochs, ``position`` the examples seen of the next
    one, ``loss_sum`` and ``tally`` what they gave. ``finite_theta`` is θ at the end
    of ``epoch``: the parameters to keep should the run diverge.
    """

    theta: Array
    optimizer: OptimizerState
    tally: Tally
    finite_theta: Array = field(init=False)
    epoch: int = 0
    position: int = 0
    loss_sum: float = 0.0

    def __post_init__(self) -> None:
        self.finite_theta = self.theta.copy()

    def tensors(self) -> dict[str, Array]:
        """The arrays to save."""
        memory = {f"optimizer.{name}": array for name, array in self.optimizer.memory.items()}
        return {"theta": self.theta, "finite_theta": self.finite_theta, "tally": self.tally.sums, **memory}

    def counters(self) -> dict[str, int | float]:
        """The numbers to save."""
        return {
            "epoch": self.epoch,
            "position": self.position,
            "loss_sum": self.loss_sum,
            "step": self.optimizer.step,
        }

    def restore(self, tensors: Mapping[str, Array], counters: Mapping[str, float]) -> None:
        """Take up what :meth:`tensors` and :meth:`counters` saved."""
        for name, array in self.tensors().items():
            array[...] = tensors[name]
        self.epoch, self.position = int(counters["epoch"]), int(counters["position"])
        self.loss_sum, self.optimizer.step = float(counters["loss_sum"]), int(counters["step"])


def start(theta: Array, optimizer: Optimizer, tally: Tally) -> TrainingState:
    """The state before the first step."""
    return TrainingState(theta, optimizer.start(theta), tally)


def diverged(what: str, epoch: int, step: int) -> DivergedError:
    """The error to raise where something left the finite numbers."""
    return DivergedError(
        f"training diverged: {what} is no longer finite at epoch {epoch}, step {step}",
        hint="lower optimizer.learning_rate, or scale the data; the last finite epoch's parameters are kept",
    )

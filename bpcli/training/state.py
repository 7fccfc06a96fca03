"""What training carries from one step to the next, and can be saved at any yield of the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from math import nan
from typing import Any

from bpcli.errors import DivergedError
from bpcli.nn import Array, optimizers
from bpcli.nn.loss_sums import LossSums
from bpcli.nn.optimizers import OptimizerState
from bpcli.nn.schedules import Plateau
from bpcli.nn.tallies import Tallies
from bpcli.training.keeping import Kept
from bpcli.training.recipe import Recipe
from bpcli.training.stopping import Waiting

DIVERGED_HINT = "lower optimizer.learning_rate, or scale the data"
"""The remedy where no operation is known to be the first that left the finite numbers."""


@dataclass
class TrainingState:
    """Everything that training carries along.

    ``epoch`` counts finished epochs, ``position`` the examples seen of the next
    one, ``losses`` and ``tallies`` what they gave. ``learning_rate`` is that of the last
    update. ``kept`` are the parameters that the run keeps so far, finite; ``plateau`` is
    what a schedule that is driven by results remembers, ``waiting`` what stopping early does.
    """

    theta: Array
    optimizer: OptimizerState
    losses: LossSums
    tallies: Tallies
    learning_rate: float
    kept: Kept = field(init=False)
    plateau: Plateau = field(default_factory=Plateau)
    waiting: Waiting = field(default_factory=Waiting)
    epoch: int = 0
    position: int = 0

    def __post_init__(self) -> None:
        self.kept = Kept(self.theta.copy())

    def begin_epoch(self, epoch: int) -> None:
        """Forget what the examples of the last epoch gave, ``epoch`` being finished."""
        if self.position:  # else they are empty
            self.losses.clear()
            self.tallies.clear()
        self.epoch, self.position = epoch, 0

    def move(self, elsewhere: Callable[[Array], Array], weights: Iterable[slice]) -> None:
        """Have θ, and what the rule remembers, where ``elsewhere`` puts them, before anything else has views of them.

        ``weights`` are where the matrices W lie in θ.
        """
        self.theta = elsewhere(self.theta)
        self.optimizer.memory = {name: elsewhere(array) for name, array in self.optimizer.memory.items()}
        self.optimizer.weights = tuple(self.theta[W] for W in weights)

    def copied(self) -> TrainingState:
        """The state to be saved later: what steps change and a checkpoint holds is copied, the rest shared."""
        other = copy(self)
        other.theta = self.theta.copy()
        memory = {name: array.copy() for name, array in self.optimizer.memory.items()}
        other.optimizer = replace(self.optimizer, memory=memory)
        other.losses, other.tallies = deepcopy(self.losses), deepcopy(self.tallies)
        return other

    def tensors(self) -> dict[str, Array]:
        """The arrays to save."""
        memory = {f"optimizer.{name}": array for name, array in self.optimizer.memory.items()}
        tallies = {f"tally.{name}": array for name, array in self.tallies.tensors().items()}
        own = {"theta": self.theta, "kept_theta": self.kept.theta, "losses": self.losses.sums}
        return {**own, **tallies, **memory}

    def counters(self) -> dict[str, int | float]:
        """The numbers to save."""
        return {
            "epoch": self.epoch,
            "position": self.position,
            "learning_rate": self.learning_rate,
            "step": self.optimizer.step,
            **_numbers("kept", self.kept),
            **_numbers("plateau", self.plateau),
            **_numbers("waiting", self.waiting),
        }

    def restore(self, tensors: Mapping[str, Array], counters: Mapping[str, Any]) -> None:
        """Take up what :meth:`tensors` and :meth:`counters` saved."""
        for array, name in ((self.theta, "theta"), (self.kept.theta, "kept_theta"), (self.losses.sums, "losses")):
            array[...] = tensors[name]
        for name, array in self.optimizer.memory.items():
            array[...] = tensors[f"optimizer.{name}"]
        self.tallies.restore({name.removeprefix("tally."): array for name, array in tensors.items()})
        self.epoch, self.position = int(counters["epoch"]), int(counters["position"])
        self.learning_rate, self.optimizer.step = float(counters["learning_rate"]), int(counters["step"])
        _restore_numbers("kept", self.kept, counters)
        _restore_numbers("plateau", self.plateau, counters)
        _restore_numbers("waiting", self.waiting, counters)


def _numbers(name: str, holder: Any) -> dict[str, int | float]:
    """The attributes of ``holder`` that are numbers."""
    found = {f"{name}.{key}": value for key, value in vars(holder).items()}
    return {key: value for key, value in found.items() if isinstance(value, int | float)}


def _restore_numbers(name: str, holder: Any, counters: Mapping[str, Any]) -> None:
    """Take up what :func:`_numbers` gave, and JSON handed on; it has no NaN."""
    for key, value in _numbers(name, holder).items():
        saved = counters[key]
        setattr(holder, key.removeprefix(f"{name}."), nan if saved is None else type(value)(saved))


def start(recipe: Recipe, theta: Array, tallies: Tallies) -> TrainingState:
    """The state before the first step."""
    network, rule = recipe.network, recipe.optimizer
    losses = LossSums(network.head.loss, network.sizes[-1])
    state = optimizers.start(rule, theta, network.parameters(theta).W[1:])
    return TrainingState(theta, state, losses, tallies, rule.learning_rate)


def diverged(what: str, epoch: int, step: int) -> DivergedError:
    """The error to raise where something left the finite numbers."""
    return DivergedError(
        f"training diverged: {what} is no longer finite at epoch {epoch}, step {step}",
        hint=DIVERGED_HINT,
    )

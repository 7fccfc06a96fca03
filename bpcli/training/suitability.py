"""What a network must be for a rule of second order: the same loss at every look, and matrices that fit the memory."""

from __future__ import annotations

from math import isqrt

from bpcli import memory
from bpcli.choices import name_of
from bpcli.errors import ConfigError
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.training.recipe import Recipe

NUMBER_BYTES = 8
"""Of a float64, in which the matrices are whatever the network's precision."""


def require_suited(recipe: Recipe, size: int) -> None:
    """Refuse a rule of second order for a network of ``size`` parameters that it cannot train.

    Raises:
        ConfigError: training draws noise or constrains weights, or the rule's matrices are larger than the memory.
    """
    rule = recipe.optimizer
    if not isinstance(rule, SecondOrder):
        return
    name = name_of(OPTIMIZERS, rule)
    _require_plain_loss(name, recipe)
    _require_memory(name, rule.matrices, size)


def _require_plain_loss(name: str, recipe: Recipe) -> None:
    if recipe.network.noisy or recipe.input_noise is not None:
        raise ConfigError(
            f"optimizer: {name} compares losses, and with what training draws by chance each look gives another",
            key="optimizer.name",
            hint="leave out dropout and data.input_noise, or take another rule",
        )
    if recipe.network.constrained:
        raise ConfigError(
            f"optimizer: {name} moves to where the loss is lowest, and max_norm would move the weights again",
            key="optimizer.name",
            hint="leave max_norm out, or take another rule",
        )


def _require_memory(name: str, matrices: int, size: int) -> None:
    most = isqrt(memory.left().count // max(matrices * NUMBER_BYTES, 1))
    memory.require(
        matrices * NUMBER_BYTES * size**2,
        f"optimizer: {name} needs {matrices} matrices of P × P numbers, with P = {size:,} parameters",
        key="optimizer.name",
        hint=f"at most {most:,} parameters, or optimizer: lbfgs",
        error=ConfigError,
    )

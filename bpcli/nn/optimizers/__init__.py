"""Update rules: θ and a gradient in, a new θ in the same memory out.

``rule`` says what a rule is, starts it and lets it make an update; the other modules have one family of rules each.
"""

from bpcli.nn.optimizers.adam import Adam, AdamW
from bpcli.nn.optimizers.descent import GradientDescent, Momentum
from bpcli.nn.optimizers.rule import Gradient, Memory, Optimizer, OptimizerState, start, update

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "gradient_descent": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
    "adamw": AdamW,
}

__all__ = [
    "OPTIMIZERS",
    "Adam",
    "AdamW",
    "Gradient",
    "GradientDescent",
    "Memory",
    "Momentum",
    "Optimizer",
    "OptimizerState",
    "start",
    "update",
]

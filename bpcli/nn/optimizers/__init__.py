"""Update rules: θ and a gradient in, a new θ in the same memory out.

``rule`` says what a rule is, starts it and lets it make an update; ``means`` are what several rules remember; the other
modules have one family of rules each. Those in ``second_order`` look at the loss on all examples, instead of a
step's gradient.
"""

from typing import Any

from bpcli.nn.optimizers.adam import Adam, AdamW, AMSGrad
from bpcli.nn.optimizers.adam_beginnings import NAdam, RAdam
from bpcli.nn.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from bpcli.nn.optimizers.descent import GradientDescent, Momentum, Nesterov
from bpcli.nn.optimizers.rule import Gradient, Memory, Optimizer, OptimizerState, start, update
from bpcli.nn.optimizers.second_order.bayesian import BayesianRegularization
from bpcli.nn.optimizers.second_order.lbfgs import Lbfgs
from bpcli.nn.optimizers.second_order.levenberg_marquardt import LevenbergMarquardt
from bpcli.nn.optimizers.signs import Lion, Rprop

OPTIMIZERS: dict[str, type[Any]] = {
    "gradient_descent": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
    "adam": Adam,
    "amsgrad": AMSGrad,
    "adamw": AdamW,
    "nadam": NAdam,
    "radam": RAdam,
    "lion": Lion,
    "rprop": Rprop,
    "lbfgs": Lbfgs,
    "levenberg_marquardt": LevenbergMarquardt,
    "bayesian_regularization": BayesianRegularization,
}

__all__ = [
    "OPTIMIZERS",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Gradient",
    "GradientDescent",
    "Lion",
    "Memory",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Optimizer",
    "OptimizerState",
    "RAdam",
    "RMSprop",
    "Rprop",
    "start",
    "update",
]

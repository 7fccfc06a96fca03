"""Losses: how far the outputs A are from the targets Y, and dA.

``terms`` gives each example its term, summed over the outputs and undivided. The
loss is their sum, each times its example's weight, divided by n_L where ``outputs``
is mean and by Σ of the weights, m where there are none, where ``examples`` is
mean. Both divisions are one number, ``scale``, which ``backward`` folds into dA;
:mod:`bpcli.nn.loss_sums` adds terms up and divides them, for every use alike.

A probability that is logged or divided by is max(a, tiny), tiny the smallest
normal number of its precision; the pairs in :mod:`bpcli.nn.pairs` do not need it.

Read ``forms`` first, what a loss says of itself; then the losses by kind: ``probability``,
``regression``, ``deviance``, ``margin``.
"""

from __future__ import annotations

from bpcli.nn.losses.deviance import Gamma, Poisson, poisson_terms
from bpcli.nn.losses.focal import CategoricalFocal, Focal
from bpcli.nn.losses.forms import (
    TINY,
    Loss,
    Reduction,
    TargetForm,
    in_symbols,
    outputs_divisor,
    pick,
    scale,
    share,
)
from bpcli.nn.losses.margin import Hinge, SquaredHinge
from bpcli.nn.losses.probability import BinaryCrossEntropy, CrossEntropy, KullbackLeibler
from bpcli.nn.losses.regression import AbsoluteError, HalfSquaredError, Huber, LogCosh, Quantile

__all__ = [
    "LOSSES",
    "TINY",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CategoricalFocal",
    "CrossEntropy",
    "Focal",
    "Gamma",
    "HalfSquaredError",
    "Hinge",
    "Huber",
    "KullbackLeibler",
    "LogCosh",
    "Loss",
    "Poisson",
    "Quantile",
    "Reduction",
    "SquaredHinge",
    "TargetForm",
    "in_symbols",
    "outputs_divisor",
    "pick",
    "poisson_terms",
    "scale",
    "share",
]

LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "binary_cross_entropy": BinaryCrossEntropy,
    "half_squared_error": HalfSquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "log_cosh": LogCosh,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "focal": Focal,
    "categorical_focal": CategoricalFocal,
    "kullback_leibler": KullbackLeibler,
}

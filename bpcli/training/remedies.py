"""What helps against a divergence, by what was found where it began."""

from __future__ import annotations

from bpcli.nn.activations import ExponentialOutput
from bpcli.nn.optimizers import GradientDescent, Momentum, Nesterov
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.training.first_nonfinite import Spot
from bpcli.training.recipe import Recipe

UNSCALED = 100.0
"""Inputs or targets that reach so far are not scaled: standard ones seldom pass 10, those of minmax 1."""

WIDE = 10.0
"""First weights that reach so far are too large for a usual initializer, which draws few above 1."""

STABLE = 2.0
"""From this product of learning rate and strength on, a penalty makes weights larger with every step of descent."""


def remedy(spot: Spot, recipe: Recipe, *, first: bool) -> str:
    """The remedy for a divergence that began at ``spot``; ``first`` says that it is the training's first update."""
    return (
        _of_strength(spot, recipe)
        or _of_inputs(spot)
        or _of_targets(spot, recipe)
        or _of_first_weights(spot, first=first)
        or _of_steps(spot, recipe)
    )


def _of_strength(spot: Spot, recipe: Recipe) -> str:
    """A penalty that is too strong for the learning rate."""
    strongest = max((getattr(penalty, "strength", 0.0) for penalty in recipe.penalties), default=0.0)
    product = strongest * spot.rate
    if not isinstance(recipe.optimizer, GradientDescent | Momentum | Nesterov) or product < STABLE:
        return ""
    too_much = f"{strongest:g} times the learning rate {spot.rate:g} is {product:g}, not below {STABLE:g}"
    return f"lower the strength in penalties: {too_much}"


def _of_inputs(spot: Spot) -> str:
    return f"data.scale: standard, as the inputs reach {spot.inputs:.2g}" if spot.inputs >= UNSCALED else ""


def _of_targets(spot: Spot, recipe: Recipe) -> str:
    if recipe.network.head.loss.targets.class_indices or spot.targets < UNSCALED:
        return ""
    if isinstance(recipe.network.head.activation, ExponentialOutput):
        return f"divide the targets, which reach {spot.targets:.2g}, or lower optimizer.learning_rate"
    return f"data.scale_targets: standard, as the targets reach {spot.targets:.2g}"


def _of_first_weights(spot: Spot, *, first: bool) -> str:
    if not first or spot.weights < WIDE:
        return ""
    return f"another network.initializer or network.weights, as the first weights reach {spot.weights:.2g}"


def _of_steps(spot: Spot, recipe: Recipe) -> str:
    if isinstance(recipe.optimizer, SecondOrder):
        return "scale the data, or take a rule that makes steps, such as adam"
    lower = f"lower optimizer.learning_rate, which was {spot.rate:.3g} in this step, for example tenfold"
    return lower if recipe.clip is not None else f"{lower}, or optimizer.clip: {{norm: 1}}"

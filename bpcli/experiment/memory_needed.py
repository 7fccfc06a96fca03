"""A network whose training takes more memory than is left is refused, by the layer that takes most."""

from __future__ import annotations

from math import prod

import numpy as np

from bpcli import memory
from bpcli.errors import ConfigError
from bpcli.nn.optimizers import Optimizer
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.scaling.footprint import footprint
from bpcli.training.source_passes import EXAMPLES_PER_PASS

SAMPLE = 1000
"""Parameters for which a rule is asked what it remembers."""


def require_memory(
    sizes: tuple[int, ...], batch_size: int, examples: int, rule: Optimizer, dtype: np.dtype, shards: int = 1
) -> None:
    """Refuse a network with layers of n_0 … n_L units, ``sizes``, whose training takes more memory than is left.

    Raises:
        ConfigError: it does; the layer that takes most is named.
    """
    m = min(batch_size, EXAMPLES_PER_PASS) if isinstance(rule, SecondOrder) else batch_size
    needed = footprint(sizes, m, shards, remembered(rule), examples)
    weights, arrays = needed.weights, needed.arrays
    layer = int(np.argmax([of_layer + of_batch for of_layer, of_batch in zip(weights, arrays, strict=True)]))
    key, hint = _key(layer, sizes), _remedy(layer, sizes)
    large_batch = arrays[layer] > weights[layer] and m > EXAMPLES_PER_PASS
    if large_batch:
        key, hint = "optimizer", "mode: mini_batch with a smaller batch_size"
    elif shards > 1:
        key, hint = "shards", "fewer shards, each of which has a gradient of its own"
    memory.require(
        dtype.itemsize * needed.numbers,
        f"{_described(layer, sizes)} and the others, in batches of {m:,}{_cut_into(shards)}, take",
        key=key,
        hint=hint,
        error=ConfigError,
    )


def _described(layer: int, sizes: tuple[int, ...]) -> str:
    name = "the output layer" if layer == len(sizes) - 2 else f"hidden layer {layer + 1}"
    return f"{name} of {sizes[layer + 1]:,} units on {sizes[layer]:,} inputs"


def remembered(rule: Optimizer) -> float:
    """The numbers that a rule remembers for each parameter."""
    return sum(prod(kept.shape) for kept in rule.memory(SAMPLE).values()) / SAMPLE


def _cut_into(shards: int) -> str:
    return f" in {shards} shards" if shards > 1 else ""


def _key(layer: int, sizes: tuple[int, ...]) -> str:
    return "data.target" if layer == len(sizes) - 2 else f"network.hidden.{layer}"


def _remedy(layer: int, sizes: tuple[int, ...]) -> str:
    if sizes[layer] > sizes[layer + 1]:
        return "fewer units in the layer below" if layer else "leave columns out: data.drop"
    return "fewer classes, or a regression" if layer == len(sizes) - 2 else "fewer units"

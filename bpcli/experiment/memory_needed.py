"""The memory that training takes, known from the sizes of layers and batches before anything is made."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np

from bpcli import memory
from bpcli.errors import ConfigError
from bpcli.nn.optimizers import Optimizer
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.scaling.job import LAYER_ARRAYS, PARAMETER_COPIES
from bpcli.training.inference import EXAMPLES_PER_PASS

SAMPLE = 1000
"""Parameters for which a rule is asked what it remembers."""

SHARED_ARRAYS = 6
"""As wide as the widest layer: dA, and what a layer and the output compute with."""


def require_memory(
    sizes: tuple[int, ...], batch_size: int, examples: int, rule: Optimizer, dtype: np.dtype, shards: int = 1
) -> None:
    """Refuse a network with layers of n_0 … n_L units, ``sizes``, whose training takes more memory than is left.

    Raises:
        ConfigError: it does; the layer that takes most is named.
    """
    m = min(batch_size, EXAMPLES_PER_PASS) if isinstance(rule, SecondOrder) else batch_size
    columns = m + min(examples, EXAMPLES_PER_PASS)
    copies = PARAMETER_COPIES + shards - 1 + remembered(rule)
    weights = [copies * (below + 1) * n for below, n in pairwise(sizes)]
    arrays = [LAYER_ARRAYS * n * columns for n in sizes[1:]]
    common = (sizes[0] + SHARED_ARRAYS * max(sizes[1:])) * columns
    layer = int(np.argmax([of_layer + of_batch for of_layer, of_batch in zip(weights, arrays, strict=True)]))
    large_batch = arrays[layer] > weights[layer] and m > EXAMPLES_PER_PASS
    key, hint = _key(layer, sizes), _remedy(layer, sizes)
    if large_batch:
        key, hint = "optimizer", "mode: mini_batch with a smaller batch_size"
    elif shards > 1:
        key, hint = "shards", "fewer shards, each of which has a gradient of its own"
    memory.require(
        dtype.itemsize * (sum(weights) + sum(arrays) + common),
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

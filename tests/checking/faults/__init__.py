"""Mistakes people make in backpropagation, each put into the engine: a module for each kind, what they share in one.

A new fault is an entry in the dict that ends its module; its key says in words what is wrong.
"""

from __future__ import annotations

from . import activations, afterwards, batches, biases, divisions, heads, layers, losses, stale, weights
from .mechanism import Fault

KINDS = (divisions, losses, heads, activations, weights, biases, layers, stale, batches, afterwards)

FAULTS: dict[str, Fault] = {words: fault for kind in KINDS for words, fault in kind.FAULTS.items()}

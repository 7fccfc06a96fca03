"""Starter scripts: the exported network and loss in a framework, whose gradient ``--against`` then judges.

``dialect`` writes a script from a framework's template and its words for bp's
choices; ``pytorch`` and ``jax_family`` are such frameworks. ``scikit_learn``
has no free choice of losses, so it says by itself which networks it can compute.
"""

from __future__ import annotations

from bpcli.checking.starters.dialect import Files, Starter
from bpcli.checking.starters.jax_family import FLAX, JAX, KERAS
from bpcli.checking.starters.pytorch import PYTORCH
from bpcli.checking.starters.scikit_learn import ScikitLearn

STARTERS: dict[str, Starter] = {
    "pytorch": PYTORCH,
    "jax": JAX,
    "flax": FLAX,
    "keras": KERAS,
    "scikit-learn": ScikitLearn(),
}

__all__ = ["STARTERS", "Files", "Starter"]

"""Initial weights. Biases start at 0.

With fan-in n_{l-1} and fan-out n_l, the scaled rules keep the variance of
signals about the same from layer to layer. Weights are drawn in float64 and then
rounded, so both precisions start from the same network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
from annotated_types import Gt, Le

from bpcli.nn import Array

WIDEST = 1e15
"""The widest spread of initial weights: far above any that trains, far below where float32 ends."""


class Initializer(Protocol):
    """A choice of the distribution of the initial W."""

    def draw(self, W: Array, rng: np.random.Generator) -> None:
        """Fill ``W``, (n_l, n_{l-1})."""
        ...


@dataclass(frozen=True)
class Zeros:
    """Every weight 0: for networks without hidden layers, whose units would all stay equal."""

    def draw(self, W: Array, rng: np.random.Generator) -> None:
        """Fill ``W`` with zeros."""
        W.fill(0)


@dataclass(frozen=True)
class Normal:
    """Normal with mean 0 and standard deviation ``std``."""

    std: Annotated[float, Gt(0), Le(WIDEST)] = 0.05

    def draw(self, W: Array, rng: np.random.Generator) -> None:
        """Fill ``W``."""
        W[...] = rng.normal(0.0, self.std, W.shape)


@dataclass(frozen=True)
class Uniform:
    """Uniform on (−limit, limit)."""

    limit: Annotated[float, Gt(0), Le(WIDEST)] = 0.05

    def draw(self, W: Array, rng: np.random.Generator) -> None:
        """Fill ``W``."""
        W[...] = rng.uniform(-self.limit, self.limit, W.shape)


@dataclass(frozen=True)
class Glorot:
    """Normal with variance 2/(n_{l-1} + n_l), for tanh and sigmoid (Glorot & Bengio 2010, eq. 12)."""

    def draw(self, W: Array, rng: np.random.Generator) -> None:
        """Fill ``W``."""
        W[...] = rng.normal(0.0, np.sqrt(2.0 / sum(W.shape)), W.shape)


@dataclass(frozen=True)
class He:
    """Normal with variance 2/n_{l-1}, for relu and its kin (He et al. 2015, eq. 10)."""

    def draw(self, W: Array, rng: np.random.Generator) -> None:
        """Fill ``W``."""
        W[...] = rng.normal(0.0, np.sqrt(2.0 / W.shape[1]), W.shape)


@dataclass(frozen=True)
class Lecun:
    """Normal with variance 1/n_{l-1} (LeCun et al. 1998, *Efficient BackProp*, eq. 16)."""

    def draw(self, W: Array, rng: np.random.Generator) -> None:
        """Fill ``W``."""
        W[...] = rng.normal(0.0, np.sqrt(1.0 / W.shape[1]), W.shape)


INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "normal": Normal,
    "uniform": Uniform,
    "glorot": Glorot,
    "he": He,
    "lecun": Lecun,
}

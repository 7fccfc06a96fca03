"""Noise: what is drawn for each update, and what inputs become by it.

Layers draw their own (:mod:`bpcli.nn.layers`); here is what they share with the noise of the
inputs. Numbers are drawn straight into arrays, in the precision of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array


def inverted_mask(out: Array, rate: float, rng: np.random.Generator) -> None:
    """Fill ``out`` with 0, each entry with probability ``rate``, and else with 1/(1 − rate), so its mean is 1."""
    rng.random(out=out, dtype=out.dtype)
    np.greater_equal(out, rate, out=out)
    np.multiply(out, 1 / (1 - rate), out)


class InputNoise(Protocol):
    """A choice of what is done to inputs, in training alone, on the scale on which the network sees them."""

    def draw(self, noise: Array, rng: np.random.Generator) -> None:
        """Fill ``noise``, an array of any shape in C order, with one number for each input."""
        ...

    def apply(self, X: Array, noise: Array) -> None:
        """Change X in place by what was drawn, in the same shape."""
        ...


@dataclass(frozen=True)
class Gaussian:
    """x + ε, ε normal with mean 0 and standard deviation ``std``, on the scale of the scaled inputs."""

    std: Annotated[float, Gt(0)] = 0.1

    def draw(self, noise: Array, rng: np.random.Generator) -> None:
        """ε."""
        rng.standard_normal(out=noise, dtype=noise.dtype)
        np.multiply(noise, self.std, noise)

    def apply(self, X: Array, noise: Array) -> None:
        """Add ε."""
        np.add(X, noise, X)


@dataclass(frozen=True)
class Masking:
    """x · mask: 0 with probability ``rate``, else 1/(1 − rate) (Vincent et al. 2008, there without the factor)."""

    rate: Annotated[float, Ge(0), Lt(1)] = 0.2

    def draw(self, noise: Array, rng: np.random.Generator) -> None:
        """The mask."""
        inverted_mask(noise, self.rate, rng)

    def apply(self, X: Array, noise: Array) -> None:
        """Multiply by the mask."""
        np.multiply(X, noise, X)


INPUT_NOISES: dict[str, type[InputNoise]] = {"gaussian": Gaussian, "dropout": Masking}
"""The kinds of noise that inputs may get in training."""

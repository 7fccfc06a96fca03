"""Somebody's own loss as a function of one vector: the structure of its argument; whether it takes complex numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.errors import ConfigError
from bpcli.nn import Array

SAME_VALUE = 1e-9
"""How far two values of a loss at one point may differ, relatively: the order of its sums may change, not its noise."""


@dataclass(frozen=True)
class Named:
    """Arrays by name; the name of an array that stands alone is empty."""

    arrays: dict[str, Array]
    alone: bool

    @property
    def theta(self) -> Array:
        """All entries in one vector of float64."""
        return np.concatenate([np.asarray(array, np.float64).reshape(-1) for array in self.arrays.values()])

    def places(self) -> Iterator[tuple[str, Array]]:
        """Each array's name, and where its entries are in the vector, in the array's shape."""
        start = 0
        for name, array in self.arrays.items():
            yield name, np.arange(start, start + array.size).reshape(array.shape)
            start += array.size

    def filled(self, theta: Array) -> Any:
        """A copy of a vector in this structure."""
        parts = {name: theta[places] for name, places in self.places()}
        return next(iter(parts.values())) if self.alone else parts


def named_arrays(given: Any, what: str) -> Named:
    """An array, or a mapping of arrays, of finite numbers.

    Raises:
        ConfigError: it is something else, or empty.
    """
    alone = not isinstance(given, Mapping)
    items = {"": given} if alone else given
    arrays = {str(name): np.asarray(array) for name, array in items.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise ConfigError(
                f"{what}{f' {name!r}' if name else ''} holds other than finite real numbers",
                hint="give an array, or a mapping from names to arrays",
            )
    if not sum(array.size for array in arrays.values()):
        raise ConfigError(f"{what} has no entries", hint="give an array, or a mapping from names to arrays")
    return Named(arrays, alone)


@dataclass(frozen=True)
class UserLoss:
    """A function of an array or a mapping of arrays, as a function of one vector."""

    function: Callable[[Any], Any]
    structure: Named

    def value(self, theta: Array) -> Any:
        """What the function returns, as a number of its own type; it gets a copy, which it may change.

        Raises:
            ConfigError: it returns no number.
        """
        with np.errstate(all="ignore"):  # a step may leave the domain in which it is finite
            found = np.asarray(self.function(self.structure.filled(theta)))
        if found.size != 1 or found.dtype.kind not in "fiuc":
            raise ConfigError(
                f"the loss returns {found.dtype} in shape {found.shape}, not a number", hint="return a scalar"
            )
        return found.reshape(-1)[0]

    def __call__(self, theta: Array) -> complex:
        """L(θ)."""
        return complex(self.value(theta))

    def real(self, theta: Array) -> float:
        """L(θ) of real θ."""
        return self(theta).real

    def checked_value(self, theta: Array) -> tuple[float, float]:
        """L(θ), once it is known to be real, finite and the same every time; and the last bit of its type.

        Raises:
            ConfigError: it is not.
        """
        value = self.value(theta)
        first, second = complex(value), self(theta)
        if not np.isfinite(first) or first.imag:
            raise ConfigError(f"the loss is {value} at these parameters", hint="check it where it is finite and real")
        if abs(first - second) > SAME_VALUE * abs(first):
            raise ConfigError(
                f"the loss has two values at the same parameters, {first.real} and {second.real}",
                hint="give its randomness a fixed seed, inside the function",
            )
        kind = np.asarray(value).dtype
        return first.real, float(np.finfo(kind if kind.kind in "fc" else np.float64).eps)

    def takes_complex(self, theta: Array) -> bool:
        """Whether it returns the same value, as a complex number, for complex parameters."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            try:
                found = self.value(theta.astype(np.complex128))
            except Exception:  # noqa: BLE001 - whatever it raises, it does not take them
                return False
        real = self.value(theta)
        same = abs(found - real) <= SAME_VALUE * max(abs(real), np.finfo(np.float64).tiny)
        return bool(np.iscomplexobj(found) and np.isfinite(found) and same)

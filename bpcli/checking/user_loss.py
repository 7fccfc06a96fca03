"""Somebody's own loss as a function of one vector: the structure of its argument; whether it takes complex numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bpcli.errors import ConfigError
from bpcli.nn import Array

__tracebackhide__ = True  # a test's failure shows the user's lines alone

SAME_VALUE = 1e-9
"""How far two values of a loss at one point may differ, relatively: the order of its sums may change, not its noise."""


Form = Literal["array", "mapping", "list", "tuple"]
"""What somebody's loss takes."""

FOREIGN = ("torch", "tensorflow")
"""Libraries whose functions take no arrays of NumPy."""

FORM_HINT = "give an array of NumPy, or a mapping, list or tuple of arrays"


@dataclass(frozen=True)
class Named:
    """Arrays by name, and the form in which they were given, with its own keys; an array alone has an empty name."""

    arrays: dict[str, Array]
    form: Form
    keys: tuple[Any, ...]

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
        """A copy of a vector in this form."""
        parts = [theta[places] for _, places in self.places()]
        if self.form == "mapping":
            return dict(zip(self.keys, parts, strict=True))
        if self.form == "array":
            return parts[0]
        return parts if self.form == "list" else tuple(parts)


def named_arrays(given: Any, what: str) -> Named:
    """An array, or a mapping, list or tuple of arrays, of finite numbers.

    Raises:
        ConfigError: it is something else, or empty.
    """
    form = _form_of(given)
    items: dict[Any, Any] = {"": given} if form == "array" else dict(given if form == "mapping" else enumerate(given))
    keys = tuple(items)
    names = [str(key) for key in keys] if len({str(key) for key in keys}) == len(keys) else [repr(key) for key in keys]
    arrays = {
        name: _finite_array(item, f"{what}{f' {name!r}' if name else ''}")
        for name, item in zip(names, items.values(), strict=True)
    }
    if not sum(array.size for array in arrays.values()):
        raise ConfigError(f"no entries in {what}", hint=FORM_HINT)
    return Named(arrays, form, keys)


def _form_of(given: Any) -> Form:
    """The form of what is given; a list of plain numbers is an array."""
    if isinstance(given, Mapping):
        return "mapping"
    if not isinstance(given, list | tuple) or not any(_is_array(item) for item in given):
        return "array"
    return "list" if isinstance(given, list) else "tuple"


def _is_array(item: Any) -> bool:
    """Whether it is an array of any library, not a number or a list."""
    return hasattr(item, "__array__") and not isinstance(item, np.generic)


def _finite_array(given: Any, what: str) -> Array:
    """An array of finite real numbers.

    Raises:
        ConfigError: it is something else.
    """
    if callable(given) and not hasattr(given, "__array__"):
        raise ConfigError(f"a function for {what}, not an array", hint="call it: give what it returns")
    try:
        array = np.asarray(given)
    except Exception as error:  # noqa: BLE001 - other types raise errors of their own
        raise ConfigError(f"a {type(given).__name__} for {what} that makes no array: {error}", hint=FORM_HINT) from None
    if array.dtype.kind not in "fiu":
        kind = f"a {type(given).__name__}" if array.dtype.hasobject else array.dtype.name
        raise ConfigError(f"{kind} for {what}, not real numbers", hint=FORM_HINT)
    places = np.argwhere(~np.isfinite(array))
    if len(places):
        index = tuple(places[0].tolist())
        where = f" at {list(index)}" if index else ""
        raise ConfigError(f"{array[index]} in {what}{where}", hint="check it where parameters and gradient are finite")
    return array


def require_of_numpy(given: Any) -> None:
    """Refuse parameters of a library whose losses take no arrays of NumPy.

    Raises:
        ConfigError: they are.
    """
    items = given.values() if isinstance(given, Mapping) else given if isinstance(given, list | tuple) else [given]
    for item in items:
        library = type(item).__module__.partition(".")[0]
        if library in FOREIGN:
            raise ConfigError(
                f"the parameters are of {library}, whose loss takes no arrays of NumPy",
                hint="give arrays, and a loss that makes tensors of them and returns a float",
            )


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
            what = f"{found.dtype} in shape {found.shape}" if found.shape else repr(found.item())
            raise ConfigError(f"the loss returns {what}, not a number", hint="return a scalar")
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

    def obstacle_to_complex(self, theta: Array) -> str:
        """Why it does not give the same value, as a complex number, for complex parameters; empty where it does."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            try:
                found = self.value(theta.astype(np.complex128))
            except Exception as error:  # noqa: BLE001 - whatever it raises, it does not take them
                reason = error.message if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
                return f"it raises {reason}" if not isinstance(error, ConfigError) else reason
        if not np.iscomplexobj(found):
            return "it returns a real number for them, as abs, real, float or a comparison does"
        real = self.value(theta)
        if not np.isfinite(found) or abs(found - real) > SAME_VALUE * max(abs(real), np.finfo(np.float64).tiny):
            return f"it returns {found}, where it returns {real} for real ones"
        return ""

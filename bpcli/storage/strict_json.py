"""JSON read back strictly: each value is checked where it is used, and named where it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NoReturn

MOST_NESTED = 32
"""Nesting beyond anything that bp writes."""

SHA_256 = re.compile("[0-9a-f]{64}")

SHOWN = 40
"""How many characters of a wrong value a message shows."""


class MalformedError(ValueError):
    """JSON that is none, or does not hold what it should; the message names the field."""


def parse_json(text: str) -> Any:
    """The value of JSON text, each key of an object once.

    Raises:
        MalformedError: it is not JSON, repeats a key, has numbers that are none, or is nested too deep.
    """
    try:
        value = json.loads(text, object_pairs_hook=_each_once, parse_constant=_refuse_constant)
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError(f"not JSON: {error}") from error
    except RecursionError as error:
        raise MalformedError(f"nested more than {MOST_NESTED} deep") from error
    _require_shallow(value)
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise MalformedError(f"key {next(key for key in keys if keys.count(key) > 1)!r} stands twice")
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise MalformedError(f"not JSON: {word}")


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(MOST_NESTED + 1):
        level = [item for outer in level if isinstance(outer, dict | list) for item in _items(outer)]
        if not level:
            return
    raise MalformedError(f"nested more than {MOST_NESTED} deep")


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


@dataclass(frozen=True)
class Saved:
    """A value of JSON at a ``place`` such as ``features.columns[3]``; each method raises a :class:`MalformedError`."""

    value: Any
    place: str = ""

    def refuse(self, problem: str) -> NoReturn:
        """Raise the error that this value has a problem."""
        raise MalformedError(f"{self.place or 'it'} {problem}")

    def _refuse_type(self, wanted: str) -> NoReturn:
        kinds = {dict: "an object", list: "a list", type(None): "null"}
        shown = kinds.get(type(self.value)) or repr(self.value)
        self.refuse(f"is {shown if len(shown) <= SHOWN else shown[:SHOWN] + '…'}, not {wanted}")

    def keys(self, needed: Iterable[str], optional: Iterable[str] = ()) -> Mapping[str, Saved]:
        """An object of these keys and no others."""
        found, required = self.mapping(), list(needed)
        for key in required:
            if key not in found:
                self.refuse(f"has no {key!r}")
        for key in found.keys() - {*required, *optional}:
            self.refuse(f"has {key!r}, which is unknown")
        return found

    def mapping(self) -> Mapping[str, Saved]:
        """An object of any keys."""
        if not isinstance(self.value, dict):
            self._refuse_type("an object")
        return {key: Saved(value, f"{self.place}.{key}" if self.place else key) for key, value in self.value.items()}

    def items(self) -> list[Saved]:
        """A list."""
        if not isinstance(self.value, list):
            self._refuse_type("a list")
        return [Saved(value, f"{self.place}[{k}]") for k, value in enumerate(self.value)]

    def text(self) -> str:
        """A text that UTF-8 can hold."""
        if not isinstance(self.value, str):
            self._refuse_type("a text")
        if any("\ud800" <= char <= "\udfff" for char in self.value):
            self.refuse("holds half a surrogate pair")
        return self.value

    def truth(self) -> bool:
        """A truth value."""
        if not isinstance(self.value, bool):
            self._refuse_type("true or false")
        return self.value

    def number(self) -> float:
        """A finite number; a whole one stays an int as far as float64 holds it."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self._refuse_type("a number")
        try:
            finite = isfinite(self.value)
        except OverflowError:
            finite = False
        if not finite:
            self._refuse_type("a finite number")
        return self.value

    def count(self, low: int = 0, high: int = 1 << 53) -> int:
        """A whole number within bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self._refuse_type("a whole number")
        if not low <= self.value <= high:
            self._refuse_type(f"from {low} to {high}")
        return self.value

    def counts(self) -> tuple[int, ...]:
        """A list of whole numbers."""
        return tuple(item.count() for item in self.items())

    def one_of(self, names: Iterable[str]) -> str:
        """One of some names."""
        known = list(names)
        if not isinstance(self.value, str) or self.value not in known:
            self._refuse_type(f"one of {', '.join(known)}")
        return self.value

    def sha256(self) -> str:
        """A SHA-256 in hexadecimal."""
        if not isinstance(self.value, str) or not SHA_256.fullmatch(self.value):
            self._refuse_type("a SHA-256")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(item.text() for item in self.items())

    def names(self) -> tuple[str, ...]:
        """A list of texts, at least one, that differ."""
        found = self.texts()
        if not found or len(set(found)) < len(found):
            self.refuse("is empty or names one twice")
        return found

    def numbers(self, count: int) -> list[float]:
        """A list of so many finite numbers."""
        found = [item.number() for item in self.items()]
        if len(found) != count:
            self.refuse(f"has {len(found)} numbers, not {count}")
        return found

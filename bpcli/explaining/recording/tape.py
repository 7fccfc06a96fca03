"""Numbers that record how they are computed: arithmetic on them adds operations to a tape instead of computing.

A tape is a list of operations, each on those before it; the same operation on the same numbers is recorded once. Read
from its beginning with numbers for its inputs it gives every number again, in whatever language reads it. Arrays
of recorded numbers are NumPy's of objects, so what runs on arrays of floats runs on them as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpcli.nn.expressions import FormulaError

CONSTANT, INPUT, SLOT, BORROWED = "constant", "input", "slot", "borrowed"
"""Operations without operands: a number of the tape's own, the nth input, the nth number of an earlier step, and the
nth of what is computed beside these steps."""

FUNCTIONS: Mapping[str, str] = {
    r"\log": "log",
    r"\ln": "log",
    r"\log1p": "log1p",
    r"\exp": "exp",
    r"\sqrt": "sqrt",
    r"\tanh": "tanh",
    r"\arctan": "atan",
    r"\sin": "sin",
    r"\cos": "cos",
    r"\Phi": "normal",
}
"""The operation of each function of markup."""

OPERATIONS = (
    CONSTANT, INPUT, SLOT, BORROWED, "add", "subtract", "multiply", "divide", "power", "negative",
    "log", "log1p", "exp", "sqrt", "tanh", "atan", "sin", "cos", "normal",
    "greater", "equal", "choose",
)  # fmt: skip
"""All operations. ``multiply`` gives 0 where either number is 0; ``greater`` and ``equal`` give 1 or 0; ``choose`` is
its second number where the first is not 0, else its third."""

OPERANDS = dict.fromkeys(("add", "subtract", "multiply", "divide", "power", "greater", "equal"), 2) | {"choose": 3}
"""How many operands an operation has, where not one."""

Operation = tuple[str, Any, Any, Any]


@dataclass
class Tape:
    """The operations so far; the operands of each are the places of others."""

    operations: list[Operation] = field(default_factory=list)
    places: dict[Operation, int] = field(default_factory=dict)

    def record(self, operation: str, first: Any = 0, second: Any = 0, third: Any = 0) -> Recorded:
        """The number that an operation gives."""
        whole = operation, first, second, third
        place = self.places.get(whole)
        if place is None:
            place = self.places[whole] = len(self.operations)
            self.operations.append(whole)
        return Recorded(self, place)

    def constant(self, value: float) -> Recorded:
        """A number of the tape's own."""
        return self.record(CONSTANT, float(value) + 0.0)

    def inputs(self, first: int, shape: tuple[int, ...]) -> Any:
        """An array of inputs, counted from ``first``."""
        return self._array(INPUT, first, shape)

    def slots(self, first: int, shape: tuple[int, ...]) -> Any:
        """An array of numbers that earlier steps gave, counted from ``first``."""
        return self._array(SLOT, first, shape)

    def borrowed(self, first: int, shape: tuple[int, ...]) -> Any:
        """An array of numbers that are computed beside the steps, counted from ``first``."""
        return self._array(BORROWED, first, shape)

    def array(self, value: Any) -> Any:
        """An array in which every number is recorded, plain ones as constants."""
        return np.asarray(np.frompyfunc(self.number, 1, 1)(np.asarray(value, object)), object)

    def number(self, value: Any) -> Recorded:
        """A number, recorded."""
        return value if isinstance(value, Recorded) else self.constant(value)

    def _array(self, kind: str, first: int, shape: tuple[int, ...]) -> Any:
        places = np.arange(first, first + int(np.prod(shape)), dtype=int).reshape(shape)
        return np.asarray(np.frompyfunc(lambda place: self.record(kind, int(place)), 1, 1)(places), object)


def _of_numbers(operator: Callable[[Recorded, Any], Recorded]) -> Callable[[Recorded, Any], Recorded]:
    """An operator of numbers, which leaves arrays to NumPy."""

    def applied(own: Recorded, other: Any) -> Recorded:
        return NotImplemented if isinstance(other, np.ndarray) else operator(own, other)

    return applied


@dataclass(frozen=True, slots=True)
class Recorded:
    """A number of a tape: the one that the operation at ``place`` gives.

    Sums and products with 0 and 1 are the number itself or 0, and constants are computed at once.
    """

    tape: Tape
    place: int

    @property
    def value(self) -> float | None:
        """The number of a constant; None of any other."""
        kind, value, _, _ = self.tape.operations[self.place]
        return value if kind == CONSTANT else None

    def __eq__(self, other: object) -> bool:
        """Whether it is the same operation, or a constant of this value."""
        if isinstance(other, Recorded):
            return self.place == other.place
        return self.value is not None and self.value == other

    def __hash__(self) -> int:
        return self.place

    @_of_numbers
    def __add__(self, other: Any) -> Recorded:
        return self if _is(other, 0) else self.tape.number(other) if _is(self, 0) else self._of_two("add", other)

    @_of_numbers
    def __radd__(self, other: Any) -> Recorded:
        return self.tape.number(other) + self

    @_of_numbers
    def __sub__(self, other: Any) -> Recorded:
        return self if _is(other, 0) else -self.tape.number(other) if _is(self, 0) else self._of_two("subtract", other)

    @_of_numbers
    def __rsub__(self, other: Any) -> Recorded:
        return self.tape.number(other) - self

    @_of_numbers
    def __mul__(self, other: Any) -> Recorded:
        if _is(other, 0) or _is(self, 0):
            return self.tape.constant(0)
        return self if _is(other, 1) else self.tape.number(other) if _is(self, 1) else self._of_two("multiply", other)

    @_of_numbers
    def __rmul__(self, other: Any) -> Recorded:
        return self.tape.number(other) * self

    @_of_numbers
    def __truediv__(self, other: Any) -> Recorded:
        return self if _is(other, 1) else self._of_two("divide", other)

    @_of_numbers
    def __rtruediv__(self, other: Any) -> Recorded:
        return self.tape.number(other) / self

    @_of_numbers
    def __pow__(self, other: Any) -> Recorded:
        if _is(other, 0):
            return self.tape.constant(1)
        return self if _is(other, 1) else self * self if _is(other, 2) else self._of_two("power", other)

    @_of_numbers
    def __rpow__(self, other: Any) -> Recorded:
        return self.tape.number(other) ** self

    def __neg__(self) -> Recorded:
        return self.tape.constant(-self.value) if self.value is not None else self.tape.record("negative", self.place)

    def apply(self, function: str) -> Recorded:
        """A function of markup of it.

        Raises:
            FormulaError: no operation has that name.
        """
        if function not in FUNCTIONS:
            raise FormulaError(f"{function} is not recorded")
        return self.tape.record(FUNCTIONS[function], self.place)

    def equals(self, other: Any) -> Recorded:
        """1 where two are equal, else 0."""
        return self.tape.constant(1) if self == other else self._of_two("equal", other)

    def greater(self, other: Any) -> Recorded:
        """1 where it is greater, else 0."""
        return self._of_two("greater", other)

    def choose(self, there: Any, elsewhere: Any) -> Recorded:
        """``there`` where it is not 0."""
        if there is elsewhere or self.value is not None:
            return self.tape.number(there if self.value != 0 else elsewhere)
        return self.tape.record("choose", self.place, self.tape.number(there).place, self.tape.number(elsewhere).place)

    def _of_two(self, operation: str, other: Any) -> Recorded:
        second = self.tape.number(other)
        if self.value is not None and second.value is not None and operation in _OF_CONSTANTS:
            return self.tape.constant(_OF_CONSTANTS[operation](self.value, second.value))
        return self.tape.record(operation, self.place, second.place)


_OF_CONSTANTS: Mapping[str, Callable[[float, float], float]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: float(np.divide(x, y)),
    "power": lambda x, y: float(np.power(x, y)),
    "greater": lambda x, y: float(x > y),
    "equal": lambda x, y: float(x == y),
}
"""What is computed at once where both numbers are constants."""


def _is(value: Any, number: float) -> bool:
    """Whether a number, recorded or not, is a constant of this value."""
    return bool((value.value if isinstance(value, Recorded) else value) == number)

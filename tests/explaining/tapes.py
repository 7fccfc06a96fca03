"""A tape read in Python, as the page's script reads it in a browser."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from bpcli.explaining.recording.tape import BORROWED, CONSTANT, INPUT, OPERANDS, SLOT, Tape
from bpcli.nn import Array
from bpcli.nn.normal import normal_distribution

OPERATIONS: dict[str, Callable[..., float]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: 0.0 if x == 0 or y == 0 else x * y,
    "divide": lambda x, y: float(np.divide(x, y)),
    "power": lambda x, y: float(np.power(x, y)),
    "negative": lambda x: -x,
    "log": lambda x: float(np.log(x)),
    "log1p": lambda x: float(np.log1p(x)),
    "exp": lambda x: float(np.exp(x)),
    "sqrt": lambda x: float(np.sqrt(x)),
    "tanh": math.tanh,
    "atan": math.atan,
    "sin": math.sin,
    "cos": math.cos,
    "normal": lambda x: float(normal_distribution(x)),
    "greater": lambda x, y: float(x > y),
    "equal": lambda x, y: float(x == y),
    "choose": lambda where, there, elsewhere: there if where != 0 else elsewhere,
}


def read(tape: Tape, inputs: Sequence[float], arrays: Iterable[Array], lent: Sequence[float] = ()) -> list[Array]:
    """The numbers of arrays of places, each reading those before it as slots, and ``lent`` where it borrows."""
    known: dict[int, float] = {}
    slots: list[float] = []

    def number(place: int) -> float:
        if place not in known:
            known[place] = operation(*tape.operations[place])
        return known[place]

    def operation(name: str, first: float, second: int, third: int) -> float:
        if name == CONSTANT:
            return first
        if name in (INPUT, SLOT, BORROWED):
            return {INPUT: inputs, SLOT: slots, BORROWED: lent}[name][int(first)]
        operands = (int(first), second, third)[: OPERANDS.get(name, 1)]
        return OPERATIONS[name](*map(number, operands))

    found = []
    for places in arrays:
        values = [number(int(place)) for place in places.reshape(-1)]
        slots += values
        found.append(np.array(values).reshape(places.shape))
    return found

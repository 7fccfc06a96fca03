"""By which names source uses the arrays of a program: as they are, in one dimension, as vectors.

An array whose name ends in ``_flat`` is the array of that name in one dimension.
"""

from __future__ import annotations

from bpcli.training.compiled.program import X
from bpcli.training.compiled.symbols import SymbolicArray
from bpcli.training.compiled.views import Same, Transposed

X_VECTOR = "x"
"""The name of X as a vector, in batches of one example."""


class ArrayNames:
    """Names of arrays in source; ``flat`` maps each array used in one dimension to its name as such."""

    def __init__(self, symbols: dict[str, SymbolicArray]) -> None:
        self.symbols = symbols
        self.flat: dict[str, str] = {}

    def block(self, name: str) -> str:
        """The name of the array in whose memory an array lies, which shows the compiler that it is the same."""
        symbol = self.symbols[name]
        return symbol.root if isinstance(symbol.view, Same) else name

    def flattened(self, name: str) -> str:
        """The name of an array in one dimension."""
        name = self.block(name)
        symbol = self.symbols[name]
        if symbol.ndim == 1:
            return name
        return self.flat.setdefault(name, f"{name}_flat")

    def vector(self, name: str) -> str:
        """A column or a row as a vector."""
        symbol = self.symbols[name]
        if name == X:
            return X_VECTOR
        if symbol.of is not None and isinstance(symbol.view, Transposed):
            return self.vector(symbol.of.name)
        return self.flattened(name)

"""Ufuncs of entries as expressions of source."""

from __future__ import annotations

INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "power": "**",
    "greater": ">",
    "less": "<",
    "equal": "==",
    "greater_equal": ">=",
    "less_equal": "<=",
    "not_equal": "!=",
}

PREFIX = {"negative": "-", "positive": ""}

OF_SINGLE = {"exp": "exp_of_single", "tanh": "tanh_of_single"}
"""Functions of float32 in :mod:`bpcli.training.compiled.elementary`."""


def expression(ufunc: str, operands: list[str], kind: str | None = None) -> str:
    """A ufunc of entries as an expression; ``kind`` is the dtype in which it computes."""
    if ufunc in INFIX:
        return f"({operands[0]} {INFIX[ufunc]} {operands[1]})"
    if ufunc in PREFIX:
        return f"({PREFIX[ufunc]}{operands[0]})"
    if ufunc == "reciprocal":
        return f"(np.{kind}(1) / {operands[0]})"
    function = OF_SINGLE.get(ufunc) if kind == "float32" else None
    return f"{function or f'np.{ufunc}'}({', '.join(operands)})"

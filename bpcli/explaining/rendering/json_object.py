"""An explanation as JSON: complete, with every digit."""

from __future__ import annotations

from typing import Any

from bpcli.explaining.documents.steps import Arithmetic, DerivationStep, Line
from bpcli.explaining.explained import Explanation
from bpcli.explaining.rendering.unicode import math, prose
from bpcli.storage.text import to_json


def render(explained: Explanation) -> str:
    """One JSON object on one line."""
    return to_json(tree(explained)) + "\n"


def tree(explained: Explanation) -> dict[str, Any]:
    """The explanation as plain data."""
    document = explained.document
    return {
        "source": explained.source,
        "trained": explained.trained,
        "data": explained.data,
        "document": {
            "name": document.name,
            "title": document.title,
            "expresses": document.expresses,
            "conventions": [prose(line) for line in document.conventions],
            "notation": [
                {"latex": symbol, "text": math(symbol), "meaning": prose(meaning)}
                for symbol, meaning in document.notation
            ],
        },
        "others": list(explained.others),
        "layers": list(explained.layers),
        "inputs": list(explained.inputs),
        "outputs": list(explained.outputs),
        **explained.choices,
        "updates": [
            {
                "examples": [vars(example) for example in update.examples],
                "steps": [_step(step) for step in update.steps],
                "omitted": [prose(line) for line in update.omitted],
                "effect": {
                    "before": update.effect.before,
                    "after": update.effect.after,
                    "change": update.effect.change,
                    "predicted": update.effect.predicted,
                },
            }
            for update in explained.updates
        ],
    }


def _step(step: DerivationStep) -> dict[str, Any]:
    return {
        "stage": step.stage,
        "key": step.key,
        "layer": step.layer,
        "example": step.example,
        "title": prose(step.title),
        "reference": prose(step.reference),
        "symbol": {"latex": step.symbol, "text": math(step.symbol)},
        "equation": {"latex": step.equation, "text": math(step.equation)},
        "shape": list(step.value.shape),
        "rows": math(step.rows),
        "columns": math(step.columns),
        "at": math(step.at),
        "scope": step.scope,
        "distance": step.distance,
        "difference": step.difference,
        "value": step.value.tolist(),
        "names": list(step.names),
        "arithmetic": None if step.arithmetic is None else _arithmetic(step.arithmetic),
        "notes": [prose(note) for note in step.notes],
    }


def _arithmetic(arithmetic: Arithmetic) -> dict[str, Any]:
    return {"lines": [_line(line) for line in arithmetic.lines], "left_out": arithmetic.left_out}


def _line(line: Line) -> dict[str, Any]:
    return {name: {"latex": markup, "text": math(markup)} for name, markup in vars(line).items()}

"""A document's step as the page has it: its words, its equation with symbols marked, and the places of its numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from bpcli.explaining.page.programs import Program
from bpcli.explaining.rendering import shared_text, unicode
from bpcli.explaining.rendering.mathml import elements, prose

TEXTS = ("title", "words", "reference", "symbol", "text", "equation", "right", "rows", "columns", "notes")
"""What many steps have in common, so it is kept once."""

OWN_NUMBER = re.compile(r"(?<=\$) = -?\d[\d.e+-]*\d")
"""A number of bp's in a note, after a formula: it would stay as it is when something is changed."""

Owner = Callable[[str], int | None]


def step_data(program: Program, place: int, owner: Owner) -> dict[str, Any]:
    """A step's words, equation and places; symbols of the equation are marked with the place of their step."""
    step = program.step
    reads: dict[int, None] = {}

    def marked(markup: str) -> int | None:
        found = owner(markup)
        reads.update({} if found is None else {found: None})
        return found

    right = elements(f"{step.relation} {' = '.join(step.sides)}", marked) if step.formula else []
    return {
        "stage": step.stage,
        "key": step.key,
        "layer": step.layer,
        "title": prose(shared_text.title(step)),
        "words": unicode.prose(shared_text.title(step)),
        "reference": prose(step.reference),
        "symbol": elements(step.symbol),
        "text": unicode.math(step.symbol),
        "equation": unicode.math(step.equation),
        "right": right,
        "rows": unicode.math(step.rows),
        "columns": unicode.math(step.columns),
        "notes": [prose(OWN_NUMBER.sub("", note)) for note in step.notes],
        "reads": [one for one in reads if one != place],
        **array_data(program.places),
    }


def array_data(places: Any) -> dict[str, Any]:
    """An array's shape, and the places of its entries, row by row."""
    return {"shape": list(places.shape), "places": np.ravel(places).tolist()}

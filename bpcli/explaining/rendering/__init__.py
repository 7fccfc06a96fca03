"""An explanation as text, Markdown, LaTeX or JSON: four renderings of one list of steps.

JSON is complete and holds every digit. The others are for reading: they have six
digits, and of a large matrix they show the leading rows and columns and say so.
"""

from __future__ import annotations

from collections.abc import Callable

from bpcli.explaining.explained import Explanation
from bpcli.explaining.rendering import json_object, latex, markdown, text

FORMATS: dict[str, Callable[[Explanation], str]] = {
    "text": text.render,
    "markdown": markdown.render,
    "latex": latex.render,
    "json": json_object.render,
}

"""An explanation as text, Markdown, LaTeX or JSON: four renderings of one list of steps.

JSON is complete and holds every digit; the others are for reading, with six
digits, and say so where they leave out rows and columns of a large matrix.
"""

from __future__ import annotations

from collections.abc import Callable

from bpcli.explaining.explanation import Explanation
from bpcli.explaining.rendering import latex, markdown, plain, text

FORMATS: dict[str, Callable[[Explanation], str]] = {
    "text": text.render,
    "markdown": markdown.render,
    "latex": latex.render,
    "json": plain.render,
}

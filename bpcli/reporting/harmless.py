"""Text of the data in CSV that a spreadsheet may open: it would compute a cell that begins like a formula.

Such a cell gets an apostrophe in front, as has one that begins with apostrophes and then so, so that taking
one apostrophe away always gives the text back. Numbers stay as they are.
"""

from __future__ import annotations

import re
from typing import Any

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""The beginnings of a cell that spreadsheets compute or drop (OWASP, CSV Injection)."""

NUMBER = re.compile(r"[-+][0-9.,' ]*[0-9][0-9.,]*([eE][-+]?[0-9]+)?")
"""A number with its sign, whatever its marks."""


def harmless(cell: Any) -> Any:
    """A cell as CSV is to hold it: text that begins like a formula with an apostrophe in front."""
    if isinstance(cell, str) and FORMULA.match(cell) and not NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell

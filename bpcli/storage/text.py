"""Values as CSV and as JSON, so that equal values give equal bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any


def to_csv(rows: Iterable[Sequence[Any]]) -> str:
    """CSV with a line feed after each row.

    Where a cell holds a carriage return, the writer itself ends rows with one and a line feed: with a line
    feed alone, some versions of Python leave such a cell unquoted.
    """
    kept, text = list(rows), io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(kept)
    if "\r" not in text.getvalue():
        return text.getvalue()
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows(kept)
    return "".join(lines)


class _Lines(list[str]):
    """The rows that a CSV writer writes."""

    def write(self, row: str) -> None:
        """Append a row, with a line feed at its end."""
        self.append(row.removesuffix("\r\n") + "\n")


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON with sorted keys, so that equal values give equal bytes; a number that is not finite becomes null."""
    text = json.dumps(_finite(value), sort_keys=True, ensure_ascii=False, indent=indent, allow_nan=False)
    return text.encode(errors="backslashreplace").decode()  # what of a file's name is not UTF-8, as JSON escapes it


def _finite(value: Any) -> Any:
    """The value with null for every number that JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value

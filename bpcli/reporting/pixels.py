"""Whether the inputs of a network are the pixels of an image, and of which height and width."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isqrt

from bpcli.data.encoding.inputs import Input

SMALLEST = 16
"""The fewest pixels that make an image."""

ROW_AND_COLUMN = re.compile(r"(.*?)(\d+)\D(\d+)\D?", re.DOTALL)
"""A name with the row and the column of a pixel: ``pixel_3_4``, ``3x4``, ``p(3,4)``."""

ONE_NUMBER = re.compile(r"(\D*)(\d+)")
"""A name with the number of a pixel: ``pixel12``, ``12``."""


def image_shape(inputs: Sequence[Input]) -> tuple[int, int] | None:
    """The height and width of the image whose pixels the inputs are, row by row; None where they are none.

    They are where their columns are numbers and their names say so: by a row and a column each, or by one number
    that counts up to a square.
    """
    names = [one.column for one in inputs]
    if len(names) < SMALLEST or any(one.kind != "number" for one in inputs):
        return None
    return _by_row_and_column(names) or _by_one_number(names)


def _by_row_and_column(names: Sequence[str]) -> tuple[int, int] | None:
    found = [ROW_AND_COLUMN.fullmatch(name) for name in names]
    places = [(each[1], int(each[2]), int(each[3])) for each in found if each is not None]
    if len(places) < len(names):
        return None
    word, top, left = places[0]
    width = sum(row == top for _, row, _ in places)
    height, left_over = divmod(len(names), width)
    expected = [(word, top + row, left + column) for row in range(height) for column in range(width)]
    return (height, width) if not left_over and height > 1 and width > 1 and places == expected else None


def _by_one_number(names: Sequence[str]) -> tuple[int, int] | None:
    found = [ONE_NUMBER.fullmatch(name) for name in names]
    places = [(each[1], int(each[2])) for each in found if each is not None]
    side = isqrt(len(names))
    if len(places) < len(names) or side * side < len(names):
        return None
    word, first = places[0]
    return (side, side) if places == [(word, first + place) for place in range(len(names))] else None

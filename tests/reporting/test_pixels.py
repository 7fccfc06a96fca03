"""Which inputs are the pixels of an image."""

from __future__ import annotations

import pytest

from bpcli.data.encoding.inputs import Input
from bpcli.reporting.pixels import image_shape


def numbers(names: list[str]) -> list[Input]:
    return [Input(name, "number", fill=0.0, shift=0.0, width=1.0) for name in names]


IMAGES = {
    (8, 8): [f"pixel_{row}_{column}" for row in range(8) for column in range(8)],
    (4, 6): [f"p({row},{column})" for row in range(1, 5) for column in range(1, 7)],
    (28, 28): [str(place) for place in range(784)],
    (5, 5): [f"pixel{place}" for place in range(1, 26)],
}


@pytest.mark.parametrize(("shape", "names"), IMAGES.items())
def test_pixels_are_known_by_their_names(shape: tuple[int, int], names: list[str]) -> None:
    assert image_shape(numbers(names)) == shape
    assert image_shape(numbers(names[1:])) is None
    assert image_shape(numbers([*names[:-2], names[-1], names[-2]])) is None
    assert image_shape([*numbers(names[:-1]), Input(names[-1], "category", "a")]) is None


def test_other_columns_are_no_image() -> None:
    assert image_shape(numbers(["age", "height"])) is None
    assert image_shape(numbers([f"{word}_mean" for word in "abcdefghijklmnop"])) is None
    assert image_shape(numbers([f"{word}{place}" for place, word in enumerate("abcdefghijklmnop")])) is None
    assert image_shape(numbers([str(place) for place in range(9)])) is None  # fewer than an image has

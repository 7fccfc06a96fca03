"""Cases in one test: all are tried, and a failure names its own."""

from __future__ import annotations

import inspect

import pytest

from tests.each import each


def test_every_case_is_tried_beside_what_else_the_test_asks_for() -> None:
    seen = []

    @each(("a", "b"), [(1, 2), (3, 4)])
    def tried(a: int, folder: str, b: int) -> None:
        seen.append((a, b, folder))

    assert list(inspect.signature(tried).parameters) == ["folder"]
    tried(folder="here")
    assert seen == [(1, 2, "here"), (3, 4, "here")]


def test_the_first_case_that_fails_is_named_and_fails_the_test() -> None:
    @each("number", [1, 2, 3])
    def tried(number: int) -> None:
        assert number < 2

    with pytest.raises(AssertionError) as caught:
        tried()
    assert caught.value.__notes__ == ["in the case {'number': 2}"]


def test_no_case_is_refused() -> None:
    with pytest.raises(AssertionError, match="no case"):
        each("number", [])

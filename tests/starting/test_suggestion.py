"""What is suggested for a table of some size and target."""

from __future__ import annotations

from collections import Counter

import pytest

from bpcli.data.files.dataset import Format
from bpcli.data.files.reading import FilePair
from bpcli.starting.inspection import Inspection
from bpcli.starting.suggestion import suggest


def table(size: int, labels: dict[str, int] | None) -> Inspection:
    return Inspection(FilePair("t.csv"), Format(), ["a", "y"], size, "y", None if labels is None else Counter(labels))


@pytest.mark.parametrize(
    ("labels", "loss"),
    [
        (None, "half_squared_error"),
        ({"a": 50, "b": 50}, "binary_cross_entropy"),
        ({"a": 50, "b": 30, "c": 20}, "cross_entropy"),
    ],
)
def test_loss_follows_from_the_target(labels: dict[str, int] | None, loss: str) -> None:
    assert suggest(table(100, labels)).loss == loss


@pytest.mark.parametrize("size", [1, 4, 19, 20, 150, 499, 500, 4_999, 5_000, 49_999, 50_000, 10_000_000])
def test_every_size_gets_a_training_that_is_possible(size: int) -> None:
    made = suggest(table(size, None))
    training = size - 2 * round(size * made.held_out)

    assert 1 <= made.batch_size <= training
    assert 20 <= made.epochs <= 200
    assert (made.held_out > 0) is (size >= 20)
    assert made.held_out == 0 or round(size * made.held_out) > 0


def test_larger_tables_get_larger_networks_and_fewer_epochs() -> None:
    made = [suggest(table(size, None)) for size in (100, 1_000, 10_000, 100_000)]

    assert [each.hidden for each in made] == [[16], [32], [64, 32], [128, 64]]
    assert [each.epochs for each in made] == sorted((each.epochs for each in made), reverse=True)


def test_a_class_is_rare_by_its_share_of_an_even_one() -> None:
    assert suggest(table(1000, {"a": 960, "b": 40})).rarest == "b"
    assert suggest(table(1000, {"a": 800, "b": 200})).rarest == ""
    assert suggest(table(1000, {str(k): 100 for k in range(10)})).rarest == ""

"""The words for the parameters that a run keeps."""

from __future__ import annotations

from typing import Any

import pytest

from bpcli.runs.kept_parameters import describe_kept, kept_epoch


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({"epoch": 6, "monitor": "val_loss", "value": 0.5}, "epoch 6, the best by val_loss"),
        ({"epoch": 20, "monitor": None, "value": None}, "epoch 20, the last"),
        ({"epoch": 20, "monitor": "val_f1", "value": None}, "epoch 20, the last, as val_f1 was never finite"),
        ({"epoch": 3, "monitor": None, "value": None, "examples": 2048}, "2,048 examples into epoch 4"),
        ({"epoch": 0, "monitor": "val_loss", "value": None}, "the initial parameters"),
    ],
)
def test_kept_parameters_are_described(kept: dict[str, Any], words: str) -> None:
    assert describe_kept({"kept": kept}) == words
    assert kept_epoch({"kept": kept}) == kept["epoch"]


def test_a_record_may_say_nothing_of_them() -> None:
    assert kept_epoch({}) is None

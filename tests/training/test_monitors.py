"""What a hint says of a metric that is not measured."""

from __future__ import annotations

import pytest

from bpcli.training.monitors import how_to_measure

COLUMNS = ["loss", "accuracy", "f1_macro", "val_loss", "val_accuracy", "val_f1_macro", "test_accuracy"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("val_balanced_accuracy", "add balanced_accuracy to metrics"),
        ("test_precision", "add precision to metrics, whose column is test_precision_macro with its defaults"),
        ("top_2", "add top_k to metrics"),
        ("top_5", "add top_k to metrics, with its settings"),
        ("val_f1", "did you mean 'val_f1_macro'? "),
        ("val_f1_weighted", "add f1 to metrics, with its settings"),
        ("val_acuracy", "did you mean 'val_accuracy'? "),
        ("zebra", "measured are loss, accuracy, "),
    ],
)
def test_a_metric_that_is_not_picked_is_to_be_added_and_another_name_corrected(name: str, hint: str) -> None:
    found = how_to_measure(name, COLUMNS)
    assert found == hint if hint.startswith("add") else found.startswith(hint)

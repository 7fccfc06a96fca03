"""Targets follow the form that their loss takes: its codes for no and yes, and its bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.data.encoding.classes import Classes
from bpcli.data.encoding.labels import Labels
from bpcli.data.encoding.reals import Reals
from bpcli.data.encoding.scaling import Scaling
from bpcli.data.encoding.targets import Targets, judging_of, targets_from_json
from bpcli.data.encoding.tasks import learn_classes, learn_reals, scaled_by_default, task_of
from bpcli.data.files.dataset import Dataset, Table
from bpcli.errors import ConfigError, ExitStatus
from bpcli.nn import Array
from bpcli.nn.losses import TargetForm
from bpcli.storage.strict_json import Saved

from ..support import PRECISIONS, gathered, refusal

SIGNS = TargetForm("classification", low=-1.0, high=1.0, off=-1.0, on=1.0)
"""Targets of −1 and 1, as a hinge loss takes them."""
SOFT = TargetForm(off=0.1, on=0.9)
"""Smoothed codes, and no bounds."""
COUNTS = TargetForm("regression", low=0.0)
"""Numbers that are not negative, as a Poisson loss takes them."""

every_precision = pytest.mark.parametrize("dtype", PRECISIONS)


def file(**columns: Any) -> Table:
    cells = {
        name: np.array(column, object if isinstance(column[0], str) else float) for name, column in columns.items()
    }
    return Table("t.csv", cells, place=lambda row: f"t.csv:{row + 2}")


def encoded(targets: Targets, dataset: Dataset, dtype: str = "float64") -> Array:
    source = targets.source(dataset, np.arange(dataset.size), np.dtype(dtype))
    return gathered(source, targets.outputs, np.arange(source.size), dtype)


@every_precision
@pytest.mark.parametrize("cells", [["no", "yes", "no"], [0, 1, 0], [-1, 1, -1]])
def test_two_classes_are_one_output_of_the_two_codes(cells: list[Any], dtype: str) -> None:
    learned = learn_classes([file(y=cells)], ["y"], SIGNS)

    assert isinstance(learned, Classes)
    assert (learned.encoding, learned.outputs, learned.counted_by) == ("binary", 1, "threshold")
    assert encoded(learned, file(y=cells), dtype).tolist() == [[-1, 1, -1]]


@every_precision
@pytest.mark.parametrize(("form", "off", "on"), [(SIGNS, -1, 1), (SOFT, 0.1, 0.9)])
def test_class_is_on_in_its_own_output_and_off_in_the_others(
    form: TargetForm, off: float, on: float, dtype: str
) -> None:
    dataset = file(y=["a", "c", "b"])
    learned = learn_classes([dataset], ["y"], form)

    wanted = np.array([[on, off, off], [off, off, on], [off, on, off]], dtype)
    np.testing.assert_array_equal(encoded(learned, dataset, dtype), wanted)
    assert learned.counted_by == "largest"


def test_two_classes_of_unbounded_targets_have_an_output_each() -> None:
    learned = learn_classes([file(y=["a", "b"])], ["y"], SOFT)

    assert encoded(learned, file(y=["a", "b"])).tolist() == [[0.9, 0.1], [0.1, 0.9]]


@pytest.mark.parametrize(("form", "threshold"), [(TargetForm(), 0.5), (SIGNS, 0), (SOFT, 0.5)])
def test_threshold_is_the_middle_of_the_codes(form: TargetForm, threshold: float) -> None:
    for targets in (Classes("y", ("a", "b"), "binary", form), Labels(("u",), form)):
        assert judging_of(targets, (0, 1)).threshold == threshold


def test_predictions_are_decided_at_the_threshold() -> None:
    A = np.array([[-0.9, 0, 0.1, 3]])

    binary = Classes("y", ("no", "yes"), "binary", SIGNS).predictions(A, probabilities=False)
    labels = Labels(("u",), SIGNS).predictions(A, probabilities=False)

    assert binary["prediction"].tolist() == ["no", "no", "yes", "yes"]
    assert labels["prediction"].tolist() == [0, 0, 1, 1]


def test_labels_of_truth_values_are_written_in_the_codes_and_numbers_between_them_stand() -> None:
    dataset = file(u=["true", "false", "true"], w=[-0.5, 0.25, 1])
    learned = learn_classes([dataset], ["u", "w"], SIGNS)

    assert encoded(learned, dataset).tolist() == [[1, -1, 1], [-0.5, 0.25, 1]]


def test_a_column_with_other_numbers_than_0_and_1_is_in_codes_already_and_keeps_its_order() -> None:
    dataset = file(u=[0, 1, 1], v=[-1, 0, 1], w=[-1, 1, 1])
    learned = learn_classes([dataset], ["u", "v", "w"], SIGNS)

    assert learned == Labels(("u", "v", "w"), SIGNS, ("v", "w"))
    assert encoded(learned, dataset).tolist() == [[-1, 1, 1], [-1, 0, 1], [-1, 1, 1]]
    assert encoded(learned, file(u=[1, 1], v=[0, 1], w=[0, 1])).tolist() == [[1, 1], [0, 1], [0, 1]]
    assert targets_from_json(Saved(learned.to_json()), SIGNS) == learned
    decided = learned.predictions(np.array([[0.5, -1], [0.5, -1], [2, 0]]), probabilities=False)
    assert {name: column.tolist() for name, column in decided.items()} == {
        "prediction_u": [1, 0],
        "prediction_v": [1, -1],
        "prediction_w": [1, -1],
    }


def test_outputs_in_codes_of_minus_1_and_1_are_no_probabilities() -> None:
    A = np.array([[0.25, 0.75]])

    assert list(Classes("y", ("no", "yes"), "binary", SIGNS).predictions(A, probabilities=True)) == ["prediction"]
    assert list(Labels(("u",), SIGNS).predictions(A, probabilities=True)) == ["prediction"]
    assert list(Labels(("u",)).predictions(A, probabilities=True)) == ["prediction", "p_u"]


def test_fractions_between_the_bounds_are_targets_of_their_own() -> None:
    dataset = file(y=[-1, 0.5, 1])
    learned = learn_classes([dataset], ["y"], SIGNS)

    assert learned == Labels(("y",), SIGNS, ("y",))
    assert encoded(learned, dataset).tolist() == [[-1, 0.5, 1]]


def test_label_out_of_bounds_is_refused_with_its_line_and_the_bounds() -> None:
    learned = Labels(("u", "v"), SIGNS)

    assert refusal(lambda: encoded(learned, file(u=[0, 1], v=[1, -2])), ConfigError) == (
        "error: target 'v' is -2 at t.csv:3, outside [-1, 1]\n"
        "hint: 0 and 1, or a number from -1 to 1; for named classes give one target column"
    )


def test_negative_target_of_a_loss_of_counts_is_refused_with_its_line() -> None:
    dataset = file(y=[3, 0, -2.5])
    learned = learn_reals(dataset, ["y"], np.arange(3), "none", COUNTS)

    with pytest.raises(ConfigError) as caught:
        encoded(learned, dataset)

    assert caught.value.lines() == [
        "error: target 'y' is -2.5 at t.csv:4, outside [0, inf], the targets that the loss takes",
        "hint: correct it, or choose another loss",
    ]
    assert caught.value.key == "data.target"
    assert caught.value.status is ExitStatus.USAGE
    assert encoded(learned, file(y=[3, 0, 2.5])).tolist() == [[3, 0, 2.5]]


def test_target_that_rounding_takes_out_of_bounds_is_refused_with_its_line() -> None:
    above = TargetForm("regression", low=0.0, bounds_excluded=True)
    dataset = file(y=[3, 1e-50])
    learned = learn_reals(dataset, ["y"], np.arange(2), "none", above)

    assert refusal(lambda: encoded(learned, dataset, "float32"), ConfigError) == (
        "error: target 'y' is 1e-50 at t.csv:3, rounded to float32, outside (0, inf), the targets that the loss takes\n"
        "hint: correct it, or choose another loss"
    )
    assert encoded(learned, dataset).tolist() == [[3, 1e-50]]


def test_scaled_targets_are_refused_where_the_loss_bounds_them() -> None:
    assert refusal(lambda: learn_reals(file(y=[3, 0]), ["y"], np.arange(2), "standard", COUNTS), ConfigError) == (
        "error: the loss takes targets in [0, inf], which scaled ones leave\nhint: leave it out, or choose another loss"
    )
    assert not scaled_by_default(COUNTS, open_output=True)
    assert scaled_by_default(TargetForm(), open_output=True)


def test_loss_of_numbers_refuses_a_classification() -> None:
    assert task_of(file(y=["a", "b"]), ["y"], None, COUNTS) == "regression"
    assert refusal(lambda: task_of(file(y=[1, 2]), ["y"], "classification", COUNTS), ConfigError) == (
        "error: a classification needs another loss: this one learns numbers\n"
        "hint: loss: half_squared_error, or task: regression"
    )


def test_saved_targets_take_their_codes_and_bounds_from_the_loss() -> None:
    scaling = Scaling(np.zeros(1), np.ones(1))
    for targets in (Classes("y", ("a", "b"), "binary", SIGNS), Labels(("u", "v"), SIGNS)):
        assert targets_from_json(Saved(targets.to_json()), SIGNS) == targets
    again = targets_from_json(Saved(Reals(("y",), scaling, COUNTS).to_json()), COUNTS)
    assert isinstance(again, Reals)
    assert again.form == COUNTS

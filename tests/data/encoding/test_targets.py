"""Targets: classes, labels and numbers, encoded as their loss wants them and told back in the file's terms."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.encoding.classes import Classes
from bpcli.data.encoding.labels import Labels
from bpcli.data.encoding.reals import Reals
from bpcli.data.encoding.target_cells import ANY_NUMBERS
from bpcli.data.encoding.targets import Targets, targets_from_json
from bpcli.data.encoding.tasks import Task, learn_classes, learn_reals, task_of
from bpcli.data.files.dataset import Dataset, Matrix, Table
from bpcli.errors import ConfigError, DataError, ExitStatus
from bpcli.nn import Array
from bpcli.nn.losses import LOSSES
from bpcli.storage.strict_json import Saved

from ..support import PRECISIONS, deterministic, gathered, refusal

every_precision = pytest.mark.parametrize("dtype", PRECISIONS)
every_loss = pytest.mark.parametrize("loss", LOSSES)
every_loss_of_one_column = pytest.mark.parametrize(
    "loss", [name for name, kind in LOSSES.items() if not kind().targets.shares]
)

INDICES, BOUNDED = LOSSES["cross_entropy"]().targets, LOSSES["binary_cross_entropy"]().targets

PROBABILITY_LOSSES = [name for name, kind in LOSSES.items() if kind().targets.task == "classification"]
"""Losses that always mean a classification."""


def texts(*cells: str | None) -> Array:
    return np.array(cells, object)


def file(place: str = "t.csv", **columns: Array) -> Table:
    return Table(place, columns, place=lambda row: f"{place}:{row + 2}")


def classes_of(*columns: Array, loss: str = "cross_entropy") -> Targets:
    """What is learned of target y in one file per column."""
    kind = LOSSES[loss]()
    datasets: list[Dataset] = [file(f"t{i}.csv", y=column) for i, column in enumerate(columns)]
    return learn_classes(datasets, ["y"], kind.targets)


def labels_of(*columns: Array, loss: str = "cross_entropy") -> tuple[str | int, ...]:
    learned = classes_of(*columns, loss=loss)
    assert isinstance(learned, Classes)
    return learned.labels


def encoded(targets: Targets, dataset: Dataset, dtype: str = "float64", rows: Sequence[int] | None = None) -> Array:
    """The targets as a batch: (m,) class indices, else (n, m)."""
    chosen = np.arange(dataset.size) if rows is None else np.array(rows)
    source = targets.source(dataset, chosen, np.dtype(dtype))
    indexed = isinstance(targets, Classes) and targets.encoding == "index"
    return gathered(source, None if indexed else targets.outputs, np.arange(source.size), dtype)


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (texts("10", "9", "-1"), (-1, 9, 10)),
        (texts("1.0", "2", "+3", "1e1"), ("1.0", "2", "+3", "1e1")),
        (np.array([10.0, 9, 9]), (9, 10)),
        (texts("10", "9", "b"), ("10", "9", "b")),
        (texts("b", "B", "a", "é", "Z"), ("B", "Z", "a", "b", "é")),
        (texts("true", "False", "true"), ("False", "true")),
        (texts("01", "1", "x"), ("01", "1", "x")),
        (texts("1", "nan"), ("1", "nan")),
    ],
)
def test_classes_sort_as_numbers_where_all_are_numbers_else_by_code_point(
    cells: Array, labels: tuple[str | int, ...]
) -> None:
    assert labels_of(cells) == labels


def test_classes_of_every_file_are_known() -> None:
    assert labels_of(texts("2", "10"), texts("7")) == (2, 7, 10)
    assert labels_of(texts("2", "10"), texts("x", "2")) == ("10", "2", "x")
    assert labels_of(np.array([2.0, 10]), texts("x", "2")) == ("10", "2", "x")


@pytest.mark.parametrize(("loss", "encoding"), [("cross_entropy", "index"), ("binary_cross_entropy", "binary")])
def test_two_classes_suit_their_loss(loss: str, encoding: str) -> None:
    learned = classes_of(texts("yes", "no"), loss=loss)

    assert learned == Classes("y", ("no", "yes"), "binary" if encoding == "binary" else "index", LOSSES[loss]().targets)
    assert learned.outputs == (1 if encoding == "binary" else 2)


@pytest.mark.parametrize("cells", [texts("b", "a", "b"), texts("2", "1", "2"), np.array([1.0, 0, 1])])
@every_precision
def test_second_class_is_the_positive_one(cells: Array, dtype: str) -> None:
    learned = classes_of(cells, loss="binary_cross_entropy")

    np.testing.assert_array_equal(encoded(learned, file(y=cells), dtype), [[1, 0, 1]])
    assert learned.counted_by == "threshold"


@pytest.mark.parametrize(
    ("loss", "labels"), [("binary_cross_entropy", "cab"), ("half_squared_error", "cab"), ("half_squared_error", "ba")]
)
@every_precision
def test_losses_of_numbers_see_one_output_per_class(loss: str, labels: str, dtype: str) -> None:
    cells = texts(*labels)
    learned = classes_of(cells, loss=loss)

    hot = [[float(cell == label) for cell in labels] for label in sorted(labels)]
    np.testing.assert_array_equal(encoded(learned, file(y=cells), dtype), hot)
    assert learned.counted_by == "largest"


def test_cross_entropy_sees_the_index_of_each_class() -> None:
    cells = texts("c", "a", "b", "c")

    assert encoded(classes_of(cells), file(y=cells)).tolist() == [2, 0, 1, 2]


def test_numbers_and_their_text_are_the_same_class() -> None:
    for learned in (classes_of(texts("1", "2", "3")), classes_of(texts("01", "2.0", "3"))):
        assert encoded(learned, file(y=np.array([3.0, 2, 1]))).tolist() == [2, 1, 0]
    assert encoded(classes_of(texts("1", "2", "3")), file(y=texts("3", "2.0", "1.00"))).tolist() == [2, 1, 0]


def test_a_class_that_is_text_is_another_than_its_number() -> None:
    learned = classes_of(texts("007", "8"))

    assert encoded(learned, file(y=texts("8", "007"))).tolist() == [1, 0]
    assert "target 'y' is '7', a class the model does not have" in refusal(
        lambda: encoded(learned, file(y=texts("8", "7"))), DataError
    )


def test_text_classes_that_look_like_numbers_are_found_among_numbers() -> None:
    learned = classes_of(texts("1", "x"))

    assert encoded(learned, file(y=np.array([1.0, 1]))).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("cells", "unknown"), [(texts("1", "3"), "'3'"), (np.array([1.0, 2.5]), "2.5"), (texts("1", "x"), "'x'")]
)
def test_class_that_the_model_does_not_have_is_refused_with_its_line(cells: Array, unknown: str) -> None:
    learned = classes_of(texts("1", "2"))

    assert refusal(lambda: encoded(learned, file(y=cells)), DataError) == (
        f"error: t.csv:3: target 'y' is {unknown}, a class the model does not have\nhint: its classes are 1, 2"
    )


@every_loss_of_one_column
def test_missing_class_is_refused_with_its_line_and_the_count(loss: str) -> None:
    for cells in (texts("a", None, "b", None), np.array([1, np.nan, 0, np.nan])):
        assert refusal(partial(classes_of, texts("0", "1"), cells, loss=loss), DataError) == (
            "error: t1.csv:3: the target 'y' is missing (2 in all)\n"
            "hint: leave examples without a target out of the file"
        )


@every_loss_of_one_column
def test_single_class_is_refused(loss: str) -> None:
    with pytest.raises(ConfigError) as caught:
        classes_of(texts("a", "a"), loss=loss)

    assert caught.value.lines() == [
        "error: every target 'y' is 'a': there is nothing to tell apart",
        "hint: a classification needs two classes or more",
    ]
    assert caught.value.key == "data.target"
    assert caught.value.status is ExitStatus.USAGE


@pytest.mark.parametrize("loss", ["cross_entropy", "half_squared_error"])
def test_fractions_are_no_classes(loss: str) -> None:
    assert refusal(lambda: classes_of(texts("0", "0.5", "1"), loss=loss), ConfigError) == (
        "error: target 'y' holds 0.5, which is no class\nhint: for a regression: loss: half_squared_error"
    )


@every_precision
def test_fractions_are_soft_targets_of_binary_cross_entropy(dtype: str) -> None:
    cells = texts("0", "0.25", "1")
    learned = classes_of(cells, loss="binary_cross_entropy")

    assert learned == Labels(("y",), BOUNDED)
    np.testing.assert_array_equal(encoded(learned, file(y=cells), dtype), [[0, 0.25, 1]])
    assert learned.counted_by == "threshold"


OUTSIDE = "hint: 0 and 1, or a probability between them; for named classes give one target column"


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (texts("0.5", "1.5"), "'1.5'"),
        (texts("0.5", "-0.1"), "'-0.1'"),
        (np.array([0.5, 2]), "2"),
        (np.array([0.5, 1.0000001]), "1.0000001"),
    ],
)
def test_soft_target_outside_0_to_1_is_refused_with_its_line(cells: Array, value: str) -> None:
    learned = classes_of(cells, loss="binary_cross_entropy")

    assert refusal(lambda: encoded(learned, file(y=cells)), ConfigError) == (
        f"error: target 'y' is {value} at t.csv:3, outside [0, 1]\n{OUTSIDE}"
    )


@every_precision
def test_several_columns_of_zeros_and_ones_are_labels(dtype: str) -> None:
    dataset = file(u=texts("0", "1", "0.5"), v=np.array([1.0, 1, 0]), w=texts("True", "false", "TRUE"))
    learned = learn_classes([dataset], ["w", "u", "v"], BOUNDED)

    assert learned == Labels(("w", "u", "v"), BOUNDED)
    assert learned.outputs == 3
    np.testing.assert_array_equal(encoded(learned, dataset, dtype), [[1, 0, 1], [0, 1, 0.5], [1, 1, 0]])
    np.testing.assert_array_equal(encoded(learned, dataset, dtype, rows=[2]), [[1], [0.5], [0]])


@pytest.mark.parametrize(
    ("cells", "value"), [(texts("1", "x"), "'x'"), (texts("1", "2"), "'2'"), (np.array([0.0, -1]), "-1")]
)
@pytest.mark.parametrize("rows", [[0, 1], [1]])
def test_label_outside_0_to_1_is_refused_with_its_line_in_whichever_part(
    cells: Array, value: str, rows: list[int]
) -> None:
    dataset = file(u=texts("0", "1"), v=cells)

    assert refusal(lambda: encoded(Labels(("u", "v")), dataset, rows=rows), ConfigError) == (
        f"error: target 'v' is {value} at t.csv:3, outside [0, 1]\n{OUTSIDE}"
    )
    np.testing.assert_array_equal(encoded(Labels(("u",)), dataset, rows=[0]), [[0]])


def test_fault_in_another_part_does_not_touch_this_one() -> None:
    dataset = file(u=texts("0", "1", "x"), v=texts("0.5", "2", "oops"))

    np.testing.assert_array_equal(encoded(Labels(("u",)), dataset, rows=[1, 0]), [[1, 0]])
    np.testing.assert_array_equal(
        encoded(learn_reals(dataset, ["v"], np.array([0, 1]), "none"), dataset, rows=[1]), [[2]]
    )


def test_missing_label_is_refused_with_its_line() -> None:
    dataset = file(u=texts("0", None), v=texts("0", "1"))

    assert refusal(lambda: encoded(Labels(("v", "u")), dataset), DataError) == (
        "error: t.csv:3: the target 'u' is missing (1 in all)\nhint: leave examples without a target out of the file"
    )


def test_cross_entropy_takes_one_target_column() -> None:
    dataset = file(u=texts("0", "1"), v=texts("0", "1"))

    assert refusal(lambda: learn_classes([dataset], ["u", "v"], INDICES), ConfigError) == (
        "error: the loss takes one target column of classes, not 2\n"
        "hint: several 0/1 columns are for binary_cross_entropy, their probabilities for kullback_leibler"
    )


@pytest.mark.parametrize("scale", ["standard", "none"])
@every_precision
def test_numbers_are_scaled_by_what_the_training_rows_hold(scale: str, dtype: str) -> None:
    dataset = file(u=texts("1", "3", "100"), v=np.array([5.0, 5, 7]))
    learned = learn_reals(dataset, ["u", "v"], np.array([0, 1]), scale)

    wanted = [[-1, 1, 98], [0, 0, 2]] if scale == "standard" else [[1, 3, 100], [5, 5, 7]]
    np.testing.assert_array_equal(encoded(learned, dataset, dtype), wanted)
    assert learned.counted_by == "residuals"
    assert learned.units.tolist() == [1, 1]


@deterministic
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.sampled_from(["standard", "none"]))
def test_predicted_numbers_come_back_in_the_targets_own_units(numbers: list[float], scale: str) -> None:
    dataset = file(y=np.array(numbers))
    learned = learn_reals(dataset, ["y"], np.arange(len(numbers)), scale)

    predicted = learned.predictions(encoded(learned, dataset), probabilities=False)

    assert list(predicted) == ["prediction"]
    np.testing.assert_allclose(predicted["prediction"], numbers, atol=1e-6)


@pytest.mark.parametrize("rows", [[0, 1, 2], [2]])
def test_target_that_is_no_number_is_refused_with_its_line(rows: list[int]) -> None:
    dataset = file(y=texts("1", "2", "inf"))

    assert refusal(lambda: learn_reals(dataset, ["y"], np.array(rows), "standard"), ConfigError) == (
        "error: target 'y' is 'inf' at t.csv:4, not a number\nhint: for classes: task: classification"
    )


def test_missing_number_is_refused_with_its_line() -> None:
    for cells in (texts("1", "2", None), np.array([1, 2, np.nan])):
        assert refusal(partial(learn_reals, file(y=cells), ["y"], np.arange(3), "none"), DataError) == (
            "error: t.csv:4: the target 'y' is missing (1 in all)\n"
            "hint: leave examples without a target out of the file"
        )


def test_target_out_of_the_range_of_float32_is_refused_with_its_line() -> None:
    dataset = file(y=np.array([1.0, 1e39]))
    learned = learn_reals(dataset, ["y"], np.array([0]), "none")

    assert refusal(lambda: encoded(learned, dataset, "float32"), DataError) == (
        "error: t.csv:3: column 'y', scaled, is 1e+39, out of the range of float32\n"
        "hint: correct the number, or choose another scale or dtype: float64"
    )


KINDS: dict[str, Callable[[], tuple[Targets, Dataset]]] = {
    "text classes": lambda: (classes_of(texts("b", "a")), file(y=texts("b", "a", "b"))),
    "number classes": lambda: (classes_of(texts("10", "9")), file(y=texts("10", "9", "9"))),
    "binary": lambda: (classes_of(texts("b", "a"), loss="binary_cross_entropy"), file(y=texts("b", "a", "b"))),
    "one-hot": lambda: (classes_of(texts("b", "a"), loss="half_squared_error"), file(y=texts("b", "a", "b"))),
    "labels": lambda: (Labels(("u", "v")), file(u=texts("0", "1"), v=texts("1", "0.1"))),
    "reals": lambda: (
        learn_reals(file(u=np.array([0.1, 0.7, 1 / 3])), ["u"], np.arange(3), "standard"),
        file(u=np.array([0.1, 7])),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@every_precision
def test_targets_read_back_from_json_encode_alike(kind: str, dtype: str) -> None:
    targets, dataset = KINDS[kind]()

    form = targets.form if isinstance(targets, Classes | Labels | Reals) else ANY_NUMBERS
    again = targets_from_json(Saved(json.loads(json.dumps(targets.to_json()))), form)

    assert again.to_json() == targets.to_json()
    assert (again.names, again.outputs, again.counted_by) == (targets.names, targets.outputs, targets.counted_by)
    np.testing.assert_array_equal(again.units, targets.units)
    np.testing.assert_array_equal(encoded(again, dataset, dtype), encoded(targets, dataset, dtype))


def listed(columns: dict[str, Array]) -> dict[str, list[object]]:
    return {name: column.tolist() for name, column in columns.items()}


def test_predicted_class_is_the_largest_output_and_the_first_of_equals() -> None:
    A = np.array([[0.2, 0.4, 0.1], [0.3, 0.4, 0.8], [0.5, 0.2, 0.1]])

    assert listed(Classes("y", ("a", "b", "c"), "index").predictions(A, probabilities=True)) == {
        "prediction": ["c", "a", "b"],
        "p_a": [0.2, 0.4, 0.1],
        "p_b": [0.3, 0.4, 0.8],
        "p_c": [0.5, 0.2, 0.1],
    }
    assert list(Classes("y", (1, 2, 3), "one_hot").predictions(A, probabilities=False)) == ["prediction"]


def test_binary_prediction_is_positive_above_a_half_and_gives_both_probabilities() -> None:
    A = np.array([[0.25, 0.5, 0.75]])

    assert listed(Classes("y", (3, 7), "binary").predictions(A, probabilities=True)) == {
        "prediction": [3, 3, 7],
        "p_3": [0.75, 0.5, 0.25],
        "p_7": [0.25, 0.5, 0.75],
    }


def test_label_predictions_are_positive_above_a_half_and_named_where_there_are_several() -> None:
    A = np.array([[0.25, 0.75], [0.5, 1.0]])

    assert listed(Labels(("u", "v")).predictions(A, probabilities=True)) == {
        "prediction_u": [0, 1],
        "prediction_v": [0, 1],
        "p_u": [0.25, 0.75],
        "p_v": [0.5, 1],
    }
    assert listed(Labels(("u",)).predictions(A[:1], probabilities=False)) == {"prediction": [0, 1]}


def test_several_numbers_are_predicted_by_name() -> None:
    dataset = file(u=np.array([1.0, 3]), v=np.array([10.0, 30]))
    learned = learn_reals(dataset, ["u", "v"], np.arange(2), "standard")

    assert isinstance(learned, Reals)
    assert listed(learned.predictions(np.array([[0.0], [1]]), probabilities=False)) == {
        "prediction_u": [2],
        "prediction_v": [30],
    }


WORDS, TRUTHS, REALS = texts("a", "b"), texts("true", "false"), texts("1", "2")
IDX_LABELS = Matrix("i", np.zeros((2, 0)), {"y": np.array([0.0, 1])}, holds_classes=True)


@pytest.mark.parametrize(
    ("dataset", "task"),
    [
        (file(y=WORDS), "classification"),
        (file(y=TRUTHS), "classification"),
        (file(y=texts("1", "x")), "classification"),
        (IDX_LABELS, "classification"),
        (file(y=REALS), "regression"),
        (file(y=np.array([1.0, 2])), "regression"),
        (file(y=texts("1", None)), "regression"),
        (Matrix("m", np.ones((2, 1)), {"y": np.array([0.0, 1])}), "regression"),
    ],
)
def test_task_follows_from_the_targets(dataset: Dataset, task: Task) -> None:
    assert task_of(dataset, ["y"], None, ANY_NUMBERS) == task


def test_task_is_a_classification_where_any_target_is_text() -> None:
    dataset = file(u=REALS, v=WORDS)

    assert task_of(dataset, ["u", "v"], None, ANY_NUMBERS) == "classification"


@pytest.mark.parametrize("asked", ["classification", "regression"])
def test_task_asked_for_overrides_the_looks(asked: Task) -> None:
    for cells in (WORDS, REALS):
        assert task_of(file(y=cells), ["y"], asked, ANY_NUMBERS) == asked


@pytest.mark.parametrize("loss", PROBABILITY_LOSSES)
def test_losses_of_probabilities_classify(loss: str) -> None:
    asked: tuple[Task | None, ...] = (None, "classification")
    for task in asked:
        assert task_of(file(y=REALS), ["y"], task, BOUNDED) == "classification"


def test_regression_by_a_loss_of_probabilities_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        task_of(file(y=REALS), ["y"], "regression", BOUNDED)

    assert caught.value.lines() == [
        "error: a regression needs another loss: this one learns classes",
        "hint: loss: half_squared_error, or task: classification",
    ]
    assert caught.value.key == "data.task"

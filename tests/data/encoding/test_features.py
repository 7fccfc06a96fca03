"""Features: learned from the training rows alone, the same for every file after that."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bpcli.data.encoding.columns import CategoryColumn, NumberColumn
from bpcli.data.encoding.features import Features, TableFeatures, features_from_json, learn_features
from bpcli.data.encoding.lookup import require_columns
from bpcli.data.files.dataset import Dataset, Matrix, Table
from bpcli.data.files.numerals import PLAIN
from bpcli.data.warnings import DataWarnings, Strays
from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array
from bpcli.storage.strict_json import Saved

from ..support import PRECISIONS, SCALES, deterministic, gathered, refusal

every_scale = pytest.mark.parametrize("scale", SCALES)
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)

NONE = np.nan


def texts(*cells: str | None) -> Array:
    return np.array(cells, object)


MIXED = Table(
    "mixed.csv",
    {
        "age": np.array([30.0, NONE, 20, 40, NONE]),
        "city": texts("Rome", "Oslo", None, "Rome", "Bath"),
        "member": texts("true", "false", None, "true", "true"),
        "flat": np.array([7.0, 7, 7, 7, 9]),
    },
    truth_columns=frozenset({"member"}),
)
TRAINED = np.array([0, 1, 2, 3])

BYTES = np.random.default_rng(0).integers(3, 200, (6, 9), np.uint8)
IMAGES = Matrix("images", BYTES, images=True)
REALS = np.array([[1.0, 5, NONE], [2, 5, 4], [6, 5, 8], [3, 5, NONE], [100, 6, -1], [NONE, NONE, NONE]])
MATRIX = Matrix("matrix", REALS)

KINDS: dict[str, tuple[Dataset, list[str]]] = {
    "table": (MIXED, MIXED.names),
    "matrix": (MATRIX, MATRIX.names),
    "some columns": (MATRIX, ["2", "0"]),
    "images": (IMAGES, IMAGES.names),
    "some pixels": (IMAGES, ["8", "0", "3"]),
    "pixels in another order": (IMAGES, IMAGES.names[::-1]),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def encoded(features: Features, dataset: Dataset, notes: DataWarnings | None = None, dtype: str = "float64") -> Array:
    """Every row of a file, encoded, one example per row."""
    rows = np.arange(dataset.size)
    source = features.sources(dataset, {"all": rows}, np.dtype(dtype), notes or DataWarnings())["all"]
    return gathered(source, features.size, rows, dtype).T


def learned(dataset: Dataset, names: list[str], scale: str = "none", rows: Array = TRAINED) -> Features:
    return learn_features(dataset, names, rows, scale, DataWarnings())


def test_mixed_table_is_encoded_column_by_column() -> None:
    features = learned(MIXED, MIXED.names)

    #        age, Oslo, Rome, false, true, flat; Bath was not met in training
    assert encoded(features, MIXED).tolist() == [
        [30, 0, 1, 0, 1, 7],
        [30, 1, 0, 1, 0, 7],
        [20, 0, 0, 0, 0, 7],
        [40, 0, 1, 0, 1, 7],
        [30, 0, 0, 0, 1, 9],
    ]
    assert features.size == 6
    assert features.text_columns == {"city", "member"}


def test_columns_come_in_the_order_asked_for() -> None:
    assert encoded(learned(MIXED, ["member", "age"]), MIXED)[0].tolist() == [0, 1, 30]


def test_missing_numbers_become_the_median_of_the_training_rows() -> None:
    column = np.array([1.0, NONE, 10, 3, NONE, 1000])
    dataset = Table("t.csv", {"a": column})

    assert encoded(learned(dataset, ["a"]), dataset)[:, 0].tolist() == [1, 3, 10, 3, 3, 1000]
    np.testing.assert_array_equal(
        encoded(learned(Matrix("m", column[:, None]), ["0"]), Matrix("m", column[:, None]))[:, 0],
        [1, 3, 10, 3, 3, 1000],
    )


def test_column_missing_throughout_training_becomes_0() -> None:
    for dataset in (Table("t", {"0": np.array([NONE, NONE, 5])}), Matrix("m", np.array([[NONE], [NONE], [5]]))):
        features = learned(dataset, ["0"], "standard", np.array([0, 1]))
        assert encoded(features, dataset)[:, 0].tolist() == [0, 0, 0]


def test_scaling_is_learned_after_imputation() -> None:
    dataset = Table("t.csv", {"a": np.array([0.0, NONE, 4, 8])})

    assert encoded(learned(dataset, ["a"], "minmax"), dataset)[:, 0].tolist() == [0, 0.5, 0.5, 1]


@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_constant_column_becomes_0_even_where_another_file_differs(scale: str) -> None:
    assert (encoded(learned(MIXED, ["flat"], scale), MIXED) == 0).all()
    assert (encoded(learned(MATRIX, ["1"], scale), MATRIX) == 0).all()


def test_minmax_goes_beyond_0_and_1_outside_the_training_range() -> None:
    for dataset in (Table("t", {"0": np.array([2.0, 4, 1, 8])}), Matrix("m", np.array([[2.0], [4], [1], [8]]))):
        assert encoded(learned(dataset, ["0"], "minmax", np.array([0, 1])), dataset)[:, 0].tolist() == [0, 1, -0.5, 3]


@every_precision
def test_images_share_the_range_0_to_255_whatever_they_hold(dtype: str) -> None:
    features = learned(IMAGES, IMAGES.names, "minmax")

    np.testing.assert_allclose(encoded(features, IMAGES, dtype=dtype), BYTES / 255, rtol=float(2 * np.finfo(dtype).eps))


@pytest.mark.parametrize("names", [["8", "0", "3"], IMAGES.names[::-1]])
def test_chosen_pixels_come_in_the_order_asked_for(names: list[str]) -> None:
    features = learned(IMAGES, names, "minmax")

    np.testing.assert_allclose(encoded(features, IMAGES), BYTES[:, [int(name) for name in names]] / 255)


def test_images_learn_from_images_and_read_any_numbers() -> None:
    features = learned(IMAGES, IMAGES.names, "minmax")
    same = Matrix("m", BYTES.astype(float))

    np.testing.assert_allclose(encoded(features, same), BYTES / 255)


@every_scale
@every_kind
def test_encoding_is_learned_from_the_training_rows_alone(kind: str, scale: str) -> None:
    dataset, names = KINDS[kind]
    if isinstance(dataset, Matrix):
        values = dataset.values.copy()
        values[4:] = 1
        changed: Dataset = Matrix(dataset.path, values, images=dataset.images)
    else:
        columns = {name: dataset.column(name).copy() for name in dataset.names}
        for column in columns.values():
            column[4:] = "elsewhere" if column.dtype == object else 1e6
        changed = Table(dataset.path, columns, frozenset({"member"}))

    assert learned(changed, names, scale).to_json() == learned(dataset, names, scale).to_json()


@every_scale
@every_kind
@every_precision
def test_encoding_read_back_from_json_gives_the_same_features(kind: str, scale: str, dtype: str) -> None:
    dataset, names = KINDS[kind]
    features = learned(dataset, names, scale)

    again = features_from_json(Saved(json.loads(json.dumps(features.to_json()))))

    assert again.size == features.size
    assert again.text_columns == features.text_columns
    assert again.to_json() == features.to_json()
    np.testing.assert_array_equal(encoded(again, dataset, dtype=dtype), encoded(features, dataset, dtype=dtype))


@every_scale
@every_kind
def test_rows_are_encoded_alike_alone_and_together(kind: str, scale: str) -> None:
    dataset, names = KINDS[kind]
    features = learned(dataset, names, scale)
    together = encoded(features, dataset)

    for row in range(dataset.size):
        source = features.sources(dataset, {"one": np.array([row])}, np.dtype("float64"), DataWarnings())["one"]
        np.testing.assert_array_equal(gathered(source, features.size, np.array([0]))[:, 0], together[row])


words = st.sampled_from(["a", "b", "B", "é", "10", "9", None])


@deterministic
@given(st.lists(words, min_size=1, max_size=8), st.lists(words, min_size=1, max_size=8))
def test_each_word_met_in_training_has_one_indicator_in_order_of_code_points(
    trained: list[str | None], other: list[str | None]
) -> None:
    assume(not all(word is None or PLAIN.is_number(word) for word in trained))
    dataset = Table("t.csv", {"w": texts(*trained, *other)})
    notes = DataWarnings()
    features = learned(dataset, ["w"], rows=np.arange(len(trained)))
    indicators = encoded(features, dataset, notes)

    known = sorted({word for word in trained if word is not None})
    assert indicators.tolist() == [[float(word == category) for category in known] for word in trained + other]
    assert notes.unseen["w"] == sum(word is not None and word not in known for word in other)


def test_missing_cell_in_a_category_is_all_zeros_and_not_unseen() -> None:
    notes = DataWarnings()
    row = encoded(learned(MIXED, ["city"]), MIXED, notes)[2]

    assert row.tolist() == [0, 0]
    assert notes.unseen == {"city": 1}


def test_booleans_are_known_in_any_case() -> None:
    later = Table("later.csv", {"member": texts("True", "FALSE", "yes", None)})
    notes = DataWarnings()

    assert encoded(learned(MIXED, ["member"]), later, notes).tolist() == [[0, 1], [1, 0], [0, 0], [0, 0]]
    assert notes.unseen == {"member": 1}


def test_words_are_told_apart_by_case() -> None:
    dataset = Table("t.csv", {"w": texts("a", "b")})
    later = Table("later.csv", {"w": texts("A", "b")})

    assert encoded(learned(dataset, ["w"], rows=np.arange(2)), later).tolist() == [[0, 0], [0, 1]]


def test_category_that_looks_like_a_number_is_known_where_a_file_holds_numbers() -> None:
    dataset = Table("t.csv", {"0": texts("1", "2.5", "XL")})
    notes = DataWarnings()

    numbers = encoded(
        learned(dataset, ["0"], rows=np.arange(3)), Matrix("m", np.array([[2.5], [1], [NONE], [3]])), notes
    )

    assert numbers.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert notes.unseen == {"0": 1}


@every_scale
@every_precision
def test_numbers_written_as_text_are_read(scale: str, dtype: str) -> None:
    numbers = Table("t.csv", {"0": np.array([0.1, 7, NONE])})
    written = Table("t.csv", {"0": texts("0.1", " 7.0 ", None)})

    for dataset in (numbers, Matrix("m", np.array([[0.1], [7], [NONE]]))):
        features = learned(dataset, ["0"], scale, np.arange(3))
        np.testing.assert_array_equal(encoded(features, written, dtype=dtype), encoded(features, numbers, dtype=dtype))


@pytest.mark.parametrize("slip", ["seven", "1,5", "true", "nan"])
def test_text_where_training_had_numbers_is_missing_and_noted_with_its_line(slip: str) -> None:
    later = Table("later.csv", {"0": texts("1", slip)}, place=lambda row: f"later.csv:{row + 2}")

    for dataset in (Table("t.csv", {"0": np.array([1.0, 2])}), Matrix("m", np.array([[1.0], [2]]))):
        notes = DataWarnings()
        features = learned(dataset, ["0"], rows=np.arange(2))
        assert (
            encoded(features, later, notes).tolist() == encoded(features, Table("e", {"0": texts("1", None)})).tolist()
        )
        assert notes.strays == [Strays("0", slip, "later.csv:3", 1, 2)]


def test_infinite_number_beside_text_is_refused_with_its_line() -> None:
    later = Table("later.csv", {"0": texts("x", " inf")}, place=lambda row: f"later.csv:{row + 2}")

    for dataset in (Table("t.csv", {"0": np.array([1.0, 2])}), Matrix("m", np.array([[1.0], [2]]))):
        features = learned(dataset, ["0"], rows=np.arange(2))
        assert refusal(partial(encoded, features, later), DataError) == (
            "error: later.csv:3: column '0' holds inf, not a finite number\n"
            "hint: leave the cell empty where the number is unknown"
        )


def test_number_out_of_the_range_of_float32_is_refused_with_its_place() -> None:
    table = Table("t.csv", {"0": np.array([1.0, 1e39])}, place=lambda row: f"t.csv:{row + 2}")
    report = (
        "column '0', scaled, is 1e+39, out of the range of float32\n"
        "hint: correct the number, or choose another scale or dtype: float64"
    )

    for dataset, place in ((table, "t.csv:3"), (Matrix("m", np.array([[1.0], [1e39]])), "m: row 1")):
        features = learned(dataset, ["0"], rows=np.array([0]))
        assert encoded(features, dataset)[1] == [1e39]
        assert refusal(partial(encoded, features, dataset, dtype="float32"), DataError) == (f"error: {place}: {report}")


def test_missing_column_is_refused_with_the_nearest_name() -> None:
    for kind in ("table", "matrix"):
        dataset, names = KINDS[kind]
        features = learned(dataset, names)
        later = Table("later.csv", {"agee": np.zeros(1), "city": texts("Rome")})
        wanted = names[0]
        hint = "did you mean 'agee'? (its columns are agee, city)" if kind == "table" else "its columns are agee, city"
        assert refusal(partial(encoded, features, later), ConfigError) == (
            f"error: later.csv has no column '{wanted}'\nhint: {hint}"
        )


def test_required_column_names_the_key_that_asked_for_it() -> None:
    with pytest.raises(ConfigError) as caught:
        require_columns(["age", "colour"], MIXED, "data.features")

    assert caught.value.key == "data.features"
    assert caught.value.message == "mixed.csv has no column 'colour'"


def test_many_columns_are_listed_up_to_twenty() -> None:
    dataset = Matrix("m", np.zeros((1, 30)))

    assert refusal(lambda: require_columns(["x"], dataset)) == (
        f"error: m has no column 'x'\nhint: its columns are {', '.join(map(str, range(20)))}, …"
    )


def test_long_matrix_is_encoded_block_by_block_to_the_last_row() -> None:
    values = np.random.default_rng(1).normal(size=(9001, 2))
    values[[5, 8000], 0] = NONE
    dataset, notes = Matrix("m", values), DataWarnings()
    features = learned(dataset, ["0", "1"], "standard", np.arange(9001))

    assert np.isfinite(encoded(features, dataset, notes)).all()
    assert notes.imputed == {"0": 2}
    np.testing.assert_allclose(encoded(features, dataset).std(axis=0), 1, rtol=1e-3)


def test_encoders_are_listed_as_plain_data() -> None:
    features = learned(MIXED, ["age", "member"], "standard")

    assert features == TableFeatures(
        (NumberColumn("age", 30.0, 30.0, np.sqrt(50)), CategoryColumn("member", ("false", "true"), boolean=True))
    )
    assert features.to_json() == {
        "kind": "table",
        "columns": [
            {"kind": "number", "name": "age", "median": 30.0, "shift": 30.0, "width": np.sqrt(50)},
            {"kind": "category", "name": "member", "categories": ("false", "true"), "boolean": True},
        ],
    }


def noted(dataset: Dataset, names: list[str], rows: Array) -> list[str]:
    notes = DataWarnings()
    learn_features(dataset, names, rows, "standard", notes)
    return notes.lines()


def test_constant_columns_are_noted() -> None:
    dataset = Table("t", {"n": np.ones(3), "s": texts("x", None, "x"), "b": np.arange(3.0), "m": np.full(3, NONE)})

    assert noted(dataset, dataset.names, np.arange(3)) == ["3 columns constant in training: n, s, m"]
    assert noted(MATRIX, MATRIX.names, TRAINED) == ["1 column constant in training: 1"]


def test_text_column_with_few_slips_among_numbers_in_training_is_noted() -> None:
    dataset = Table("t", {"n": texts(*map(str, range(19)), "o9")})

    assert noted(dataset, ["n"], np.arange(20)) == [
        "column 'n' is text because of 'o9' at t: row 19 (1 of 20 cells); if it means missing: data.missing: ['o9']"
    ]
    assert noted(dataset, ["n"], np.arange(10)) == []


def test_text_column_of_numbers_and_many_words_is_no_slip() -> None:
    dataset = Table("t", {"n": texts(*"12345678", "a", "b")})

    assert noted(dataset, ["n"], np.arange(10)) == []


@pytest.mark.parametrize(("count", "told"), [(20, False), (21, True)])
def test_text_column_in_which_most_values_differ_is_noted_from_21_on(count: int, *, told: bool) -> None:
    dataset = Table("t", {"id": texts(*[f"person {i}" for i in range(count)])})

    line = "text columns in which most values differ (leave them out with drop?): id"
    assert noted(dataset, ["id"], np.arange(count)) == ([line] if told else [])


def test_text_column_with_many_values_that_recur_is_not_noted() -> None:
    dataset = Table("t", {"id": texts(*[f"town {i % 25}" for i in range(100)])})

    assert noted(dataset, ["id"], np.arange(100)) == []

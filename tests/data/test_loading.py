"""Loading: from files to encoded parts, learned from the training rows and checked on the way."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.encoding.scaling import SCALINGS, Scaling
from bpcli.data.encoding.summaries import Summary
from bpcli.data.files.dataset import Format
from bpcli.data.files.reading import FilePair
from bpcli.data.loading import Loaded, load_parts, load_with_encoding
from bpcli.data.reading_parts import Files
from bpcli.data.request import DataRequest
from bpcli.errors import BpError, ConfigError, DataError, ExitStatus
from bpcli.nn.losses import TargetForm

from .support import KINDS, PRECISIONS, SCALES, csv, features, idx, loaded, npy, npz, parquet, refusal, targets, write

SIZE = 20
FRACTIONS = {"validation": 0.2, "test": 0.2}

COLUMNS: dict[str, list[Any]] = {
    "n": [round(0.37 * i * i - 3 * i, 2) for i in range(SIZE)],
    "s": ["red", "green", "blue", "green"] * 5,
    "t": [i % 3 == 0 for i in range(SIZE)],
    "y": [7 * i % 11 for i in range(SIZE)],
}
"""A mixed table whose target is a number."""


def changed(name: str, row: int, cell: Any) -> dict[str, list[Any]]:
    columns = {key: list(cells) for key, cells in COLUMNS.items()}
    columns[name][row] = cell
    return columns


def regression(folder: Path, columns: dict[str, list[Any]], **how: Any) -> Loaded:
    return loaded(write(folder, "t.csv", csv(columns)), "half_squared_error", fractions=FRACTIONS, **how)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize(("name", "cell"), [("n", 1e6), ("n", ""), ("n", "?"), ("s", "mauve"), ("s", ""), ("y", -1e6)])
def test_rows_held_out_change_nothing_of_the_encoding(
    name: str, cell: Any, part: str, scale: str, tmp_path: Path
) -> None:
    before = regression(tmp_path, COLUMNS, scale=scale)
    row = int(before.parts[part].rows[1])
    after = regression(tmp_path, changed(name, row, cell), scale=scale)

    assert after.features.to_json() == before.features.to_json()
    assert after.targets.to_json() == before.targets.to_json()
    for other in before.parts:
        same = np.ones(before.parts[other].size, bool)
        same[1] = other != part
        np.testing.assert_array_equal(features(after, other)[same], features(before, other)[same])
        np.testing.assert_array_equal(targets(after, other)[same], targets(before, other)[same])


def test_row_of_training_does_change_the_encoding(tmp_path: Path) -> None:
    before = regression(tmp_path, COLUMNS)
    row = int(before.parts["train"].rows[1])

    for name, cell in (("n", 1e6), ("s", "mauve"), ("y", -1e6)):
        after = regression(tmp_path, changed(name, row, cell))
        kept = "targets" if name == "y" else "features"
        assert getattr(after, kept).to_json() != getattr(before, kept).to_json()


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_parts_hold_the_rows_of_the_file_in_its_order(dtype: str, tmp_path: Path) -> None:
    of = regression(tmp_path, COLUMNS, scale="none", scale_targets="none", dtype=dtype)

    assert {part: examples.size for part, examples in of.parts.items()} == {"train": 12, "validation": 4, "test": 4}
    assert sorted(np.concatenate([part.rows for part in of.parts.values()])) == list(range(SIZE))
    for name, part in of.parts.items():
        wanted = np.array([COLUMNS["n"][row] for row in part.rows], dtype)
        np.testing.assert_array_equal(features(of, name, dtype)[:, 0], wanted)
        np.testing.assert_array_equal(targets(of, name, dtype)[:, 0], [COLUMNS["y"][row] for row in part.rows])
        assert part.path == str(tmp_path / "t.csv")


def test_parts_without_examples_are_left_out(tmp_path: Path) -> None:
    assert list(loaded(write(tmp_path, "t.csv", csv(COLUMNS)), "half_squared_error").parts) == ["train"]


def test_split_follows_the_seed(tmp_path: Path) -> None:
    first, again, other = (regression(tmp_path, COLUMNS, seed=seed).parts["test"].rows.tolist() for seed in (1, 1, 2))

    assert first == again != other


def test_classes_are_dealt_in_proportion(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"a": range(60), "y": ["p"] * 30 + ["q"] * 20 + ["r"] * 10}))
    of = loaded(path, fractions={"test": 0.2, "validation": 0.1})

    assert np.bincount(targets(of, "train")).tolist() == [21, 14, 7]
    assert np.bincount(targets(of, "validation")).tolist() == [3, 2, 1]
    assert np.bincount(targets(of, "test")).tolist() == [6, 4, 2]


def test_every_kind_of_file_gives_the_same_examples(tmp_path: Path) -> None:
    for i, content in enumerate(KINDS.values()):
        of = loaded(write(tmp_path, str(i), content), "half_squared_error", scale="minmax", scale_targets="none")
        np.testing.assert_allclose(features(of), [[0, 15 / 83], [1 / 3, 0], [2 / 3, 1], [1, 6 / 83]])
        np.testing.assert_array_equal(targets(of)[:, 0], [3, 66, 9, 12])


def test_files_of_their_own_make_the_parts(tmp_path: Path) -> None:
    files = {
        part: write(tmp_path, f"{part}.csv", csv({"a": [shift, shift + 2], "y": ["u", "v"]}))
        for shift, part in enumerate(("train", "validation", "test"))
    }

    of = loaded(files["train"], validation=files["validation"], test=files["test"])

    assert {part: features(of, part)[:, 0].tolist() for part in of.parts} == {
        "train": [-1, 1],
        "validation": [0, 2],
        "test": [1, 3],
    }
    assert of.parts["test"].path == files["test"]


@pytest.mark.parametrize("order", [["s", "y"], ["y", "s"]])
@pytest.mark.parametrize(
    ("trained", "other", "encoded"),
    [
        (["1", "2", "XL"], ["2", "1"], [[0, 1, 0], [1, 0, 0]]),
        (["01", "1", "x"], ["01", "1"], [[1, 0, 0], [0, 1, 0]]),
        (["True", "maybe", "no"], ["True", "True"], [[1, 0, 0], [1, 0, 0]]),
        (["u", "v", "w"], ["", ""], [[0, 0, 0], [0, 0, 0]]),
        (["true", "false", ""], ["0", "FALSE"], [[0, 0], [1, 0]]),
    ],
)
def test_column_of_text_is_text_in_every_other_file(
    trained: list[str], other: list[str], encoded: list[list[int]], order: list[str], tmp_path: Path
) -> None:
    train = write(tmp_path, "train.csv", csv({"s": trained, "y": ["p", "q", "p"]}))
    columns = {"s": other, "y": ["q", "p"]}
    validation = write(tmp_path, "validation.csv", csv({name: columns[name] for name in order}))

    of = loaded(train, validation=validation)

    assert features(of, "validation").tolist() == encoded
    assert targets(of, "validation").tolist() == [1, 0]


def test_target_class_is_the_same_in_whichever_column_of_another_file(tmp_path: Path) -> None:
    train = write(tmp_path, "train.csv", "a,y\n1,01\n2,x\n")
    validation = write(tmp_path, "validation.csv", "y,a\n01,5\n")

    assert targets(loaded(train, validation=validation), "validation").tolist() == [0]


def test_text_where_the_training_file_has_numbers_is_missing_and_told_with_line_and_value(tmp_path: Path) -> None:
    train = write(tmp_path, "train.csv", "a,y\n1,p\n2,q\n4,q\n")
    validation = write(tmp_path, "validation.csv", 'a,y\n3,"p\n"\n\nfour,q\n')

    of = loaded(train, validation=validation, scale="none")
    assert features(of, "validation").tolist() == [[3], [2]]
    assert of.warnings.lines()[-1] == (
        f"column 'a', of numbers in training, holds 'four' at {validation}:5 (1 of 2 cells), which counts as missing; "
        "if it means missing: data.missing: ['four']"
    )


@pytest.fixture(params=["small", "large", "parquet"])
def kind_of_table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A text table by Python's csv, by pandas a row at a time, and Parquet."""
    if request.param == "large":
        monkeypatch.setattr("bpcli.data.files.tables.SMALL", 0)
        monkeypatch.setattr("bpcli.data.files.pandas_reader.CHUNK", 1)
        monkeypatch.setattr("bpcli.data.files.pandas_reader.LEAST", 1)
    return str(request.param)


def test_text_in_a_row_held_out_is_missing_there_and_told(kind_of_table: str, tmp_path: Path) -> None:
    held_out = regression(tmp_path, COLUMNS).parts["test"].rows

    def with_cell(cell: str | None, place: int) -> Loaded:
        columns = changed("n", int(held_out[place]), cell)
        if kind_of_table == "parquet":
            columns["n"] = [number if number is None else str(number) for number in columns["n"]]
            content: str | bytes = parquet(columns)
        else:
            content = csv({name: ["" if cell is None else cell for cell in cells] for name, cells in columns.items()})
        path = write(tmp_path, f"{kind_of_table}.csv", content)
        return loaded(path, "half_squared_error", fractions=FRACTIONS)

    without, with_text = with_cell("", 1) if kind_of_table != "parquet" else with_cell(None, 1), with_cell("?", 1)
    assert with_text.features.to_json() == without.features.to_json()
    for part in without.parts:
        np.testing.assert_array_equal(features(with_text, part), features(without, part))
    row = int(held_out[1])
    place = f"{tmp_path}/{kind_of_table}.csv" + (f": row {row}" if kind_of_table == "parquet" else f":{row + 2}")
    assert with_text.warnings.lines() == [
        "1 missing number imputed by the training median: n (1)",
        (
            f"column 'n', of numbers in training, holds '?' at {place} (1 of 20 cells), which counts as missing; "
            "if it means missing: data.missing: ['?']"
        ),
    ]


def test_text_in_a_training_row_makes_a_column_of_text_and_is_told(tmp_path: Path) -> None:
    row = int(regression(tmp_path, COLUMNS).parts["train"].rows[1])
    of = regression(tmp_path, changed("n", row, "?"))

    assert "n" in of.features.text_columns
    assert of.warnings.lines()[-1] == (
        f"column 'n' is text because of '?' at {tmp_path}/t.csv:{row + 2} (1 of 12 cells); "
        "if it means missing: data.missing: ['?']"
    )


def test_a_number_that_means_missing_does_so_beside_text_too(tmp_path: Path) -> None:
    row = int(regression(tmp_path, COLUMNS).parts["test"].rows[1])
    columns = changed("n", row, "?")
    columns["n"][int(regression(tmp_path, COLUMNS).parts["train"].rows[0])] = "-999.0"
    form = Format(missing=("-999",))

    of = regression(tmp_path, columns, form=form)
    assert of.warnings.imputed == {"n": 2}


def test_an_infinite_number_in_a_row_held_out_is_refused(tmp_path: Path) -> None:
    row = int(regression(tmp_path, COLUMNS).parts["test"].rows[1])
    columns = changed("n", row, "inf")
    columns["n"][int(regression(tmp_path, COLUMNS).parts["test"].rows[0])] = "?"

    assert refusal(lambda: regression(tmp_path, columns), DataError) == (
        f"error: t.csv:{row + 2}: column 'n' holds inf, not a finite number\n"
        "hint: leave the cell empty where the number is unknown"
    )


def test_text_in_a_numeric_target_of_another_part_is_refused_with_its_place(tmp_path: Path) -> None:
    row = int(regression(tmp_path, COLUMNS).parts["test"].rows[1])
    train = write(tmp_path, "train.csv", csv(COLUMNS))
    test = write(tmp_path, "test.csv", csv(changed("y", 3, "?")))

    def report(place: str) -> str:
        return f"error: target 'y' is '?' at {place}, not a number\nhint: for classes: task: classification"

    in_a_file = partial(loaded, train, "half_squared_error", test=test)
    assert refusal(in_a_file, ConfigError).endswith(report("test.csv:5"))
    in_a_row = partial(regression, tmp_path, changed("y", row, "?"), task="regression")
    assert refusal(in_a_row, ConfigError).endswith(report(f"t.csv:{row + 2}"))


def test_last_column_or_the_files_own_target_is_the_target(tmp_path: Path) -> None:
    image, label = idx(np.arange(12).reshape(3, 2, 2)), idx([5, 6, 5])
    apart = FilePair(write(tmp_path, "x", image), write(tmp_path, "y.gz", gzip.compress(label)))
    beside = write(tmp_path, "both.npz", npz(features=np.arange(6).reshape(3, 2), targets=["u", "v", "u"]))
    last = write(tmp_path, "t.csv", "a,b,c\n1,2,u\n3,4,v\n5,6,u\n")

    for of, target, n in ((loaded(apart), "label", 4), (loaded(beside), "target", 2), (loaded(last), "c", 2)):
        assert of.request.targets == [target]
        assert of.features.size == n == len(of.feature_names)
        assert targets(of).tolist() == [0, 1, 0]


def test_features_and_drop_choose_the_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", "a,b,c,y\n1,2,3,u\n4,5,6,v\n")

    assert loaded(path).feature_names == ["a", "b", "c"]
    assert loaded(path, drop=["b"]).feature_names == ["a", "c"]
    assert loaded(path, features=["c", "a"]).feature_names == ["c", "a"]
    assert loaded(path, features=["c", "a"], drop=["a"]).feature_names == ["c"]
    assert loaded(path, targets=["b"]).feature_names == ["a", "c", "y"]
    assert loaded(path, targets=["y"], drop=["y"]).feature_names == ["a", "b", "c"]


def test_targets_in_a_file_of_their_own_are_never_features(tmp_path: Path) -> None:
    files = FilePair(write(tmp_path, "x.csv", "a,b\n1,2\n3,4\n"), write(tmp_path, "y.csv", "u,v\n0,1\n1,0\n"))

    assert loaded(files, "binary_cross_entropy").request.targets == ["u", "v"]
    of = loaded(files, targets=["v"])
    assert (of.feature_names, of.request.targets) == (["a", "b"], ["v"])


def test_numbers_beside_a_file_of_targets_stay_numbers(tmp_path: Path) -> None:
    files = FilePair(write(tmp_path, "x.csv", "a,b\n1,2\n3,4\n"), write(tmp_path, "y.csv", "u\n0\n1\n"))

    assert features(loaded(files, scale="none")).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_tables_are_scaled_to_deviations_and_images_to_bytes_by_default(dtype: str, tmp_path: Path) -> None:
    pixels = np.array([[[0, 255]], [[51, 102]]])
    images = FilePair(write(tmp_path, "x", idx(pixels)), write(tmp_path, "y", idx([0, 1])))

    of = loaded(images, dtype=dtype)
    assert of.request.scale == "minmax"
    np.testing.assert_allclose(features(of, dtype=dtype), [[0.0, 1.0], [0.2, 0.4]], rtol=1e-6)
    for content in (b"0,0,u\n2,2,v\n", npz(features=[[0, 0], [2, 2]], targets=["u", "v"])):
        of = loaded(write(tmp_path, "t", content), form=Format(header=False), dtype=dtype)
        assert of.request.scale == "standard"
        assert features(of, dtype=dtype).tolist() == [[-1, -1], [1, 1]]


@dataclass(frozen=True)
class Halved:
    """(x − low)/2: a scaling of no use."""

    def learn(self, summary: Summary) -> Scaling:
        return Scaling(summary.low, np.full(len(summary.low), 2.0))

    def of_bytes(self) -> Scaling | None:
        return None


def test_scaling_that_is_listed_serves_tables_arrays_and_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCALINGS, "halved", Halved)
    numbers = np.array([[1.0, 10], [4, 30], [3, 20]])

    for content in (b"a,y\n1,10\n4,30\n3,20\n", npy(numbers)):
        path = write(tmp_path, "t", content)
        of = loaded(path, "half_squared_error", scale="halved", scale_targets="halved")
        assert features(of)[:, 0].tolist() == [0, 1.5, 1]
        assert targets(of)[:, 0].tolist() == [0, 10, 5]
        assert of.targets.units.tolist() == [2]


@pytest.mark.parametrize("scale", SCALES)
def test_images_take_any_scale(scale: str, tmp_path: Path) -> None:
    pixels = np.array([[[0, 9]], [[50, 9]], [[100, 9]]])
    images = FilePair(write(tmp_path, "x", idx(pixels)), write(tmp_path, "y", idx([0, 1, 0])))
    wanted: dict[str, Any] = {
        "standard": [[-(1.5**0.5), 0], [0, 0], [1.5**0.5, 0]],
        "minmax": [[0, 9 / 255], [50 / 255, 9 / 255], [100 / 255, 9 / 255]],
        "none": [[0, 9], [50, 9], [100, 9]],
    }

    np.testing.assert_allclose(features(loaded(images, scale=scale)), wanted[scale])


@pytest.mark.parametrize(
    ("loss", "asked", "scaled"),
    [("half_squared_error", None, "standard"), ("half_squared_error", "none", "none")],
)
def test_targets_of_a_regression_are_scaled_unless_asked_otherwise(
    loss: str, asked: str | None, scaled: str, tmp_path: Path
) -> None:
    of = loaded(write(tmp_path, "t.csv", "a,y\n1,10\n2,30\n"), loss, scale_targets=asked)

    assert (of.request.task, of.request.scale_targets) == ("regression", scaled)
    assert targets(of)[:, 0].tolist() == ([-1, 1] if scaled == "standard" else [10, 30])


def test_targets_are_left_alone_where_the_output_is_bounded(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", "a,y\n1,10\n2,30\n")
    wanted = DataRequest(TargetForm(), open_output=False)
    of = load_parts(Files(FilePair(path)), wanted, np.dtype("float64"), np.random.default_rng(0))

    assert of.request.scale_targets == "none"
    assert targets(of)[:, 0].tolist() == [10, 30]


def test_multi_label_parts_hold_each_label(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", "a,u,v\n1,0,1\n2,1,true\n3,0.5,False\n")

    of = loaded(path, "binary_cross_entropy", targets=["u", "v"])

    assert targets(of).tolist() == [[0, 1], [1, 1], [0.5, 0]]
    assert of.request.task == "classification"


def test_digests_are_of_every_file_as_it_lies_on_disk(tmp_path: Path) -> None:
    content = {"x": gzip.compress(npy([[1.0], [2]])), "y": b"y\nu\nv\n", "t": b"0,y\n1,u\n"}
    paths = {name: write(tmp_path, name, data) for name, data in content.items()}

    of = loaded(FilePair(paths["x"], paths["y"]), test=paths["t"])

    assert of.digests == {paths[name]: hashlib.sha256(data).hexdigest() for name, data in content.items()}


def test_notes_count_over_every_part(tmp_path: Path) -> None:
    train = write(tmp_path, "train.csv", "n,k,s,y\n1,5,u,p\n,5,v,q\n3,5,u,p\n")
    test = write(tmp_path, "test.csv", "n,k,s,y\n,6,w,p\n,7,,r\n2,5,w,q\n")

    assert loaded(train, test=test).warnings.lines() == [
        "1 column constant in training: k",
        "3 missing numbers imputed by the training median: n (3)",
        "2 values of categories unseen in training, encoded as zeros: s (2)",
        "1 class absent from training but present elsewhere: r",
    ]


def test_class_with_one_example_is_kept_in_training_and_noted(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"a": range(10), "y": ["p"] * 4 + ["rare"] + ["q"] * 5}))

    for seed in range(5):
        of = loaded(path, fractions={"test": 0.3, "validation": 0.3}, seed=seed)
        assert 4 in of.parts["train"].rows
        assert of.warnings.lines() == ["1 class with one example, kept in training: rare"]
    assert loaded(path).warnings.lines() == []


def test_numeric_target_with_a_slip_is_noted_where_it_became_classes(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"a": range(20), "y": [*range(19), "oops"]}))
    place = f"{path}:21 (1 of 20 cells)"
    line = f"column 'y' is text because of 'oops' at {place}; if it means missing: data.missing: ['oops']"

    assert loaded(path, "half_squared_error").warnings.lines() == [line]
    assert loaded(path, "half_squared_error", task="classification").warnings.lines() == []


TABLE = "a,b,y\n1,u,p\n2,v,q\n3,u,p\n"
LAST = "its columns are a, b, y"


@pytest.mark.parametrize(
    ("how", "key", "report"),
    [
        ({"targets": ["z"]}, "data.target", f"error: t.csv has no column 'z'\nhint: {LAST}"),
        ({"targets": ["aa"]}, "data.target", f"error: t.csv has no column 'aa'\nhint: did you mean 'a'? ({LAST})"),
        ({"features": ["c"]}, "data.features", f"error: t.csv has no column 'c'\nhint: {LAST}"),
        ({"drop": ["c"]}, "data.drop", f"error: t.csv has no column 'c'\nhint: {LAST}"),
        (
            {"features": ["a", "y"]},
            "data.features",
            "error: column 'y' is the target and a feature\nhint: leave it out of one",
        ),
        (
            {"features": ["a", "b", "a"]},
            "data.features",
            "error: column 'a' stands twice\nhint: name each column once",
        ),
        ({"targets": ["y", "y"]}, "data.target", "error: column 'y' stands twice\nhint: name each column once"),
        (
            {"drop": ["a", "b"]},
            "data.path",
            (
                "error: t.csv has no column left for a feature (its columns are a, b, y)\n"
                "hint: check data.target, data.drop and, where a whole row reads as one column, data.delimiter"
            ),
        ),
        (
            {"scale_targets": "standard"},
            "data.scale_targets",
            "error: classes are not scaled\nhint: leave it out, or task: regression",
        ),
        (
            {"task": "regression"},
            "data.task",
            (
                "error: a regression needs another loss: this one learns classes\n"
                "hint: loss: half_squared_error, or task: classification"
            ),
        ),
        (
            {"fractions": {"test": 0.1}},
            "data.split.test",
            "error: 0.1 of 3 examples is none\nhint: give it more or nothing",
        ),
        (
            {"targets": ["a"], "fractions": {"validation": 0.4}},
            "data.split.validation",
            (
                "error: training needs all 3 examples, at least one of each class: none is left for validation\n"
                "hint: leave it out, or add examples"
            ),
        ),
    ],
)
def test_config_that_the_data_do_not_fit_is_refused_at_its_key(
    how: dict[str, Any], key: str, report: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "t.csv", TABLE)

    with pytest.raises(ConfigError) as caught:
        loaded(path, **how)

    assert refusal(lambda: loaded(path, **how)) == report
    assert caught.value.key == key
    assert caught.value.status is ExitStatus.USAGE


@pytest.mark.parametrize(
    ("other", "report"),
    [
        ("a,y\n1,p\n", "error: other.csv has no column 'b'\nhint: its columns are a, y"),
        ("a,b\n1,u\n", "error: other.csv has no column 'y'\nhint: its columns are a, b"),
        (
            "a,b,y\n1,u,p\n1,u,\n",
            (
                "error: other.csv:3: the target 'y' is missing (1 in all)\n"
                "hint: leave examples without a target out of the file"
            ),
        ),
        (
            "a,b,y\n1,u\n",
            (
                "error: other.csv:2: 2 cells where the first row has 3\n"
                "hint: quote cells that hold the delimiter, or set data.delimiter"
            ),
        ),
        ("", "error: other.csv: the file is empty\nhint: it needs a header and at least one example"),
    ],
)
@pytest.mark.parametrize("part", ["validation", "test"])
def test_other_file_unlike_the_training_file_is_refused(part: str, other: str, report: str, tmp_path: Path) -> None:
    train, path = write(tmp_path, "t.csv", TABLE), write(tmp_path, "other.csv", other)

    if part == "test":
        assert refusal(lambda: loaded(train, test=path)) == report
    else:
        assert refusal(lambda: loaded(train, validation=path)) == report


def test_missing_target_is_refused_with_its_line_whichever_part_it_falls_to(tmp_path: Path) -> None:
    for loss in ("half_squared_error", "cross_entropy", "binary_cross_entropy"):
        for row in range(SIZE):
            columns: dict[str, Any] = {"a": range(SIZE), "y": ["" if i == row else i % 2 for i in range(SIZE)]}
            path = write(tmp_path, "t.csv", csv(columns))
            report = refusal(partial(loaded, path, loss, fractions=FRACTIONS), DataError)
            assert report == (
                f"error: t.csv:{row + 2}: the target 'y' is missing (1 in all)\n"
                "hint: leave examples without a target out of the file"
            )


@pytest.mark.parametrize("kind", ["csv", "npz", "parquet"])
def test_known_encoding_reads_another_file_alike(kind: str, tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"0": [1.5, 2, 4], "1": [10, 20, 60], "target": ["u", "v", "u"]}
    content = {
        "csv": csv(columns).encode(),
        "npz": npz(features=np.array([columns["0"], columns["1"]]).T, targets=columns["target"]),
        "parquet": parquet(columns),
    }
    of = loaded(write(tmp_path, "train.csv", csv(columns)))

    path = write(tmp_path, "again", content[kind])
    part, notes = load_with_encoding(FilePair(path), Format(), of.features, of.targets, np.dtype("float64"))

    out = np.empty((2, 3), order="F")
    part.features.gather(np.arange(3), out)
    np.testing.assert_array_equal(out.T, features(of))
    assert part.size == 3
    assert notes.lines() == []


def test_known_encoding_counts_what_is_missing_and_unseen(tmp_path: Path) -> None:
    of = loaded(write(tmp_path, "train.csv", "n,s,y\n1,1,p\n2,XL,q\n"))
    later = write(tmp_path, "later.csv", "y,s,n\np,1,\nq,2,3\np,3,NA\nq,1,many\n")

    _, notes = load_with_encoding(FilePair(later), Format(), of.features, of.targets, np.dtype("float32"))

    assert notes.lines() == [
        "3 missing numbers imputed by the training median: n (3)",
        "2 values of categories unseen in training, encoded as zeros: s (2)",
        (
            f"column 'n', of numbers in training, holds 'many' at {later}:5 (1 of 4 cells), which counts as missing; "
            "if it means missing: data.missing: ['many']"
        ),
    ]


@pytest.mark.parametrize(
    ("later", "report"),
    [
        ("n,s\n1,u\n", "error: later.csv has no column 'y'\nhint: its columns are n, s"),
        ("n,y\n1,p\n", "error: later.csv has no column 's'\nhint: its columns are n, y"),
        (
            "n,s,y\n1,u,p\n1,u,r\n",
            "error: later.csv:3: target 'y' is 'r', a class the model does not have\nhint: its classes are p, q",
        ),
        (
            "n,s,y\n1,u,p\n1e400,u,p\n",
            (
                "error: later.csv:3: column 'n' holds 1e400, not a finite number\n"
                "hint: leave the cell empty where the number is unknown"
            ),
        ),
    ],
)
def test_known_encoding_refuses_what_does_not_fit(later: str, report: str, tmp_path: Path) -> None:
    of = loaded(write(tmp_path, "train.csv", "n,s,y\n1,u,p\n2,v,q\n"))
    path = write(tmp_path, "later.csv", later)

    assert (
        refusal(lambda: load_with_encoding(FilePair(path), Format(), of.features, of.targets, np.dtype("float32")))
        == report
    )


GARBAGE = ["\0", "1e999", "-", "\ufeff", '"', ",", "\n", "é", "NA", "true", "9" * 30, "\t", " ", "1e39", "x" * 40]


def test_any_table_loads_or_is_refused_but_is_never_a_defect(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    outcomes = set()
    for trial in range(200):
        cells = [str(rng.choice(GARBAGE)) if rng.random() < 0.15 else str(rng.integers(0, 3)) for _ in range(12)]
        rows = [",".join(cells[i : i + 3]) for i in range(0, 12, 3)]
        path = write(tmp_path, "t.csv", "a,b,y\n" + "\n".join(rows))
        loss = ("cross_entropy", "binary_cross_entropy", "half_squared_error")[trial % 3]
        try:
            of = loaded(path, loss, fractions={"test": 0.25}, seed=trial, dtype="float32")
            assert np.isfinite(features(of, dtype="float32")).all()
            outcomes.add("loaded")
        except BpError as error:
            assert re.match(r"error: ", error.lines()[0])  # noqa: PT017 - loading it is as good
            outcomes.add(type(error).__name__)

    assert outcomes == {"loaded", "DataError", "ConfigError"}


def test_a_long_table_may_have_a_column_without_a_value(tmp_path: Path) -> None:
    table = "a,b,y\n" + "".join(f"{i % 7},,{i % 2}\n" for i in range(5000))

    found = loaded(write(tmp_path, "t.csv", table))

    assert features(found, "train")[:, 1].tolist() == [0.0] * 5000

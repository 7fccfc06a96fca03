"""Arrays: every element type, and files that are cut short, damaged or no arrays of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.data.files.arrays import MAX_AXES, array_reader
from bpcli.data.files.byte_source import HEAD, source_of_bytes
from bpcli.data.files.dataset import Matrix
from bpcli.errors import BpError, DataError
from bpcli.nn import Array

from ..support import IDX_CODES, NUMBERS, idx, npy, npz, refusal


def read(data: bytes) -> Matrix:
    found = array_reader(data[:HEAD])
    assert found is not None
    return found(source_of_bytes(data, "f"))


def refused(data: bytes) -> str:
    return refusal(lambda: read(data), DataError)


@pytest.mark.parametrize("dtype", IDX_CODES)
def test_idx_holds_every_type_big_endian(dtype: str) -> None:
    values = np.array([[1, -2], [3, 100]]) if dtype != "uint8" else np.array([[1, 2], [3, 200]])
    dataset = read(idx(values, dtype))

    np.testing.assert_array_equal([dataset.column(name) for name in dataset.names], values.T)
    assert dataset.column("0").dtype == np.float64


@pytest.mark.parametrize("dtype", [*IDX_CODES, "float16", ">f8", "<i8", "uint64", "bool", "longdouble"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_holds_every_type_of_number_in_either_order(dtype: str, order: str) -> None:
    values = np.asarray([[1, 0], [1, 1], [0, 1]], dtype, order="F" if order == "F" else "C")
    dataset = read(npy(values))

    np.testing.assert_array_equal([dataset.column(name) for name in dataset.names], values.T.astype(float))


def test_examples_lie_along_the_first_axis_and_the_others_are_flattened() -> None:
    values = np.arange(24).reshape(2, 3, 2, 2)

    for data in (idx(values), npy(values), npz(features=values)):
        assert read(data).names == [str(i) for i in range(12)]
        assert read(data).column("11").tolist() == [11, 23]


@pytest.mark.parametrize(
    ("values", "images"),
    [
        (np.zeros((2, 3, 3), np.uint8), True),
        (np.zeros((2, 3, 3, 3), np.uint8), True),
        (np.zeros((2, 9), np.uint8), False),
        (np.zeros((2, 3, 3), np.int16), False),
        (np.zeros((2, 3, 3), np.float32), False),
    ],
)
def test_bytes_with_several_axes_for_each_example_are_images(values: Array, *, images: bool) -> None:
    kinds = [npy(values), npz(features=values, targets=[0, 1]), idx(values, str(values.dtype))]

    assert [read(data).images for data in kinds] == [images] * 3


def test_vector_is_one_column() -> None:
    assert read(npy([1.5, 2])).names == ["0"]


def test_one_axis_in_idx_holds_labels() -> None:
    dataset = read(idx([3, 250]))

    assert dataset.names == dataset.own_targets == ["label"]
    assert dataset.holds_classes
    assert dataset.column("label").tolist() == [3, 250]


@pytest.mark.parametrize(
    ("targets", "columns"),
    [
        ([0, 1, 1, 0], {"target": [0, 1, 1, 0]}),
        (["cat", "dog", "cat", "é"], {"target": ["cat", "dog", "cat", "é"]}),
        ([[0, 1]] * 4, {"target_0": [0] * 4, "target_1": [1] * 4}),
        ([True, False, True, True], {"target": [1, 0, 1, 1]}),
    ],
)
def test_npz_keeps_targets_beside_features(targets: list[object], columns: dict[str, list[object]]) -> None:
    dataset = read(npz(features=NUMBERS, targets=targets))

    assert dataset.own_targets == list(columns)
    assert {name: dataset.column(name).tolist() for name in columns} == columns
    assert dataset.where(2) == "f: row 2"


def test_npz_without_targets_has_them_among_its_columns() -> None:
    assert read(npz(features=NUMBERS)).own_targets == []


def test_missing_numbers_stay_missing() -> None:
    assert np.isnan(read(npy([[1, np.nan]])).column("1")).all()


INFINITE = "an infinite number\nhint: use numbers, or NaN where one is missing"


@pytest.mark.parametrize(
    "data",
    [
        npy([[1, 2], [3, np.inf]]),
        npy(np.array([[1, 2], [-np.inf, 2]], np.float16)),
        npy(np.array([[1, 2], [3, np.longdouble("1e400")]], np.longdouble)),
        npz(features=[[1.0, 2], [np.inf, 3]]),
        npz(features=[[1.0], [2]], targets=[1, np.inf]),
        npz(features=[[1.0], [2]], targets=[[1, 2], [np.inf, 3]]),
        idx([[1, 2], [np.inf, 3]], "float32"),
        idx([1, np.inf], "float64"),
    ],
)
def test_infinite_number_is_refused_with_its_row(data: bytes) -> None:
    assert refused(data) == f"error: f: row 1: {INFINITE}"


@pytest.mark.parametrize(
    ("data", "report"),
    [
        (npy(np.empty((0, 3))), "an array of shape (0, 3) holds no examples\nhint: one example per row"),
        (npy(np.empty((3, 0))), "an array of shape (3, 0) holds no examples\nhint: one example per row"),
        (npy(1.5), "an array of shape () holds no examples\nhint: one example per row"),
        (npy([["a", "b"]]), "an array of <U1, not of numbers\nhint: save numbers"),
        (npy([[1j]]), "an array of complex128, not of numbers\nhint: save numbers"),
        (npy(np.zeros(2, "datetime64[D]")), "an array of datetime64[D], not of numbers\nhint: save numbers"),
        (npy(np.zeros(2, [("a", "f4")])), "an array of [('a', '<f4')], not of numbers\nhint: save numbers"),
        (idx(np.empty((0, 2, 2))), "an array of shape (0, 2, 2) holds no examples\nhint: one example per row"),
        (idx([]), "an array of shape (0,) holds no examples\nhint: one example per row"),
        (  # found by atheris
            b"\0\0\x08\x04" + b"\xff" * 12 + bytes(4),
            ("an array of shape (4294967295, 4294967295, 4294967295, 0) holds no examples\nhint: one example per row"),
        ),
        (
            npz(x=NUMBERS, y=[1]),
            "no array named 'features' (it holds x, y)\nhint: numpy.savez(file, features=X, targets=y)",
        ),
        (npz(), "no array named 'features' (it holds nothing)\nhint: numpy.savez(file, features=X, targets=y)"),
        (npz(features=NUMBERS, targets=[1, 2]), "4 examples but 2 targets\nhint: one row each"),
        (
            npz(features=NUMBERS, targets=np.zeros((4, 2, 2))),
            "targets of float64 in shape (4, 2, 2)\nhint: one row of numbers or text each",
        ),
        (npz(features=NUMBERS, targets=1), "targets of int64 in shape ()\nhint: one row of numbers or text each"),
        (
            npz(features=NUMBERS, targets=np.empty((4, 0))),
            "targets of float64 in shape (4, 0)\nhint: one row of numbers or text each",
        ),
        (
            npz(features=NUMBERS, targets=np.empty(0)),
            "targets of float64 in shape (0,)\nhint: one row of numbers or text each",
        ),
        (
            npz(features=NUMBERS, targets=[b"a"] * 4),
            "targets of |S1 in shape (4,)\nhint: one row of numbers or text each",
        ),
        (b"\0\0\x07\x01\0\0\0\x01a", "unknown IDX type 0x07 with 1 axes\nhint: is this an IDX file?"),
        (b"\0\0\x08\x00", "unknown IDX type 0x08 with 0 axes\nhint: is this an IDX file?"),
        (
            bytes([0, 0, 8, MAX_AXES + 1]) + b"\0\0\0\1" * (MAX_AXES + 1) + b"a",
            "unknown IDX type 0x08 with 17 axes\nhint: is this an IDX file?",
        ),
        (
            b"\0\0\x08\x03" + b"\xff" * 12,
            (
                "the IDX header promises shape (4294967295, 4294967295, 4294967295), the file holds 0 bytes of values\n"
                "hint: the file is cut short or damaged; copy it again"
            ),
        ),
        (
            idx([[1, 2]]) + b"x",
            (
                "the IDX header promises shape (1, 2), the file holds 3 bytes of values\n"
                "hint: the file is cut short or damaged; copy it again"
            ),
        ),
    ],
)
def test_what_is_no_array_of_examples_is_refused(data: bytes, report: str) -> None:
    assert refused(data) == f"error: f: {report}"


PICKLED = "Object arrays cannot be loaded when allow_pickle=False"


@pytest.mark.parametrize(
    ("data", "report"),
    [
        (npy(np.array([1, "a"], object)), f"not a readable NPY file: {PICKLED}\nhint: write it with numpy.save"),
        (
            npz(features=np.array([1, "a"], object)),
            f"not a readable NPZ file: {PICKLED}\nhint: write it with numpy.savez",
        ),
        (
            npz(features=[1.0], targets=np.array(["a"], object)),
            f"not a readable NPZ file: {PICKLED}\nhint: write it with numpy.savez",
        ),
    ],
)
def test_pickles_are_refused(data: bytes, report: str) -> None:
    assert refused(data) == f"error: f: {report}"


IDX = idx(NUMBERS.reshape(3, 2, 2))


@pytest.mark.parametrize("kept", range(4, len(IDX)))
def test_idx_cut_anywhere_is_refused(kept: int) -> None:
    held = max(kept - 16, 0)
    assert refused(IDX[:kept]).endswith(
        f"the file holds {held} bytes of values\nhint: the file is cut short or damaged; copy it again"
    )


@pytest.mark.parametrize(
    ("data", "report"),
    [
        (npy(NUMBERS), "error: f: not a readable NPY file: "),
        (npz(features=NUMBERS, targets=[1] * 4), "error: f: not a readable NPZ file: "),
    ],
    ids=["npy", "npz"],
)
def test_array_cut_anywhere_is_refused(data: bytes, report: str) -> None:
    for kept in range(6, len(data)):
        assert refused(data[:kept]).startswith(report)


def compressed(folder: Path) -> bytes:
    path = folder / "c.npz"
    np.savez_compressed(path, features=np.arange(90.0).reshape(30, 3), targets=np.arange(30))
    return path.read_bytes()


def test_damaged_array_is_read_or_refused_but_never_a_defect(tmp_path: Path) -> None:
    for data in (npy(NUMBERS), npz(features=NUMBERS, targets=[1] * 4), compressed(tmp_path)):
        for place in range(6, len(data)):
            for flip in (0x01, 0xFF):
                damaged = data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]
                try:
                    read(damaged)
                except BpError as error:
                    assert isinstance(error, DataError)  # noqa: PT017 - reading it is as good


def test_npy_that_promises_more_than_any_memory_is_refused() -> None:
    shape = b"(4000000000000, 3), }"
    huge = npy(np.zeros((4, 3))).replace(b"(4, 3), }".ljust(len(shape)), shape)

    assert shape in huge
    assert refused(huge).startswith("error: f: not a readable NPY file: ")


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\x08", b"a,b\n", b"PK", b"\x93NUMP"])
def test_other_content_is_no_array(data: bytes) -> None:
    assert array_reader(data) is None

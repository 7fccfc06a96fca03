"""Files read in place: the same to the byte as files that are loaded, whatever their type and order."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.dataset import Format, Matrix
from bpcli.data.files.reading import FilePair
from bpcli.data.files.tables import refuse_too_large
from bpcli.data.loading import Loaded, load_with_encoding
from bpcli.data.sources import ByteRows, FileRows, Rows
from bpcli.errors import DataError
from bpcli.memory import Left

from .support import PRECISIONS, SCALES, csv, features, idx, loaded, npy, npz, read_file, refusal, targets, write

RNG = np.random.default_rng(8)
SIZE = 400
VALUES = np.column_stack([RNG.normal(5, 3, (SIZE, 4)), np.arange(SIZE) % 3])
HOLED = np.where(np.arange(SIZE * 5).reshape(SIZE, 5) % 47 == 3, np.nan, VALUES)
HOLED[:, 4] = VALUES[:, 4]
FRACTIONS = {"validation": 0.2, "test": 0.1}

FILES: dict[str, bytes] = {
    "float64": npy(VALUES),
    "float32": npy(VALUES.astype(np.float32)),
    "float16": npy(VALUES.astype(np.float16)),
    "big-endian": npy(VALUES.astype(">f4")),
    "whole numbers": npy(VALUES.astype(np.int16)),
    "columns first": npy(np.asfortranarray(VALUES)),
    "missing": npy(HOLED),
    "missing, columns first": npy(np.asfortranarray(HOLED)),
    "IDX out of step with its type": idx(VALUES, "float64"),
    "IDX": idx(VALUES, "int32"),
    "several axes": npy(VALUES.reshape(SIZE, 5, 1)),
}
STANDARD = ("standard", "float32")
"""The scale and the dtype with which every file is read; one is read with all of them."""

every_file = pytest.mark.parametrize("name", FILES)


@pytest.fixture(params=[1 << 19, 50], ids=["at once", "in pieces"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", request.param)


def both(monkeypatch: pytest.MonkeyPatch, path: str, **how: Any) -> list[Loaded]:
    """Loaded, then left in its file."""
    before = loaded(path, fractions=FRACTIONS, **how)
    monkeypatch.setattr("bpcli.data.encoding.matrix_features.LOADED", 0)
    return [before, loaded(path, fractions=FRACTIONS, **how)]


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize(
    ("name", "scale", "dtype"),
    [(name, *STANDARD) for name in FILES]
    + [("missing", scale, dtype) for scale in SCALES for dtype in PRECISIONS if (scale, dtype) != STANDARD],
)
def test_examples_left_in_their_file_are_those_loaded_to_the_byte(
    name: str, scale: str, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, left = both(monkeypatch, write(tmp_path, "f", FILES[name]), scale=scale, dtype=dtype)

    assert held.features.to_json() == left.features.to_json()
    assert held.warnings.lines() == left.warnings.lines()
    for part in held.parts:
        assert isinstance(held.parts[part].features, Rows)
        assert isinstance(left.parts[part].features, FileRows)
        assert features(held, part, dtype).tobytes() == features(left, part, dtype).tobytes()
        assert targets(held, part, dtype).tobytes() == targets(left, part, dtype).tobytes()


@pytest.mark.parametrize("chosen", [["2", "0"], ["3"], ["0", "1", "2", "3"]])
def test_columns_left_in_their_file_come_in_the_order_asked_for(
    chosen: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, left = both(monkeypatch, write(tmp_path, "f", FILES["missing"]), features=chosen)

    assert features(held).tobytes() == features(left).tobytes()


@pytest.mark.parametrize("order", [range(10), range(9, -1, -1), [3, 3, 7], [200]])
def test_batch_holds_what_it_was_asked_for_in_any_order(
    order: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, left = both(monkeypatch, write(tmp_path, "f", FILES["missing"]))
    out = [np.empty((4, len(order)), order="F") for _ in range(2)]

    for of, batch in zip((held, left), out, strict=True):
        of.parts["train"].features.gather(np.array(order), batch)

    assert out[0].tobytes() == out[1].tobytes()


def test_images_are_bytes_in_their_file(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (30, 4, 4), np.uint8)
    labels = write(tmp_path, "labels", idx(np.arange(30) % 3))
    plain = loaded(FilePair(write(tmp_path, "images", idx(pixels)), labels))
    zipped = loaded(FilePair(write(tmp_path, "images.gz", gzip.compress(idx(pixels))), labels))

    assert isinstance(plain.parts["train"].features, ByteRows)
    assert features(plain).tobytes() == features(zipped).tobytes()


def test_compressed_arrays_are_loaded_however_many_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.data.encoding.matrix_features.LOADED", 0)
    for content_of in (gzip.compress(FILES["float64"]), npz(features=VALUES)):
        of = loaded(write(tmp_path, "f", content_of))
        assert isinstance(of.parts["train"].features, Rows)


def test_only_plain_files_lie_in_place(tmp_path: Path) -> None:
    for data, in_file in ((FILES["float32"], True), (gzip.compress(FILES["float32"]), False), (FILES["IDX"], True)):
        dataset = read_file(write(tmp_path, "f", data))
        assert isinstance(dataset, Matrix)
        assert dataset.in_file == in_file


def test_number_out_of_range_is_refused_with_its_row_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = VALUES.copy()
    values[17, 2] = -1e300
    path = write(tmp_path, "f", npy(values))
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", 20)
    reports = []
    for limit in (1 << 28, 0):
        monkeypatch.setattr("bpcli.data.encoding.matrix_features.LOADED", limit)
        reports.append(refusal(lambda: loaded(path, scale="none", dtype="float32"), DataError))

    assert reports[0] == reports[1]
    assert reports[0].startswith("error: f: row 17: column '2', scaled, is -1e+300, out of the range of float32\n")


def test_known_encoding_leaves_another_file_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "f", FILES["missing"])
    of = loaded(path)
    monkeypatch.setattr("bpcli.data.encoding.matrix_features.LOADED", 0)

    part, notes = load_with_encoding(FilePair(path), Format(), of.features, of.targets, np.dtype("float64"))
    assert isinstance(part.features, FileRows)
    out = np.empty((4, SIZE), order="F")
    part.features.gather(np.arange(SIZE), out)
    np.testing.assert_array_equal(out.T, features(of))
    assert notes.imputed == of.warnings.imputed


@pytest.mark.parametrize("packed", [False, True])
def test_table_too_large_for_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    text = csv({name: [f"{i}.25" for i in range(100_000)] for name in "abcdefghij"}).encode()
    path = write(tmp_path, "t.csv", gzip.compress(text, 1) if packed else text)
    monkeypatch.setattr("bpcli.memory.left", lambda: Left(4_000_000))

    report = refusal(lambda: read_file(path), DataError)

    told = "error: t.csv: its rows and their numbers take "
    assert report.startswith(told)
    assert 12 < float(report.removeprefix(told).split()[0]) < 24
    assert report.endswith(
        " MB of memory, 4.0 MB are left\n"
        "hint: bp data convert t.csv OUTPUT.npy (--target COLUMN where it is not the last), "
        "and train on that: it is read as needed, not loaded"
    )
    monkeypatch.setattr("bpcli.memory.left", lambda: Left(40_000_000))
    refuse_too_large(open_bytes(path), None)

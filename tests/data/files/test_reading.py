"""Files: which kind one is, and what is refused before its kind is known."""

from __future__ import annotations

import gzip
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.files.dataset import Format, Matrix, Table
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.errors import DataError, ExitStatus, SystemRefusedError

from ..support import KINDS, NUMBERS, csv, digests, idx, npy, parquet, read_file, refusal, table, write

ANY_SUFFIX = ("", ".data", ".csv", ".tsv", ".gz", ".npy", ".npz", ".idx3-ubyte", ".parquet")


@pytest.mark.parametrize("suffix", ANY_SUFFIX)
@pytest.mark.parametrize("kind", KINDS)
def test_content_tells_every_kind_whatever_the_suffix(kind: str, suffix: str, tmp_path: Path) -> None:
    dataset = read_file(write(tmp_path, f"numbers{suffix}", KINDS[kind]))

    assert dataset.names == ["0", "1", "2"]
    assert dataset.size == len(NUMBERS)
    np.testing.assert_array_equal([dataset.column(name) for name in dataset.names], NUMBERS.T)


def test_suffix_tells_tabs_from_commas_where_the_first_line_holds_both_or_neither(tmp_path: Path) -> None:
    both = "a,b\tc\n1,2\t3\n"

    assert read_file(write(tmp_path, "both.csv", both)).names == ["a", "b\tc"]
    assert read_file(write(tmp_path, "both.tsv", both)).names == ["a,b", "c"]
    assert read_file(write(tmp_path, "both.tsv.gz", gzip.compress(both.encode(), mtime=0))).names == ["a,b", "c"]
    assert read_file(write(tmp_path, "neither.tsv", "a\n1\n")).names == ["a"]


def test_folder_named_like_a_kind_does_not_matter(tmp_path: Path) -> None:
    folder = tmp_path / "all.tsv"
    folder.mkdir()

    assert read_file(write(folder, "both", "a,b\tc\n1,2\t3\n")).names == ["a", "b\tc"]


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (KINDS["csv"], KINDS["tsv"], KINDS["npy.gz"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        dataset = read_file("-")
        np.testing.assert_array_equal([dataset.column(name) for name in dataset.names], NUMBERS.T)
        assert dataset.path == "<stdin>"


@pytest.mark.parametrize("gone", ["absent.csv", "table.csv/absent.csv"])
def test_absent_file_is_refused(gone: str, tmp_path: Path) -> None:
    write(tmp_path, "table.csv", "a\n1\n")
    path = str(tmp_path / gone)

    with pytest.raises(DataError) as caught:
        read_file(path)

    assert caught.value.lines() == [f"error: {path}: no such file", "hint: check the path"]
    assert caught.value.status is ExitStatus.DATA


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_file(str(tmp_path))

    assert caught.value.lines() == [f"error: {tmp_path}: this is a folder, not a file", "hint: name the file in it"]


def test_name_that_the_system_refuses_is_told_as_its_refusal(tmp_path: Path) -> None:
    with pytest.raises(SystemRefusedError) as caught:
        read_file(str(tmp_path / ("x" * 5000)))

    assert caught.value.message == "can't read: file name too long"
    assert caught.value.status is ExitStatus.SYSTEM


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)], ids=["plain", "gz"])
def test_empty_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", content)

    assert refusal(lambda: read_file(path), DataError) == (
        "error: t.csv: the file is empty\nhint: it needs a header and at least one example"
    )


GZ = gzip.compress(b"a,b\n1,2\n3,4\n", mtime=0)


@pytest.mark.parametrize("kept", range(2, len(GZ)))
def test_gz_cut_anywhere_is_refused(kept: int, tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv.gz", GZ[:kept])

    report = refusal(lambda: read_file(path), DataError)

    assert report.startswith("error: t.csv.gz: not a whole gzip file: ")
    assert report.endswith("\nhint: copy the file again")


@pytest.mark.parametrize("place", range(10, len(GZ)))
def test_gz_with_any_byte_of_its_content_changed_is_refused(place: int, tmp_path: Path) -> None:
    changed = GZ[:place] + bytes([GZ[place] ^ 0xFF]) + GZ[place + 1 :]
    path = write(tmp_path, "t.csv.gz", changed)

    assert refusal(lambda: read_file(path), DataError).startswith("error: t.csv.gz: not a whole gzip file: ")


def test_digest_is_of_the_bytes_on_disk(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv.gz", GZ)

    assert digests(read_file(path)) == {path: hashlib.sha256(GZ).hexdigest()}


def test_features_and_targets_in_a_file_each_are_joined(tmp_path: Path) -> None:
    examples = write(tmp_path, "x.csv", "a,b\n1,2\n3,4\n")
    answers = write(tmp_path, "y.csv", "kind\n1\n02\n")

    dataset = read_dataset(FilePair(examples, answers), Format(), None)

    assert table(dataset) == {"a": [1, 3], "b": [2, 4], "kind": [1, 2]}
    assert dataset.as_written("kind").tolist() == ["1", "02"]
    assert dataset.own_targets == ["kind"]
    assert dataset.where(1) == f"{examples}:3"


@pytest.mark.parametrize("kind", ["csv", "npy", "parquet"])
@pytest.mark.parametrize("other", ["csv", "npy", "idx"])
def test_columns_counted_off_in_both_files_are_told_apart(kind: str, other: str, tmp_path: Path) -> None:
    wide = {"csv": b"1,2\n3,4\n", "npy": npy([[1, 2], [3, 4]]), "parquet": parquet({"0": [1, 3], "1": [2, 4]})}
    narrow = {"csv": b"5\n6\n", "npy": npy([5, 6]), "idx": idx([[5], [6]])}
    files = FilePair(write(tmp_path, "x", wide[kind]), write(tmp_path, "y", narrow[other]))

    dataset = read_dataset(files, Format(header=False), None)

    assert dataset.names == ["0", "1", "target"]
    assert dataset.own_targets == ["target"]
    assert [float(cell) for cell in dataset.column("target")] == [5, 6]


def test_several_targets_counted_off_in_both_files_keep_apart(tmp_path: Path) -> None:
    files = FilePair(write(tmp_path, "x.npy", npy([[1, 2], [3, 4]])), write(tmp_path, "y.npy", npy([[5, 6], [7, 8]])))

    dataset = read_dataset(files, Format(), None)

    assert table(dataset) == {"0": [1, 3], "1": [2, 4], "target_0": [5, 7], "target_1": [6, 8]}
    assert dataset.own_targets == ["target_0", "target_1"]


def test_targets_named_like_a_feature_are_refused(tmp_path: Path) -> None:
    files = FilePair(write(tmp_path, "x.csv", "a,b\n1,2\n"), write(tmp_path, "y.csv", "c,b\n1,2\n"))

    assert refusal(lambda: read_dataset(files, Format(), None), DataError) == (
        "error: y.csv: column 'b' stands in x.csv too\nhint: rename it in one of them"
    )


def test_files_of_different_sizes_are_not_joined(tmp_path: Path) -> None:
    files = FilePair(write(tmp_path, "x.npy", npy([[1, 2], [3, 4]])), write(tmp_path, "y.csv", "y\n1\n2\n3\n"))

    assert refusal(lambda: read_dataset(files, Format(), None), DataError) == (
        "error: y.csv: 3 targets for the 2 examples of x.npy\n"
        "hint: the two files must hold the same examples in the same order"
    )


def test_idx_labels_are_classes_beside_idx_images(tmp_path: Path) -> None:
    images, labels = idx(np.arange(8).reshape(2, 2, 2)), idx([3, 7])
    files = FilePair(write(tmp_path, "images.gz", gzip.compress(images, mtime=0)), write(tmp_path, "labels", labels))

    dataset = read_dataset(files, Format(), None)

    assert isinstance(dataset, Matrix)
    assert dataset.images
    assert dataset.holds_classes
    assert dataset.own_targets == ["label"]
    assert dataset.column("label").tolist() == [3, 7]
    assert dataset.where(1) == f"{files.features}: row 1"


def test_table_beside_an_array_of_targets_stays_a_table(tmp_path: Path) -> None:
    files = FilePair(write(tmp_path, "x.csv", "a,b\nu,true\nv,\n"), write(tmp_path, "y.npy", npy([1.5, 2])))

    dataset = read_dataset(files, Format(), None)

    assert isinstance(dataset, Table)
    assert dataset.truth_columns == {"b"}
    assert table(dataset) == {"a": ["u", "v"], "b": ["true", None], "0": [1.5, 2]}


def test_every_kind_holds_the_same_as_csv(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"n": [1.5, 2, 3], "s": ["x", "y", "x"], "t": [True, False, True]}
    from_text = read_file(write(tmp_path, "t.csv", csv(columns)))
    from_parquet = read_file(write(tmp_path, "t.parquet", parquet(columns)))

    assert isinstance(from_text, Table)
    assert isinstance(from_parquet, Table)
    assert table(from_text) == table(from_parquet)
    assert from_text.truth_columns == from_parquet.truth_columns == {"t"}

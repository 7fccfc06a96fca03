"""Bytes of a file: hashed as they are read, and the same in every pass."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from bpcli.data.files import array_bytes, arrays, tables
from bpcli.data.files.byte_source import ByteSource, open_bytes
from bpcli.data.files.dataset import Format
from bpcli.data.files.sheet import Sheet, examine
from bpcli.errors import DataError, ExitStatus

from ..support import KINDS, csv, digests, idx, loaded, npy, npz, parquet, read_file, refusal, write


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


BIG = csv({"a": range(3000), "b": [0.5 * i for i in range(3000)], "y": ["u", "v", "w"] * 1000}).encode()
FILES = {
    **KINDS,
    "quoted": b'a,y\n1,"u"\n2,"v\n"\n',
    "floats": npy(np.arange(12.0).reshape(4, 3)),
    "columns": npy(np.asfortranarray(np.arange(12.0).reshape(4, 3))),
    "extended": npy(np.arange(6, dtype=np.longdouble).reshape(3, 2)),
    "labels": idx([3, 4, 5]),
    "text targets": npz(features=np.arange(6.0).reshape(3, 2), targets=np.array(["u", "v", "u"])),
    "trailing": npy(np.arange(6.0).reshape(3, 2)) + b"more",
}


@pytest.mark.parametrize("small", [1 << 19, 0])
@pytest.mark.parametrize("kind", FILES)
def test_digest_is_of_the_whole_file_as_it_lies_on_disk(
    kind: str, small: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "SMALL", small)
    path = write(tmp_path, "f", FILES[kind])

    assert digests(read_file(path)) == {path: sha(FILES[kind])}


def test_file_of_many_pieces_is_hashed_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", 1000)
    monkeypatch.setattr("bpcli.data.files.pages.HASHED", 4096)
    for values in (np.arange(30_000.0).reshape(-1, 3), np.arange(30_000).reshape(-1, 3), np.zeros((9, 9999)).T):
        path = write(tmp_path, "f.npy", npy(values))
        assert digests(read_file(path)) == {path: sha(npy(values))}


def test_bytes_of_a_pipe_have_no_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(KINDS["csv"])))

    assert digests(read_file("-")) == {"-": None}


def swapping(monkeypatch: pytest.MonkeyPatch, path: str, data: bytes) -> None:
    """Let ``data`` take the file's place once its first bytes, those that tell its kind, were read."""

    def opened(name: str) -> ByteSource:
        source = open_bytes(name)
        write(Path(path).parent, "new", data)
        (Path(path).parent / "new").replace(path)
        return source

    monkeypatch.setattr("bpcli.data.files.reading.open_bytes", opened)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a,y\n1,u\n2,v\n", b"a,y\n5,u\n6,v\n7,u\n"),
        (gzip.compress(b"a,y\n1,u\n2,v\n"), gzip.compress(b"a,y\n5,u\n6,v\n7,u\n")),
        (npy([[1.0, 0], [2, 1]]), npy([[5.0, 0], [6, 1], [7, 0]])),
        (npz(features=[[1.0, 0], [2, 1]]), npz(features=[[5.0, 0], [6, 1], [7, 0]])),
        (parquet({"a": [1, 2], "y": ["u", "v"]}), parquet({"a": [5, 6, 7], "y": ["u", "v", "u"]})),
    ],
    ids=["csv", "csv.gz", "npy", "npz", "parquet"],
)
def test_digest_is_of_the_bytes_that_were_read_when_the_file_is_replaced(
    before: bytes, after: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "f", before)
    swapping(monkeypatch, path, after)

    of = loaded(path)

    assert of.parts["train"].size == 3
    assert of.digests == {path: sha(after)}


@pytest.mark.parametrize(
    "other",
    [
        BIG.replace(b"2.5", b"9.5"),
        BIG + b"1,2,w\n",
        BIG[: len(BIG) // 2],
        b"a,b,y\n",
        BIG.replace(b"17", b"1,7"),
        BIG.replace(b"0.5", b"\xff\xfe\xff"),
        b"",
    ],
    ids=["a number", "longer", "shorter", "no rows", "uneven", "no text", "empty"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_large_table_that_changes_between_two_passes_is_refused(
    other: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    monkeypatch.setattr(tables, "SMALL", 0)
    pack: Callable[[bytes], bytes] = gzip.compress if packed else bytes
    path = Path(write(tmp_path, "t.csv", pack(BIG)))

    def examined(source: ByteSource, form: Format) -> Sheet:
        found = examine(source, form)
        path.write_bytes(pack(other))
        return found

    monkeypatch.setattr(tables, "examine", examined)

    with pytest.raises(DataError) as caught:
        loaded(str(path))
    assert caught.value.status is ExitStatus.DATA
    assert caught.value.lines() == [
        f"error: {path}: the file changed while it was read",
        "hint: try again once nobody writes to it",
    ]


def test_archive_that_is_written_to_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "f.npz", npz(features=[[1.0, 0], [2, 1]]))
    read_array = arrays._read_array

    def reading(origin: array_bytes.Origin, stream: IO[bytes]) -> object:
        with Path(path).open("ab") as file:
            file.write(b"more")
        return read_array(origin, stream)

    monkeypatch.setattr(arrays, "_read_array", reading)

    assert refusal(lambda: read_file(path), DataError).startswith("error: f.npz: the file changed while it was read\n")


def test_file_that_is_two_parts_must_be_the_same_for_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "t.csv", "a,y\n1,u\n2,v\n")

    assert loaded(path, test=path).digests == {path: sha(b"a,y\n1,u\n2,v\n")}
    swapping(monkeypatch, path, b"a,y\n1,u\n2,v\n")
    assert loaded(path, test=path).parts["test"].size == 2

    versions = [b"a,y\n1,u\n9,v\n", b"a,y\n1,u\n2,v\n"]

    def opened(name: str) -> ByteSource:
        source = open_bytes(name)
        Path(path).write_bytes(versions.pop())
        return source

    monkeypatch.setattr("bpcli.data.files.reading.open_bytes", opened)
    assert refusal(lambda: loaded(path, test=path), DataError).startswith(
        "error: t.csv: the file changed while it was read\n"
    )

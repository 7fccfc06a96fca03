"""A file looked at again: whether it still holds what its hash was taken of."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bpcli.data.dealing import deal
from bpcli.data.files import file_digest, tables
from bpcli.data.files.byte_source import ByteSource
from bpcli.data.files.dataset import Format
from bpcli.data.files.file_digest import FileDigest
from bpcli.data.files.reading import FilePair
from bpcli.data.files.sheet import Sheet, examine
from bpcli.errors import DataError

from ..support import csv, idx, loaded, npy, read_file, refusal, write

PIXELS = np.arange(48, dtype=np.uint8).reshape(12, 2, 2)
OTHER = npy(PIXELS[::-1])
IN_USE = "error: f: the file was written to while its numbers were in use, so no hash is of what they were\n"


def opened(path: str) -> FileDigest:
    """The digest of a mapped file that was read."""
    found = read_file(path).files[path]
    assert found is not None
    return found


def overwrite(path: str, data: bytes) -> None:
    """Write into the very file, whose times stay as they were where nothing but a hash is to tell."""
    with Path(path).open("r+b") as file:
        file.write(data)


def keep_times(path: str, change: Callable[[], None]) -> None:
    about = Path(path).stat()
    change()
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def test_mapped_file_that_was_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_digest, "FRESH", -(1 << 62))
    data = npy(PIXELS)
    path = write(tmp_path, "f", data)

    def back_again() -> None:
        overwrite(path, OTHER)
        overwrite(path, data)
        os.utime(path)

    changes = [
        lambda: overwrite(path, OTHER),
        lambda: keep_times(path, lambda: overwrite(path, OTHER)),
        lambda: Path(path).write_bytes(data[:-1]),
        lambda: Path(path).write_bytes(data + b"more"),
        back_again,
    ]
    for change in changes:
        write(tmp_path, "f", data)
        os.utime(path, ns=(0, 0))
        of = opened(path)
        of.require_learned_bytes()
        change()
        assert refusal(of.require_learned_bytes, DataError).startswith(IN_USE)


def test_mapped_file_whose_bytes_stay_is_good(tmp_path: Path) -> None:
    data = npy(PIXELS)
    path = write(tmp_path, "f", data)
    for change in (
        lambda: Path(path).chmod(0o600),
        lambda: write(tmp_path, "new", OTHER) and (tmp_path / "new").replace(path),
        lambda: Path(path).unlink(),
    ):
        write(tmp_path, "f", data)
        of = opened(path)
        change()
        of.require_learned_bytes()


def test_file_written_just_before_it_was_opened_is_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "f", npy(PIXELS))
    found = os.stat(path)
    of = opened(path)
    overwrite(path, OTHER)
    monkeypatch.setattr(file_digest.Stamp, "of", lambda about: of._stamp)  # as if within one tick of the clock
    assert found.st_size == os.stat(path).st_size
    assert refusal(of.require_learned_bytes, DataError).startswith(IN_USE)


def test_file_in_memory_may_change_and_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "f", "a,y\n1,u\n2,v\n")
    of = loaded(path)
    assert of.moved_on() == []
    Path(path).write_text("a,y\n1,u\n2,v\n3,u\n")
    for part in of.parts.values():
        part.require_learned_bytes()
    assert of.moved_on() == [path]


@pytest.mark.parametrize("data", [npy(np.arange(12.0).reshape(4, 3)), idx([3, 4, 5])], ids=["npy", "idx labels"])
def test_mapped_file_that_is_loaded_is_looked_at_once_it_is_no_longer_read(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is hashed in the pass that checks it, and encoded from the mapping later."""
    path = write(tmp_path, "f", data)
    other = write(tmp_path, "x", npy(np.arange(6.0).reshape(3, 2)))

    def dealing(*given: object) -> object:
        overwrite(path, data[:-1] + b"\1")
        return deal(*given)  # type: ignore[arg-type]

    of = FilePair(other, path) if data[:2] == b"\0\0" else path
    assert loaded(of, "half_squared_error", task="regression").digests[path]
    monkeypatch.setattr("bpcli.data.reading_parts.deal", dealing)
    assert refusal(lambda: loaded(of, "half_squared_error", task="regression"), DataError).startswith(IN_USE)


def test_images_that_memory_holds_are_trained_on_though_their_file_is_cut_short(tmp_path: Path) -> None:
    labels = write(tmp_path, "y", idx([0, 1] * 6))
    path = write(tmp_path, "f", npy(PIXELS))
    part = loaded(FilePair(path, labels)).parts["train"]
    os.truncate(path, 100)
    X = np.empty((part.features.values.shape[1], 12))  # type: ignore[attr-defined]
    part.features.gather(np.arange(12), X)
    np.testing.assert_allclose(X.T, PIXELS.reshape(12, -1) / 255)
    part.require_learned_bytes()


def test_images_left_in_their_file_are_looked_at_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.data.encoding.matrix_features.LOADED", 0)
    labels = write(tmp_path, "y", idx([0, 1] * 6))
    path = write(tmp_path, "f", npy(PIXELS))
    part = loaded(FilePair(path, labels)).parts["train"]
    part.require_learned_bytes()
    overwrite(path, OTHER)
    assert refusal(part.require_learned_bytes, DataError).startswith(IN_USE)


def test_table_that_grows_between_two_passes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has more rows than there is memory for."""
    monkeypatch.setattr(tables, "SMALL", 0)
    monkeypatch.setattr("bpcli.data.files.pandas_reader.CHUNK", 512)
    rows = csv({"a": range(3000), "y": ["u", "v"] * 1500})
    path = Path(write(tmp_path, "t.csv", rows))

    def examined(source: ByteSource, form: Format) -> Sheet:
        found = examine(source, form)
        with path.open("a") as file:
            file.write("1,u\n" * 5000)
        return found

    monkeypatch.setattr(tables, "examine", examined)
    report = refusal(lambda: loaded(str(path)), DataError)
    assert re.match("error: t.csv: the file changed while it was read\n", report)

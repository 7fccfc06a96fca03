"""Files that would take more memory than there is, or have no end: refused early, with figures and a remedy."""

from __future__ import annotations

import gzip
import io
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli import memory
from bpcli.config.document import MOST_BYTES, read_yaml
from bpcli.data.files import archives, byte_source, sheet, tables
from bpcli.data.files.byte_source import open_bytes
from bpcli.data.sources import WideOneHot
from bpcli.errors import BpError, ConfigError, DataError
from bpcli.memory import Left
from bpcli.storage import bounded
from bpcli.storage.tensors import read_tensors
from bpcli.training.array_files import open_array_file
from bpcli.training.npz_archives import parse_archive

from ..support import csv, idx, loaded, npy, npz, read_file, write

MB = 1_000_000
PROMISED = {
    "npy": npy(np.zeros((4, 3))).replace(b"(4, 3), }".ljust(25), b"(4000000000, 3), }".ljust(25)),
    "idx": idx(np.zeros((4, 3))).replace(b"\0\0\0\4", b"\x7f\xff\xff\xff", 1),
}


def packed(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def many_members(count: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("features.npy", npy(np.zeros((4, 3))))
        for i in range(count):
            archive.writestr(f"{i}{'x' * 1000}", b"")
    return file.getvalue()


ZEROS = np.zeros((1000, 2000))
BOMBS: dict[str, tuple[bytes, str]] = {
    "gz of one cell": (gzip.compress(b"a,y\n1," + b"x" * 300_000 + b"\n"), "a row of more than 200,000 characters"),
    "a line": (b"a,y\n" + b"x" * 300_000, "a row of more than 200,000 characters"),
    "a quoted cell of many lines": (b'a,y\n1,"' + b"x\n" * 150_000 + b'"\n', "a row of more than 200,000 characters"),
    "a line that ends in carriage returns": (b"a,y\r1," + b"x" * 300_000, "a row of more than 200,000 characters"),
    "many columns": (
        b",".join(b"c%d" % i for i in range(70)) + b"\n" + b"1," * 69 + b"1\n",
        "a row of 70 cells, of which",
    ),
    "columns beyond memory": (
        b",".join(b"c%d" % i for i in range(55)) + b"\n" + b"1," * 54 + b"1\n",
        "its 55 columns take 0.6 GB of memory, 3.0 MB are left of a test",
    ),
    "npz": (packed(features=ZEROS), "its array takes 24.0 MB of memory, 3.0 MB are left of a test"),
    "npz targets": (packed(features=np.zeros((4, 3)), targets=ZEROS), "its array takes 16.0 MB of memory, 3.0 MB"),
    "rows of one number": (npy(np.zeros((80_000, 1), "u1")), "its 80,000 rows take 3.8 MB of memory, 3.0 MB are left"),
    "rows of a table": (b"a,y\n" + b"1,2\n" * 80_000, "its rows and their numbers take"),
    "npy.gz": (gzip.compress(npy(ZEROS)), "its array takes 24.0 MB of memory, 3.0 MB are left of a test"),
    "promised npy.gz": (gzip.compress(PROMISED["npy"]), "its array takes 144.0 GB of memory"),
    "promised idx.gz": (gzip.compress(PROMISED["idx"]), "its array takes"),
    "more behind an array": (gzip.compress(npy(np.zeros((4, 3))) + bytes(3 * MB)), "but more than"),
    "a header without end": (
        gzip.compress(b"\x93NUMPY\2\0\xff\xff\xff\x7f" + b" " * 100),
        "its header is longer than 10,000 bytes",
    ),
    "many members": (many_members(1200), "its directory of"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_fill_memory_is_refused_with_figures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, told = BOMBS[name]
    monkeypatch.setattr(sheet, "LONGEST_ROW", 200_000)
    monkeypatch.setattr(sheet, "MOST_COLUMNS", 60)
    monkeypatch.setattr(sheet, "COLUMN_BYTES", 10 * MB if name == "columns beyond memory" else 1)
    monkeypatch.setattr(byte_source, "SHARE", 1)
    if name == "rows of a table":
        monkeypatch.setattr(tables, "SAMPLE", 1000)
    monkeypatch.setattr(memory, "left", lambda: Left(3 * MB, "a test"))

    with pytest.raises(DataError) as caught:
        read_file(write(tmp_path, "f", content))
    error, hint = caught.value.lines()
    assert told in error
    assert hint.startswith("hint: ")


def test_within_the_limits_everything_is_read(tmp_path: Path) -> None:
    cell = "x" * 2 * MB
    for form, content in enumerate(
        [
            f"a,y\n1,u\n2,{cell}\n".encode(),
            gzip.compress(f"a,y\n1,u\n2,{cell}\n".encode()),
            packed(features=ZEROS),
            gzip.compress(npy(np.zeros((4, 3))) + b"more"),
            npz(features=np.zeros((4, 3))),
        ]
    ):
        assert read_file(write(tmp_path, f"f{form}", content)).size in (2, 4, 1000)
    archive = many_members(20)
    assert "features" in parse_archive(archive).names


def test_an_archive_of_weights_keeps_the_same_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no complete archive"):
        parse_archive(many_members(1200))
    assert len(many_members(1200)) > archives.LONGEST_DIRECTORY
    monkeypatch.setattr(memory, "left", lambda: Left(3 * MB))
    with pytest.raises(DataError, match=r"its array 'W1' takes 16.0 MB of memory, 3.0 MB are left"):
        parse_archive(packed(W1=ZEROS)).load("W1")


def test_pipes_and_devices_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_STREAMED", 50_000)
    read, written = os.pipe()
    os.write(written, b"a,y\n" + b"1,u\n" * 15_000)
    os.close(written)

    def refused(path: str, stdin: bytes = b"") -> str:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(DataError) as caught:
            open_bytes(path)
        return caught.value.message

    try:
        for found in (
            refused(f"/dev/fd/{read}"),
            refused("-", b"1,u\n" * 15_000),
            refused("-", gzip.compress(b"1,u\n" * 15_000)),
        ):
            assert found.startswith("it holds more than 50,000 bytes, which is the most that is kept in memory")
    finally:
        os.close(read)
    assert refused("/dev/zero") == "this is a device, not a file"
    with pytest.raises(DataError, match="it is a device or a pipe, not a file"):
        read_tensors(Path("/dev/zero"))
    assert refused(os.devnull) == "the file is empty"


def test_files_of_tensors_larger_than_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(50 * MB)
    with path.with_suffix(".npz").open("wb") as file:
        file.truncate(50 * MB)
    monkeypatch.setattr(memory, "left", lambda: Left(30 * MB))
    with pytest.raises(DataError, match=r"its tensors take 0.1 GB of memory, 30.0 MB are left"):
        read_tensors(path)
    with pytest.raises(DataError, match=r"its arrays take 50.0 MB of memory, 30.0 MB are left"):
        open_array_file(path.with_suffix(".npz"))


def test_a_config_is_short(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"# " + b"x" * MOST_BYTES)
    for each in (path, Path("/dev/zero")):
        with pytest.raises(ConfigError, match=r"a config of more than 1.0 MB"):
            read_yaml(each)


def near_unique(rows: int) -> str:
    return csv({"name": [f"n{i}" for i in range(rows)], "x": range(rows), "y": [i % 2 for i in range(rows)]})


def test_names_are_no_categories_unless_they_are_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "t.csv", near_unique(300))
    loaded(path)
    monkeypatch.setattr("bpcli.data.encoding.category_columns.MOST_INDICATORS", 50_000)
    told = "column 'name' holds 300 different texts in 300 training rows, as names do"
    with pytest.raises(ConfigError) as caught:
        loaded(path)
    assert caught.value.lines() == [
        f"error: {told}: an indicator for each takes 0.4 MB in float32",
        "hint: data.drop: [name]; where the texts are categories all the same, data.types: {name: category}",
    ]
    assert caught.value.key == "data.types.name"
    loaded(write(tmp_path, "few.csv", near_unique(200)))


def test_inputs_beyond_memory_are_refused_by_the_widest_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "t.csv", near_unique(300))
    monkeypatch.setattr(memory, "left", lambda: Left(300_000, "the 1.0 MB that its cgroup allows"))
    with pytest.raises(BpError) as caught:
        loaded(path)
    assert caught.value.message == (
        "300 examples of 301 inputs, 300 of column 'name', take 0.7 MB of memory, "
        "0.3 MB are left of the 1.0 MB that its cgroup allows"
    )
    assert caught.value.hint == "data.drop: [name]"


CONFIG = "data: {path: t.csv, drop: [name]}\nloss: cross_entropy\nnetwork: {hidden: [4]}\nepochs: 1\n"


def limited(folder: Path, prepare: Callable[[], None], *words: str) -> tuple[int, str]:
    """A command under RLIMIT_AS: its status, and its messages."""
    done = subprocess.run(
        [sys.executable, "-m", "bpcli", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=prepare,
        env={**os.environ, "PYTHONPATH": str(Path(memory.__file__).parents[1])},
    )
    return done.returncode, done.stderr


def test_rows_that_would_fill_memory_once_encoded_are_refused_before_anything_is_learned_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_is_learned(*arguments: object) -> None:
        raise AssertionError

    wide = np.zeros((200, 4000), "u1")
    wide[::2, -1] = 1
    small, whole = write(tmp_path, "w.npz", packed(features=wide, targets=wide[:, -1])), npy(wide)
    monkeypatch.setattr(memory, "left", lambda: Left(5 * MB, "a test"))
    loaded(small, dtype="float32")
    monkeypatch.setattr("bpcli.data.encoding.matrix_features.survey", nothing_is_learned)
    with pytest.raises(DataError) as caught:
        loaded(small, dtype="float64")
    assert (
        caught.value.message
        == "200 examples of 4,000 inputs in float64 take 6.4 MB of memory, 5.0 MB are left of a test"
    )
    assert caught.value.hint.startswith("save the numbers uncompressed with numpy.save")
    monkeypatch.undo()
    monkeypatch.setattr(memory, "left", lambda: Left(5 * MB, "a test"))
    in_place = loaded(write(tmp_path, "w.npy", whole), dtype="float64")
    assert in_place.parts["train"].features.pages is not None


def test_targets_of_many_classes_are_no_table_of_all_pairs(tmp_path: Path) -> None:
    path = write(tmp_path, "k.csv", csv({"a": range(600), "y": range(600)}))
    targets = loaded(path, "half_squared_error", task="classification").parts["train"].targets
    assert isinstance(targets, WideOneHot)
    out = np.empty((600, 2))
    targets.gather(np.array([3, 599]), out)
    assert out.sum() == out[3, 0] + out[599, 1] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to RLIMIT_AS")
def test_under_a_limit_of_addresses_every_refusal_names_it(tmp_path: Path) -> None:
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_500 * MB, 1_500 * MB))

    write(tmp_path, "t.csv", near_unique(50))
    write(tmp_path, "c.yaml", CONFIG)
    write(tmp_path, "b.npz.gz", gzip.compress(PROMISED["npy"]))
    with Path(write(tmp_path, "in_place.npy", npy(np.zeros((4, 3))))).open("r+b") as file:
        file.truncate(2_000 * MB)
    for words, status, told in (
        (("train", "c.yaml", "network.hidden=[100000,100000]"), 2, "hidden layer 2 of 100,000 units on 100,000 inputs"),
        (("train", "c.yaml", "data={path: b.npz.gz}"), 3, "its array takes 144.0 GB of memory"),
        (("train", "c.yaml", "data={path: in_place.npy}"), 74, "can't map the file into memory"),
    ):
        found, messages = limited(tmp_path, prepare, *words)
        assert (found, messages.count("\n")) == (status, 2), messages
        assert told in messages
        assert ("that RLIMIT_AS allows" in messages) is (status != 74)
    assert not (tmp_path / "runs").exists()

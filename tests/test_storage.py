"""Files that are either whole or not there."""

from __future__ import annotations

import csv
import io
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from bpcli import storage
from bpcli.errors import BpError, DataError, ExitStatus, SystemRefusedError
from bpcli.nn import Array


def failing(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_holds_what_was_written(tmp_path: Path) -> None:
    for data in (b"first", b"", b"\0\xff" * 100_000):
        storage.write(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, call, failing)
    with pytest.raises(SystemRefusedError) as caught:
        storage.write(tmp_path / "file", b"new")
    assert caught.value.status == ExitStatus.SYSTEM
    assert caught.value.lines() == [
        f"error: {tmp_path}/file: can't write: no space left on device",
        "hint: check the path, its permissions and the space left",
    ]
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_a_write_that_is_interrupted_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        storage.write(tmp_path / "file", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_a_file_is_synced_before_it_takes_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        calls.append("sync")
        fsync(descriptor)

    def replaced(source: Path, target: Path) -> None:
        calls.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    storage.write(tmp_path / "file", b"data")
    assert calls == ["sync", "rename", "sync"]


def test_text_is_added_at_the_end_as_it_is(tmp_path: Path) -> None:
    for text in ("a,b\n", "1,ß\r\n"):
        storage.append(tmp_path / "table.csv", text)
    assert (tmp_path / "table.csv").read_bytes() == "a,b\n1,ß\r\n".encode()


def test_text_that_cannot_be_added_is_the_systems_refusal(tmp_path: Path) -> None:
    with pytest.raises(SystemRefusedError, match="can't write: is a directory"):
        storage.append(tmp_path, "text")


def test_csv_reads_back_exactly_whatever_its_cells_hold() -> None:
    cells = ["a,b", 'q"uote', "line\nbreak", "carriage\rreturn", "both\r\n", "\r", "", " x ", "'", "ß\u2028\x1b"]
    text = storage.to_csv([cells, cells[::-1]])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [cells, cells[::-1]]
    assert storage.to_csv([["a", 1, 0.1, None], ["b", 2, 1e-7, ""]]) == "a,1,0.1,\nb,2,1e-07,\n"


def test_equal_values_give_equal_json() -> None:
    one, other = {"b": [1, {"d": 0.1, "c": None}], "a": "ß"}, {"a": "ß", "b": [1, {"c": None, "d": 0.1}]}
    assert storage.to_json(one) == storage.to_json(other) == '{"a": "ß", "b": [1, {"c": null, "d": 0.1}]}'


def test_numbers_that_are_not_finite_become_null_in_json() -> None:
    value = {"a": float("nan"), "b": [1.0, float("inf")], "c": {"d": (-float("inf"), 2)}, "e": True, "f": "nan"}
    assert json.loads(storage.to_json(value)) == {
        "a": None,
        "b": [1.0, None],
        "c": {"d": [None, 2]},
        "e": True,
        "f": "nan",
    }


def tensors(dtype: str = "float32") -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(0, 1, shape).astype(dtype) for name, shape in (("b", (3,)), ("a", (2, 3)), ("c", ()))}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_tensors_and_header_are_read_as_they_were_written(tmp_path: Path, dtype: str) -> None:
    header = {"name": "größe\n\x1b", "list": [1, 2.5, None], "nested": {"z": 1, "a": 2}}
    storage.write_tensors(tmp_path / "file", tensors(dtype), header)
    found, read = storage.read_tensors(tmp_path / "file")
    assert read == header
    assert {name: (array.dtype, array.shape, array.tobytes()) for name, array in found.items()} == {
        name: (array.dtype, array.shape, array.tobytes()) for name, array in tensors(dtype).items()
    }


def test_views_in_any_order_of_memory_are_written_as_they_look(tmp_path: Path) -> None:
    whole = np.arange(24.0).reshape(4, 6)
    views = {"turned": whole.T, "column": whole[:, 2], "part": whole[1:3, ::2]}
    storage.write_tensors(tmp_path / "file", views, {})
    found, _ = storage.read_tensors(tmp_path / "file")
    assert {name: found[name].tolist() for name in views} == {name: array.tolist() for name, array in views.items()}


def test_equal_tensors_give_equal_bytes_in_whatever_order(tmp_path: Path) -> None:
    storage.write_tensors(tmp_path / "one", tensors(), {"a": 1, "b": 2})
    storage.write_tensors(tmp_path / "other", dict(reversed(tensors().items())), {"b": 2, "a": 1})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_metadata_are_one_key(tmp_path: Path) -> None:
    storage.write_tensors(tmp_path / "file", tensors(), {"b": 2, "a": 1})
    data = (tmp_path / "file").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header["__metadata__"] == {"bp": '{"a": 1, "b": 2}'}


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt", "other": "x"}])
def test_another_programs_file_has_no_header(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    (tmp_path / "file").write_bytes(safetensors.numpy.save(tensors(), metadata=metadata))
    found, header = storage.read_tensors(tmp_path / "file")
    assert header is None
    assert set(found) == {"a", "b", "c"}


def raw(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


MALFORMED = {
    "nothing": b"",
    "short": b"\x10\0\0",
    "no header": raw(b"")[:8],
    "header too long": struct.pack("<Q", 2**60) + b"{}",
    "not JSON": raw(b"{'a'"),
    "not UTF-8": raw(b'{"\xff": 1}'),
    "not tensors": raw(b'{"a": 3}'),
    "cut short": raw(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', b"1234"),
    "unknown type": raw(b'{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}', b"1234"),
    "a type without NumPy's": raw(b'{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}', b"1234"),
    "our header not JSON": raw(
        b'{"__metadata__":{"bp":"{"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"1234"
    ),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_tensor_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(DataError, match=r"^not a readable safetensors file: ") as caught:
        storage.read_tensors(tmp_path / "file")
    assert caught.value.where == str(tmp_path / "file")
    assert caught.value.hint


@pytest.mark.parametrize("name", ["absent", "file/inside"])
def test_a_tensor_file_that_is_not_there_is_a_mistake_in_the_data(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"^no such file$"):
        storage.read_tensors(tmp_path / name)


def test_a_folder_instead_of_a_tensor_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BpError, match="can't read: is a directory"):
        storage.read_tensors(tmp_path)


def test_bfloat16_is_read_as_float32_and_its_precision_is_known() -> None:
    header = b'{"a":{"dtype":"BF16","shape":[3,1],"data_offsets":[0,6]}}'
    bits = np.array([0x3FC0, 0xC2F7, 0x7F80], "<u2")  # 1.5, -123.5, infinity
    array = storage.parse_tensors(raw(header, bits.tobytes()))[0]["a"]
    assert (array.dtype.name, array.tolist()) == ("float32", [[1.5], [-123.5], [np.inf]])
    assert {storage.precision_of(view) for view in (array, array.T, array[1:], array.reshape(-1))} == {"bfloat16"}
    assert storage.precision_of(array.astype(np.float32)) == "float32"
    assert storage.precision_of(np.zeros(2)) == "float64"

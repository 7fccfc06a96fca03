"""Files of named arrays, whichever program wrote them."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bpcli.errors import DataError
from bpcli.training.array_files import INSTEAD_HINT, open_array_file


def refusal(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        open_array_file(path)
    return caught.value


@pytest.mark.parametrize("name", ["a.pkl", "a.npz", "a.joblib", "a"])
def test_a_pickle_is_refused_unread_with_the_remedy(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(pickle.dumps({"dW1": [1.0]}))
    error = refusal(tmp_path / name)
    assert error.message == "it is a pickle, which bp does not read: reading one runs code"
    assert error.hint == INSTEAD_HINT


def test_pytorchs_archive_is_refused_as_a_pickle(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "gradients.bin", "w") as archive:
        archive.writestr("gradients/data.pkl", pickle.dumps({"0.weight": 1}))
    assert refusal(tmp_path / "gradients.bin").hint == INSTEAD_HINT
    (tmp_path / "gradients.pt").write_bytes(b"")
    assert refusal(tmp_path / "gradients.pt").hint == INSTEAD_HINT


def test_a_safetensors_file_whose_length_looks_like_a_pickle_is_read(tmp_path: Path) -> None:
    header = json.dumps({"dW1": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).ljust(0x280).encode()
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert (tmp_path / "a.safetensors").read_bytes()[0] == 0x80
    assert open_array_file(tmp_path / "a.safetensors").names == ("dW1",)


def test_hdf5_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert refusal(tmp_path / "a.h5").message == "it is an HDF5 file, which bp does not read"


def test_an_archive_with_any_byte_changed_is_read_or_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", dW1=np.ones((2, 3)), db1=np.ones(2))
    content = (tmp_path / "good.npz").read_bytes()
    path, refusals = tmp_path / "changed.npz", 0
    for place in range(len(content)):
        for value in (0, 0xFF, content[place] ^ 4):
            path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            try:
                file = open_array_file(path)
                for name in file.names:
                    assert file.load(name).ndim >= 0
            except DataError:
                refusals += 1
    assert refusals > len(content) // 2


def member(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("dW1.npy", content)


def test_a_header_of_any_content_is_refused(tmp_path: Path) -> None:
    headers = [b"(" * 200, b"[" * 9000, b"{'descr': 'O', 'fortran_order': False, 'shape': (3,)}\n", b"\x00" * 200, b""]
    for header in headers:
        member(tmp_path / "a.npz", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        file = open_array_file(tmp_path / "a.npz")
        for read in (file.declared, file.load):
            with pytest.raises(DataError, match="not a readable NPZ file: ") as caught:
                read("dW1")
            assert caught.value.hint


def test_a_header_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    member(tmp_path / "a.npz", b"\x93NUMPY\x02\x00" + (1 << 30).to_bytes(4, "little") + bytes(100))
    with pytest.raises(DataError, match="the header of its array 'dW1' is too long"):
        open_array_file(tmp_path / "a.npz").declared("dW1")


def test_a_safetensors_header_of_any_content_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for words in ("[" * 100_000, "[1]", "{", '"x"'):
        tensor = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
        header = json.dumps({"__metadata__": {"bp": words}, "dW1": tensor}).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
        try:
            found = open_array_file(path).header
        except DataError:
            continue
        assert found is None


def test_what_a_file_declares_is_what_it_loads(tmp_path: Path) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "dW1": np.ones((2, 3), np.float32),
        "n": np.arange(4),
        "t": np.array("text"),
        "F": np.ones((3, 2)).T,
    }
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    file = open_array_file(tmp_path / "a.npz")
    for name, array in arrays.items():
        np.testing.assert_array_equal(file.load(name), array)
        declared = file.declared(name)
        assert (declared.shape, declared.dtype) == (array.shape, array.dtype)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"data: {path: a.csv}\n", "it is neither a safetensors nor an NPZ file"),
        (b"\x93NUMPY\x01\x00", "it is an NPY file, one array without a name"),
    ],
)
def test_other_kinds_of_files_are_named(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    assert refusal(tmp_path / "a.safetensors").message == message

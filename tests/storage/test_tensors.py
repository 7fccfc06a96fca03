"""Files of tensors: what is written is read, and a file that changed since is refused."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from bpcli.errors import BpError, DataError
from bpcli.nn import Array
from bpcli.storage.tensors import DIGEST, parse_tensors, precision_of, read_tensors, write_tensors


def tensors(dtype: str = "float32") -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(0, 1, shape).astype(dtype) for name, shape in (("b", (3,)), ("a", (2, 3)), ("c", ()))}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_tensors_and_header_are_read_as_they_were_written(tmp_path: Path, dtype: str) -> None:
    header = {"name": "größe\n\x1b", "list": [1, 2.5, None], "nested": {"z": 1, "a": 2}}
    write_tensors(tmp_path / "file", tensors(dtype), header)
    found, read = read_tensors(tmp_path / "file")
    assert read == header
    assert {name: (array.dtype, array.shape, array.tobytes()) for name, array in found.items()} == {
        name: (array.dtype, array.shape, array.tobytes()) for name, array in tensors(dtype).items()
    }


def test_views_in_any_order_of_memory_are_written_as_they_look(tmp_path: Path) -> None:
    whole = np.arange(24.0).reshape(4, 6)
    views = {"turned": whole.T, "column": whole[:, 2], "part": whole[1:3, ::2]}
    write_tensors(tmp_path / "file", views, {})
    found, _ = read_tensors(tmp_path / "file")
    assert {name: found[name].tolist() for name in views} == {name: array.tolist() for name, array in views.items()}


def test_equal_tensors_give_equal_bytes_in_whatever_order(tmp_path: Path) -> None:
    write_tensors(tmp_path / "one", tensors(), {"a": 1, "b": 2})
    write_tensors(tmp_path / "other", dict(reversed(tensors().items())), {"b": 2, "a": 1})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_metadata_are_one_key(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", tensors(), {"b": 2, "a": 1})
    data = (tmp_path / "file").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header["__metadata__"] == {"bp": f'{{"SHA-256": "{digest_of(data)}", "a": 1, "b": 2}}'}


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt", "other": "x"}])
def test_another_programs_file_has_no_header(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    (tmp_path / "file").write_bytes(safetensors.numpy.save(tensors(), metadata=metadata))
    found, header = read_tensors(tmp_path / "file")
    assert header is None
    assert set(found) == {"a", "b", "c"}


def digest_of(data: bytes) -> str:
    """The SHA-256 of all bytes, with 0 for each digit of the first digest among them."""
    digits = re.search(rb"[0-9a-f]{64}", data)
    assert digits is not None
    return hashlib.sha256(data[: digits.start()] + b"0" * 64 + data[digits.end() :]).hexdigest()


def refusal(data: bytes) -> str:
    """What is said of the bytes of a file; nothing where they are read."""
    try:
        parse_tensors(data, "file")
    except DataError as error:
        return f"{error.where}: {error.message}"
    except (ValueError, KeyError) as error:
        return f"file: {error}"
    return ""


DAMAGED = "file: the file is damaged: its SHA-256 is not that noted in it"


def test_a_file_with_any_bit_flipped_or_a_byte_more_is_refused_as_damaged(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", tensors(), {"größe": "ß"})
    data = (tmp_path / "file").read_bytes()
    assert refusal(data) == ""
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            assert refusal(bytes(changed)) == DAMAGED, (place, bit)
    assert {refusal(data + more) for more in (b"\0", b" ", data)} == {DAMAGED}


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", tensors(), {"a": 1})
    data = (tmp_path / "file").read_bytes()
    said = {length: refusal(data[:length]) for length in range(len(data))}
    assert all(said.values())
    unlike_damage = {length for length, message in said.items() if message != DAMAGED}
    assert unlike_damage == set(range(8 + len(DIGEST.lead)))


@pytest.mark.parametrize(
    "header", ["{", "[]", "3", '{"a": 1}', '{"a": 1, "SHA-256": "0"}', f'["SHA-256": "{"0" * 64}"]']
)
def test_a_header_of_bp_that_notes_no_digest_is_refused(header: str) -> None:
    data = safetensors.numpy.save(tensors(), metadata={"bp": header})
    assert refusal(data) in ("file: it notes no SHA-256, as every file of this kind by bp does", DAMAGED)


def test_a_wrong_lead_is_refused_even_with_its_own_digest(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", tensors(), {"a": 1})
    data = (tmp_path / "file").read_bytes().replace(b"SHA-256", b"SHA-257")
    data = data.replace(re.findall(rb"[0-9a-f]{64}", data)[0], digest_of(data).encode())
    assert refusal(data) == DAMAGED


def test_a_header_that_has_no_place_for_the_digest_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no place for a digest"):
        write_tensors(tmp_path / "file", tensors(), {"A": 1})
    assert not list(tmp_path.iterdir())


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
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_tensor_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(DataError, match=r"^not a readable safetensors file: ") as caught:
        read_tensors(tmp_path / "file")
    assert caught.value.where == str(tmp_path / "file")
    assert caught.value.hint


@pytest.mark.parametrize("name", ["absent", "file/inside"])
def test_a_tensor_file_that_is_not_there_is_a_mistake_in_the_data(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"^no such file$"):
        read_tensors(tmp_path / name)


def test_a_folder_instead_of_a_tensor_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BpError, match="can't read: is a directory"):
        read_tensors(tmp_path)


def test_bfloat16_is_read_as_float32_and_its_precision_is_known() -> None:
    header = b'{"a":{"dtype":"BF16","shape":[3,1],"data_offsets":[0,6]}}'
    bits = np.array([0x3FC0, 0xC2F7, 0x7F80], "<u2")  # 1.5, -123.5, infinity
    array = parse_tensors(raw(header, bits.tobytes()), "")[0]["a"]
    assert (array.dtype.name, array.tolist()) == ("float32", [[1.5], [-123.5], [np.inf]])
    assert {precision_of(view) for view in (array, array.T, array[1:], array.reshape(-1))} == {"bfloat16"}
    assert precision_of(array.astype(np.float32)) == "float32"
    assert precision_of(np.zeros(2)) == "float64"

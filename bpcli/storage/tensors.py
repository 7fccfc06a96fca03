"""Arrays by name and a JSON header, as safetensors files that note their own SHA-256."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from bpcli import memory
from bpcli.errors import DataError, refused
from bpcli.storage import digests
from bpcli.storage.bounded import require_regular
from bpcli.storage.files import replacing
from bpcli.storage.strict_json import parse_json
from bpcli.storage.text import to_json

BFLOAT16: np.dtype[Any] = np.dtype(np.float32, metadata={"stored as": "bfloat16"})
"""float32 read from bfloat16, which NumPy does not have; views and transposes of an array keep its dtype."""

TENSOR_TYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
    "C64": np.dtype("<c8"),
}
"""The types of safetensors that NumPy has."""

COPIES = 3
"""A file, its tensors and the parameters made of them, which are in memory at the same time."""

HEADER = "bp"
"""The only key of a tensor file's metadata, because several would not be written in a stable order."""

DIGEST = digests.Place(8, f'{{"__metadata__":{{"{HEADER}":"{{\\"{digests.KEY}\\": \\"'.encode())
"""Where bp's own files note their digest: at the beginning of the header, behind its length."""


def write_tensors(path: Path, tensors: dict[str, NDArray[Any]], header: dict[str, Any]) -> None:
    """Write arrays by name with a JSON header as a safetensors file that notes its digest.

    Raises:
        SystemRefusedError: the system refused; the old file, if any, is untouched.
    """
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    metadata = {HEADER: to_json({digests.KEY: digests.BLANK, **header})}
    pieces = DIGEST.seal(safetensors.numpy.save(contiguous, metadata=metadata))
    with replacing(path) as file:
        for piece in pieces:
            file.write(piece)


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any] | None]:
    """The arrays of a safetensors file by name, and its JSON header, None if bp did not write it.

    Raises:
        DataError: the file is absent, damaged or malformed.
        SystemRefusedError: the system refused.
    """
    try:
        require_regular(path)
        size = COPIES * path.stat().st_size
        memory.require(size, "its tensors take", where=str(path), hint="is this a model of bp?")
        return parse_tensors(path.read_bytes(), str(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("no such file", where=str(path), hint="name a run folder or a safetensors file") from error
    except (ValueError, KeyError) as error:
        raise DataError(
            f"not a readable safetensors file: {error}", where=str(path), hint="copy the file again"
        ) from error
    except OSError as error:
        raise refused("read", path, error) from error


def parse_tensors(data: bytes, where: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any] | None]:
    """The same of the bytes of a safetensors file; bfloat16 becomes float32 of the dtype :data:`BFLOAT16`.

    Raises:
        DataError: bp wrote the file, and it is damaged.
        ValueError: they are malformed.
        KeyError: they contain numbers of another type that NumPy does not have.
    """
    if DIGEST.is_in(data):
        DIGEST.require_intact(data, where)
    try:
        entries: Any = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise ValueError(str(error)) from error
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    if HEADER in metadata:
        DIGEST.require_intact(data, where)
    tensors = {name: _array(entry["dtype"], entry["data"]).reshape(entry["shape"]) for name, entry in entries}
    return tensors, _own(parse_json(metadata[HEADER])) if HEADER in metadata else None


def _own(header: dict[str, Any]) -> dict[str, Any]:
    """The header without the digest."""
    return {key: value for key, value in header.items() if key != digests.KEY}


def _array(kind: str, data: bytes) -> NDArray[Any]:
    """The numbers of a tensor's bytes; bfloat16 is the upper half of a float32."""
    if kind == "BF16":
        halves = np.frombuffer(data, np.uint16).astype(np.uint32)
        return (halves << np.uint32(16)).view(BFLOAT16)
    return np.frombuffer(data, TENSOR_TYPES[kind])


def precision_of(array: NDArray[Any]) -> str:
    """The precision in which an array was stored: bfloat16, or the name of its dtype, such as float32."""
    metadata: Mapping[str, Any] = array.dtype.metadata or {}
    return str(metadata.get("stored as", array.dtype.name))

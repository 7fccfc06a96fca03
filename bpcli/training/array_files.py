"""Which named arrays does another program's file hold? Safetensors or NPZ, by its content; never a pickle."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import storage
from bpcli.errors import DataError, refused
from bpcli.nn import Array

NPZ_SUFFIX = ".npz"

ZIP_SIGNATURE = b"PK"
"""The first bytes of an archive, and so of an NPZ file."""

PICKLE_SIGNATURE = b"\x80"
"""The first byte of a pickle of protocol 2 or later."""

SAFETENSORS_HEADER = 8
"""Where the header of a safetensors file begins, a JSON object; before it stands its length, of any bytes."""

HDF5_SIGNATURE = b"\x89HDF"

PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")

FLOATS_HINT = "save float64, float32 or float16"

WRITE_HINT = "write it with numpy.savez, or with safetensors' save_file"

INSTEAD_HINT = (
    'save the arrays with numpy.savez("arrays.npz", **arrays), or with'
    ' safetensors.torch.save_file(arrays, "arrays.safetensors")'
)


@dataclass(frozen=True)
class ArrayFile:
    """The names of a file's arrays, in its order, what loads one of them, and bp's header, None without one.

    ``load`` raises a :class:`DataError` for a member that is no array of numbers.
    """

    path: Path
    names: tuple[str, ...]
    load: Callable[[str], Array]
    header: dict[str, Any] | None = None


def open_array_file(path: Path) -> ArrayFile:
    """Read a file of named arrays.

    Raises:
        DataError: the file is absent, malformed, or of a format that bp does not read.
        SystemRefusedError: the system refused to read.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("no such file", where=str(path), hint="check the path") from error
    except OSError as error:
        raise refused("read", path, error) from error
    _refuse_other_formats(path, content)
    if content.startswith(ZIP_SIGNATURE) or path.suffix.lower() == NPZ_SUFFIX:
        return _open_npz(path, content)
    return _open_safetensors(path, content)


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """The arrays of these names in a file; its others may be of any type.

    Raises:
        DataError: as :func:`open_array_file`, or a name is missing or no array of numbers.
        SystemRefusedError: the system refused to read.
    """
    file = open_array_file(path)
    for name in names:
        if name not in file.names:
            raise DataError(
                f"no array {name!r} (it holds {', '.join(file.names) or 'nothing'})",
                where=str(path),
                hint=f"it needs {', '.join(names)}",
            )
    return {name: file.load(name) for name in names}


def _refuse_other_formats(path: Path, content: bytes) -> None:
    """Refuse a pickle, which runs code when it is read, and HDF5."""
    pickled = content.startswith(PICKLE_SIGNATURE) or path.suffix.lower() in PICKLE_SUFFIXES
    pickled = pickled and content[SAFETENSORS_HEADER : SAFETENSORS_HEADER + 1] != b"{"
    if pickled or (content.startswith(ZIP_SIGNATURE) and b"/data.pkl" in content):
        raise DataError("it is a pickle, which bp does not read: reading one runs code", str(path), INSTEAD_HINT)
    if content.startswith(HDF5_SIGNATURE):
        raise DataError("it is an HDF5 file, which bp does not read", str(path), INSTEAD_HINT)


def _open_safetensors(path: Path, content: bytes) -> ArrayFile:
    try:
        tensors, header = storage.parse_tensors(content)
    except KeyError as error:
        raise DataError(
            f"it holds numbers of the type {error.args[0]}, which is not supported", where=str(path), hint=FLOATS_HINT
        ) from error
    except ValueError as error:
        raise _unreadable(path, "safetensors", error) from error
    return ArrayFile(path, tuple(tensors), tensors.__getitem__, header)


def _open_npz(path: Path, content: bytes) -> ArrayFile:
    if not content.startswith(ZIP_SIGNATURE):
        raise _unreadable(path, "NPZ", ValueError("it is no archive of named arrays"))

    def load(name: str) -> Array:
        array: Array = _reading(path, lambda: _member_array(archive, name))
        return array

    archive = _reading(path, lambda: np.load(io.BytesIO(content), allow_pickle=False))
    return ArrayFile(path, tuple(archive.files), load)


def _reading(path: Path, read: Callable[[], Any]) -> Any:
    """What ``read`` returns; what goes wrong in an archive of any content is an error of the file."""
    try:
        return read()
    except (
        *(ValueError, TypeError, KeyError, EOFError, OSError, SyntaxError, OverflowError, NotImplementedError),
        *(RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error),
    ) as error:
        raise _unreadable(path, "NPZ", error) from error


def _unreadable(path: Path, kind: str, error: Exception) -> DataError:
    return DataError(f"not a readable {kind} file: {error}", where=str(path), hint=WRITE_HINT)


def _member_array(archive: np.lib.npyio.NpzFile, name: str) -> Array:
    """One member of an archive, which may be anything.

    Raises:
        ValueError: it is no array, or one of Python objects.
    """
    try:
        member: object = archive[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise ValueError(f"its array {name!r} holds Python objects, not numbers") from error
        raise
    if not isinstance(member, np.ndarray):
        raise ValueError(f"its member {name!r} is no array")  # noqa: TRY004 - it is a file's content
    return member

"""Which named arrays does another program's file hold? Safetensors or NPZ, by its content; never a pickle."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bpcli import memory
from bpcli.errors import DataError, refused
from bpcli.nn import Array
from bpcli.storage.tensors import parse_tensors
from bpcli.training.npz_archives import Declared, parse_archive

Read = TypeVar("Read")

NPZ_SUFFIX = ".npz"

ZIP_SIGNATURE = b"PK"
"""The first bytes of an archive, and so of an NPZ file."""

PICKLE_SIGNATURE = b"\x80"
"""The first byte of a pickle of protocol 2 or later."""

SAFETENSORS_HEADER = 8
"""Where the header of a safetensors file begins, a JSON object; before it stands its length, of any bytes."""

HDF5_SIGNATURE = b"\x89HDF"

NPY_SIGNATURE = b"\x93NUMPY"

PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")

FLOATS_HINT = "save float64, float32, float16 or, as safetensors, bfloat16"

WRITE_HINT = "write it with numpy.savez, or with safetensors' save_file"

NAMES_LISTED = 10
"""The most names of arrays that a message lists."""

INSTEAD_HINT = (
    'save the arrays with numpy.savez("arrays.npz", **arrays), or with'
    ' safetensors.torch.save_file(arrays, "arrays.safetensors")'
)


@dataclass(frozen=True)
class ArrayFile:
    """The names of a file's arrays, in its order, what it declares of one, what loads one, and bp's header, if any.

    ``digest`` is the SHA-256 of the very bytes that they come from, empty where they come from none.
    ``declared`` and ``load`` raise a :class:`DataError` for a member that is no array of numbers.
    """

    path: Path
    names: tuple[str, ...]
    declared: Callable[[str], Declared]
    load: Callable[[str], Array]
    header: dict[str, Any] | None = None
    digest: str = ""


def array_file(path: Path, arrays: Mapping[str, Array], header: dict[str, Any] | None = None) -> ArrayFile:
    """A file whose arrays are loaded."""

    def declared(name: str) -> Declared:
        return Declared(arrays[name].shape, arrays[name].dtype)

    return ArrayFile(path, tuple(arrays), declared, arrays.__getitem__, header)


def open_array_file(path: Path) -> ArrayFile:
    """Read a file of named arrays.

    Raises:
        DataError: the file is absent, malformed, too large, or of a format that bp does not read.
        SystemRefusedError: the system refused to read.
    """
    content = _content(path)
    _refuse_other_formats(path, content)
    packed = content.startswith(ZIP_SIGNATURE) or path.suffix.lower() == NPZ_SUFFIX
    found = _open_npz(path, content) if packed else _open_safetensors(path, content)
    return replace(found, digest=hashlib.sha256(content).hexdigest())


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """The arrays of these names in a file; its others may be of any type.

    Raises:
        DataError: as :func:`open_array_file`, or a name is missing or no array of numbers.
        SystemRefusedError: the system refused to read.
    """
    file = open_array_file(path)
    for name in names:
        require_name(file, name, names)
    return {name: file.load(name) for name in names}


def require_name(file: ArrayFile, name: str, needed: Iterable[str]) -> None:
    """Refuse a file that lacks an array.

    Raises:
        DataError: it does.
    """
    if name not in file.names:
        raise DataError(
            f"no array {name!r} (it holds {listed(file.names)})", str(file.path), f"it needs {listed(needed)}"
        )


def listed(names: Iterable[str]) -> str:
    """Names in a row, at most ``NAMES_LISTED``."""
    every = list(names)
    more = f", … ({len(every):,} in all)" if len(every) > NAMES_LISTED else ""
    return (", ".join(every[:NAMES_LISTED]) or "nothing") + more


def _content(path: Path) -> bytes:
    """The bytes of a file; a device or a pipe might have no end.

    Raises:
        DataError: it is absent, no file or larger than memory.
        SystemRefusedError: the system refused to read.
    """
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "a device or a pipe"
            raise DataError(f"it is {what}, not a file", where=str(path), hint="name a safetensors or an NPZ file")
        memory.require(path.stat().st_size, "its arrays take", where=str(path), hint=WRITE_HINT)
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("no such file", where=str(path), hint="check the path") from error
    except OSError as error:
        raise refused("read", path, error) from error
    except MemoryError as error:
        raise DataError("it is larger than memory", where=str(path), hint=WRITE_HINT) from error


def _refuse_other_formats(path: Path, content: bytes) -> None:
    """Refuse a pickle, which runs code when it is read, and HDF5, and what is neither safetensors nor NPZ."""
    structured = content[SAFETENSORS_HEADER : SAFETENSORS_HEADER + 1] == b"{"
    pickled = content.startswith(PICKLE_SIGNATURE) or path.suffix.lower() in PICKLE_SUFFIXES
    pickled = pickled and not structured
    if pickled or (content.startswith(ZIP_SIGNATURE) and b"/data.pkl" in content):
        raise DataError("it is a pickle, which bp does not read: reading one runs code", str(path), INSTEAD_HINT)
    if content.startswith(HDF5_SIGNATURE):
        raise DataError("it is an HDF5 file, which bp does not read", str(path), INSTEAD_HINT)
    if content.startswith(NPY_SIGNATURE):
        raise DataError("it is an NPY file, one array without a name", str(path), INSTEAD_HINT)
    if not content:
        raise DataError("it is empty", str(path), WRITE_HINT)
    if not structured and not content.startswith(ZIP_SIGNATURE):
        raise DataError("it is neither a safetensors nor an NPZ file", str(path), WRITE_HINT)


def _open_safetensors(path: Path, content: bytes) -> ArrayFile:
    try:
        tensors, header = parse_tensors(content, str(path))
    except KeyError as error:
        raise DataError(
            f"it holds numbers of the type {error.args[0]}, which is not supported", where=str(path), hint=FLOATS_HINT
        ) from error
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        raise _unreadable(path, "safetensors", error) from error
    return array_file(path, tensors, header if isinstance(header, dict) else None)


def _open_npz(path: Path, content: bytes) -> ArrayFile:
    archive = _reading(path, lambda: parse_archive(content))
    return ArrayFile(
        path,
        archive.names,
        lambda name: _reading(path, lambda: archive.declared(name)),
        lambda name: _reading(path, lambda: archive.load(name)),
    )


def _reading(path: Path, read: Callable[[], Read]) -> Read:
    """What ``read`` returns; what goes wrong in an archive of any content is an error of the file."""
    try:
        return read()
    except Exception as error:
        raise _unreadable(path, "NPZ", error) from error


def _unreadable(path: Path, kind: str, error: Exception) -> DataError:
    reason = "out of memory" if isinstance(error, MemoryError) else str(error)
    return DataError(f"not a readable {kind} file: {reason}", where=str(path), hint=WRITE_HINT)

"""Files shared with other programs: a batch for which they compute a gradient, and the gradient that they computed.

A file, safetensors or NPZ, holds the parameters ``W1``, ``b1``, … and the
examples ``X``, in columns, and ``Y``; the gradient's file holds ``dW1``, ``db1``, ….
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from bpcli import storage
from bpcli.errors import ConfigError, DataError, refused
from bpcli.nn import Array
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace

NPZ_SUFFIX = ".npz"

SUFFIXES = (".safetensors", NPZ_SUFFIX)

FLOATS_HINT = "save float64, float32 or float16"

ZIP_SIGNATURE = b"PK"
"""The first bytes of an archive, and so of an NPZ file."""


def write_batch(path: Path, parameters: Parameters, ws: Workspace) -> None:
    """Write the parameters and the examples in ``ws``: X (n_0, m), Y as the loss takes it.

    Raises:
        ConfigError: the file's name ends neither in .safetensors nor in .npz.
        SystemRefusedError: the system refused to write.
    """
    tensors = {**parameters.named(), "X": ws.X, "Y": ws.Y}
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"--export to {str(path)!r}: neither .safetensors nor .npz",
            where="command line",
            hint="end the file's name in one of the two",
        )
    if suffix == NPZ_SUFFIX:
        buffer = io.BytesIO()
        np.savez(buffer, **{name: np.ascontiguousarray(array) for name, array in tensors.items()})  # type: ignore[arg-type]
        storage.write(path, buffer.getvalue())
    else:
        storage.write_tensors(path, tensors, {"exported": "parameters and examples for a gradient"})


def read_gradients(path: Path, sizes: tuple[int, ...], m: int) -> dict[str, Array]:
    """The arrays dW1, db1, … of a file, for layers of these sizes and m examples; its other arrays are ignored.

    Shapes that a known mistake gives (dW transposed, db summed over the wrong axis or not at all) are accepted.

    Raises:
        DataError: the file is absent or malformed, or an array is missing, not of finite floats or misshapen.
        SystemRefusedError: the system refused to read.
    """
    names = [name for layer in range(1, len(sizes)) for name in (f"dW{layer}", f"db{layer}")]
    found = _read_arrays(path, names)
    for name in names:
        if found[name].dtype.kind != "f" or not np.isfinite(found[name]).all():
            raise DataError(f"array {name!r} holds other than finite floats", where=str(path), hint=FLOATS_HINT)
    for layer, (fan_in, n) in enumerate(pairwise(sizes), start=1):
        dW, db = found[f"dW{layer}"], found[f"db{layer}"]
        if dW.shape not in ((n, fan_in), (fan_in, n)):
            raise _misshapen(path, f"dW{layer}", dW, (n, fan_in))
        vector = db.size in (n, m, 1) and db.size == max(db.shape, default=1)
        if not vector and db.shape not in ((n, m), (m, n)):
            raise _misshapen(path, f"db{layer}", db, (n,))
    return found


def _misshapen(path: Path, name: str, array: Array, shape: tuple[int, ...]) -> DataError:
    return DataError(
        f"array {name!r} has shape {array.shape}, not {shape}",
        where=str(path),
        hint="compute it for the parameters and examples that --export writes, with the same config and options",
    )


def _read_arrays(path: Path, names: list[str]) -> dict[str, Array]:
    """The arrays of these names; the file's content decides its format. Its other arrays may be of any type."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("no such file", where=str(path), hint="check the path") from error
    except OSError as error:
        raise refused("read", path, error) from error
    npz = content.startswith(ZIP_SIGNATURE) or path.suffix.lower() == NPZ_SUFFIX
    try:
        return _npz_arrays(path, content, names) if npz else _safetensors_arrays(path, content, names)
    except (ValueError, EOFError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"not a readable {'NPZ' if npz else 'safetensors'} file: {error}",
            where=str(path),
            hint="write it with numpy.savez, or with safetensors' save_file",
        ) from error


def _require(path: Path, names: list[str], present: Iterable[str]) -> None:
    """Refuse a file in which one of the names is not present."""
    present = list(present)
    for name in names:
        if name not in present:
            raise DataError(
                f"no array {name!r} (it holds {', '.join(present) or 'nothing'})",
                where=str(path),
                hint=f"it needs {', '.join(names)}",
            )


def _safetensors_arrays(path: Path, content: bytes, names: list[str]) -> dict[str, Array]:
    """The named arrays of a safetensors file."""
    try:
        tensors = storage.parse_tensors(content)[0]
    except KeyError as error:
        raise DataError(
            f"it holds numbers of the type {error.args[0]}, which is not supported", where=str(path), hint=FLOATS_HINT
        ) from error
    _require(path, names, tensors)
    return {name: tensors[name] for name in names}


def _npz_arrays(path: Path, content: bytes, names: list[str]) -> dict[str, Array]:
    """The named arrays of an NPZ file."""
    if not content.startswith(ZIP_SIGNATURE):
        raise ValueError("it is no archive of named arrays")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        _require(path, names, archive.files)
        return {name: _member_array(archive, name) for name in names}


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

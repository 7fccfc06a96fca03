"""Gradients exchanged with other programs: what they need to compute theirs, and reading what they found.

A file, safetensors or NPZ, holds the parameters ``W1``, ``b1``, … and the
examples ``X``, in columns, and ``Y``; theirs holds ``dW1``, ``db1``, ….
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

NPZ = ".npz"

SUFFIXES = (".safetensors", NPZ)


def export(path: Path, parameters: Parameters, ws: Workspace) -> None:
    """Write the parameters and the examples in ``ws``: X (n_0, m), Y as the loss wants it.

    Raises:
        ConfigError: the file's name ends neither in .safetensors nor in .npz.
        SystemRefusedError: the system refused.
    """
    tensors = {**parameters.named(), "X": ws.X, "Y": ws.Y}
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"--export to {str(path)!r}: neither .safetensors nor .npz",
            where="command line",
            hint="end the file's name in one of the two",
        )
    if suffix == NPZ:
        buffer = io.BytesIO()
        np.savez(buffer, **{name: np.ascontiguousarray(array) for name, array in tensors.items()})  # type: ignore[arg-type]
        storage.write(path, buffer.getvalue())
    else:
        storage.write_tensors(path, tensors, {"exported": "parameters and examples for a gradient"})


def gradients(path: Path, sizes: tuple[int, ...], m: int) -> dict[str, Array]:
    """Somebody's dW1, db1, … for layers of these sizes and m examples; other arrays in the file are passed over.

    Shapes that come from a slip (dW transposed, db summed over the wrong axis or not at all) are let through.

    Raises:
        DataError: the file is absent or malformed, or an array is missing, not of finite floats or misshapen.
    """
    wanted = [name for layer in range(1, len(sizes)) for name in (f"dW{layer}", f"db{layer}")]
    found = _read(path, wanted)
    for name in wanted:
        if found[name].dtype.kind != "f" or not np.isfinite(found[name]).all():
            raise DataError(f"array {name!r} holds other than finite floats", where=str(path), hint=FLOATS)
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


FLOATS = "save float64, float32 or float16"

ZIP = b"PK"
"""How an archive starts, and so an NPZ file."""


def _read(path: Path, wanted: list[str]) -> dict[str, Array]:
    """The arrays of these names; the kind of file is told by its content. Others in it may be of any kind."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("no such file", where=str(path), hint="check the path") from error
    except OSError as error:
        raise refused("read", path, error) from error
    kind = "NPZ" if data.startswith(ZIP) or path.suffix.lower() == NPZ else "safetensors"
    try:
        return _members(path, data, wanted) if kind == "NPZ" else _tensors(path, data, wanted)
    except (ValueError, EOFError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"not a readable {kind} file: {error}",
            where=str(path),
            hint="write it with numpy.savez, or with safetensors' save_file",
        ) from error


def _held(path: Path, names: Iterable[str], wanted: list[str]) -> None:
    """Refuse a file that lacks a name."""
    held = list(names)
    for name in wanted:
        if name not in held:
            raise DataError(
                f"no array {name!r} (it holds {', '.join(held) or 'nothing'})",
                where=str(path),
                hint=f"it needs {', '.join(wanted)}",
            )


def _tensors(path: Path, data: bytes, wanted: list[str]) -> dict[str, Array]:
    """The wanted arrays of a safetensors file."""
    try:
        tensors = storage.parse_tensors(data)[0]
    except KeyError as error:
        raise DataError(
            f"it holds numbers of the type {error.args[0]}, which is not supported", where=str(path), hint=FLOATS
        ) from error
    _held(path, tensors, wanted)
    return {name: tensors[name] for name in wanted}


def _members(path: Path, data: bytes, wanted: list[str]) -> dict[str, Array]:
    """The wanted arrays of an NPZ file."""
    if not data.startswith(ZIP):
        raise ValueError("it is no archive of named arrays")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        _held(path, archive.files, wanted)
        return {name: _numbers(archive, name) for name in wanted}


def _numbers(archive: np.lib.npyio.NpzFile, name: str) -> Array:
    """One array of an archive, which may hold anything."""
    try:
        array: object = archive[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise ValueError(f"its array {name!r} holds Python objects, not numbers") from error
        raise
    if not isinstance(array, np.ndarray):
        raise ValueError(f"its member {name!r} is no array")  # noqa: TRY004 - it is a file's content
    return array

"""Gradients exchanged with other programs: what they need to compute theirs, and reading what they found.

A file, safetensors or NPZ by its suffix, holds the parameters ``W1``, ``b1``, …
and the examples ``X``, in columns, and ``Y``; theirs holds ``dW1``, ``db1``, ….
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from bpcli import storage
from bpcli.errors import DataError, refused
from bpcli.nn import Array
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace


def export(path: Path, parameters: Parameters, ws: Workspace) -> None:
    """Write the parameters and the examples in ``ws``: X (n_0, m), Y as the loss wants it.

    Raises:
        SystemRefusedError: the system refused.
    """
    tensors = {**parameters.named(), "X": ws.X, "Y": ws.Y}
    if path.suffix == ".npz":
        buffer = io.BytesIO()
        np.savez(buffer, **{name: np.ascontiguousarray(array) for name, array in tensors.items()})  # type: ignore[arg-type]
        storage.write(path, buffer.getvalue())
    else:
        storage.write_tensors(path, tensors, {"exported": "parameters and examples for a gradient"})


def gradients(path: Path, layers: int) -> dict[str, Array]:
    """Somebody's dW1, db1, … for ``layers`` layers; other arrays in the file are passed over.

    Raises:
        DataError: the file is absent or malformed, or an array is missing or not of floats.
    """
    found = _npz(path) if path.suffix == ".npz" else storage.read_tensors(path)[0]
    wanted = [name for layer in range(1, layers + 1) for name in (f"dW{layer}", f"db{layer}")]
    for name in wanted:
        if name not in found:
            held = ", ".join(found) or "nothing"
            raise DataError(
                f"no array {name!r} (it holds {held})", where=str(path), hint=f"it needs {', '.join(wanted)}"
            )
        if found[name].dtype.kind != "f" or not np.isfinite(found[name]).all():
            raise DataError(
                f"array {name!r} holds other than finite floats", where=str(path), hint="save float32 or float64"
            )
    return {name: found[name] for name in wanted}


def _npz(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise DataError("no such file", where=str(path), hint="check the path") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"not a readable NPZ file: {error}", where=str(path), hint="write it with numpy.savez"
        ) from error
    except OSError as error:
        raise refused("read", path, error) from error

"""Files shared with other programs: a batch for which they compute a gradient, and the gradient that they computed.

A file, safetensors or NPZ, holds the parameters ``W1``, ``b1``, … and the
examples ``X``, in columns, and ``Y``; the gradient's file holds ``dW1``, ``db1``, …,
or the same under the names of a framework.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import storage
from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.training.array_files import FLOATS_HINT, NPZ_SUFFIX, ArrayFile, open_array_file
from bpcli.training.array_names import Naming, recognise

SUFFIXES = (".safetensors", NPZ_SUFFIX)

SAME_CONFIG_HINT = "compute it for the parameters and examples that --export writes, with the same config and options"


def write_batch(path: Path, parameters: Parameters, ws: Workspace) -> None:
    """Write the parameters and the examples in ``ws``: X (n_0, m), Y as the loss takes it.

    Raises:
        ConfigError: the file's name ends neither in .safetensors nor in .npz.
        SystemRefusedError: the system refused to write.
    """
    tensors = {**parameters.named(), "X": ws.X, "Y": ws.Y}
    write_arrays(path, tensors, {"exported": "parameters and examples for a gradient"})


def write_arrays(path: Path, tensors: Mapping[str, Array], header: dict[str, Any]) -> None:
    """Write arrays by name, and, in a safetensors file, a header.

    Raises:
        ConfigError: the file's name ends neither in .safetensors nor in .npz.
        SystemRefusedError: the system refused to write.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"--export to {str(path)!r}: neither .safetensors nor .npz",
            where="command line",
            hint="end the file's name in one of the two",
        )
    if suffix == NPZ_SUFFIX:
        buffer = io.BytesIO()
        np.savez(buffer, **{name: np.asarray(array, order="C") for name, array in tensors.items()})  # type: ignore[arg-type]
        storage.write(path, buffer.getvalue())
    else:
        storage.write_tensors(path, dict(tensors), header)


@dataclass(frozen=True)
class GivenGradients:
    """The arrays dW1, db1, … that a file holds, how it names them, and what is wrong with the ones that are no use."""

    arrays: Mapping[str, Array]
    naming: Naming
    problems: Mapping[str, DataError]


def read_gradients(path: Path, sizes: tuple[int, ...], m: int) -> GivenGradients:
    """The gradients in a file, for layers of these sizes and m examples; its other arrays are ignored.

    Shapes that a known mistake gives (dW transposed, db summed over the wrong axis or not at all) are accepted;
    an array that is missing, not of finite floats or misshapen is among the problems.

    Raises:
        DataError: the file is absent or malformed, or its layers are not the network's.
        SystemRefusedError: the system refused to read.
    """
    file = open_array_file(path)
    naming = recognise(file, sizes, "d")
    arrays, problems = {}, {}
    for name in naming.names:
        try:
            arrays[name] = _checked(name, naming, file, sizes, m)
        except DataError as error:
            problems[name] = error
    return GivenGradients(arrays, naming, problems)


def _checked(name: str, naming: Naming, file: ArrayFile, sizes: tuple[int, ...], m: int) -> Array:
    """An array of the file.

    Raises:
        DataError: it is missing, no array of finite floats, or misshapen.
    """
    theirs, where, layer = naming.names[name], str(file.path), int(name[2:])
    if theirs not in file.names:
        raise DataError(
            f"no array {theirs!r} (it holds {', '.join(file.names) or 'nothing'})",
            where=where,
            hint=f"it needs {', '.join(naming.names.values())}",
        )
    array = naming.load(name, file)
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise DataError(f"array {theirs!r} holds other than finite floats", where=where, hint=FLOATS_HINT)
    fan_in, n = sizes[layer - 1], sizes[layer]
    fitting = array.shape in ((n, fan_in), (fan_in, n)) if "W" in name else _is_bias_shape(array.shape, n, m)
    if not fitting:
        needed = ((fan_in, n) if naming.turned else (n, fan_in)) if "W" in name else (n,)
        shape = array.T.shape if naming.turned and "W" in name else array.shape
        raise DataError(f"array {theirs!r} has shape {shape}, not {needed}", where=where, hint=SAME_CONFIG_HINT)
    return array


def _is_bias_shape(shape: tuple[int, ...], n: int, m: int) -> bool:
    """Whether a correct db or one with a known mistake can have the shape: a vector in any form, or unsummed."""
    size = int(np.prod(shape))
    vector = size in (n, m, 1) and size == max(shape, default=1)
    return vector or shape in ((n, m), (m, n))

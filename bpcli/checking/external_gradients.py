"""Files shared with other programs: a batch for which they compute a gradient, and the gradient that they computed.

A file, safetensors or NPZ, holds the parameters ``W1``, ``b1``, … and the
examples ``X``, in columns, and ``Y``; the gradient's file holds ``dW1``, ``db1``, …,
or the same under the names of a framework.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array
from bpcli.nn.parameters import Layout, Parameters, layer_of
from bpcli.nn.workspace import Workspace
from bpcli.storage.files import write
from bpcli.storage.tensors import write_tensors
from bpcli.training.array_files import FLOATS_HINT, NPZ_SUFFIX, ArrayFile, open_array_file, require_name
from bpcli.training.array_names import OWNED, Naming, recognise

SUFFIXES = (".safetensors", NPZ_SUFFIX)

EXPORTED_NAMES = (
    (frozenset({"W1", "b1", "X", "Y"}), re.compile(rf"({'|'.join(('W', 'b', *sorted(OWNED)))})\d+|X|Y")),
    (frozenset({"theta0", "gradient1", "header"}), re.compile(r"theta0|memory0\..+|gradient\d+|header")),
)
"""The names in an NPZ export for gradients, and in one for updates: some that it has, and all that it may have."""

SAME_CONFIG_HINT = "compute it for the parameters and examples that --export writes, with the same config and options"


def require_exportable(path: Path) -> None:
    """Refuse a file that an export must not write.

    Raises:
        ConfigError: its name ends neither in .safetensors nor in .npz, or there is a file that is no export.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"--export to {str(path)!r}: neither .safetensors nor .npz",
            where="command line",
            hint="end the file's name in one of the two",
        )
    if path.is_file() and path.stat().st_size and not _is_export(path):
        raise ConfigError(
            f"--export to {str(path)!r}: there is a file of that name which is no export of bp",
            where="command line",
            hint="export to another name, or move the file",
        )


def _is_export(path: Path) -> bool:
    """Whether a file is an export for gradients or for updates."""
    try:
        file = open_array_file(path)
    except DataError:
        return False
    if path.suffix.lower() != NPZ_SUFFIX:
        return "exported" in (file.header or {})
    names = frozenset(file.names)
    return any(needed <= names and all(map(rest.fullmatch, names)) for needed, rest in EXPORTED_NAMES)


def write_batch(path: Path, parameters: Parameters, ws: Workspace) -> None:
    """Write the parameters and the examples in ``ws``: X (n_0, m), Y as the loss takes it.

    Raises:
        SystemRefusedError: the system refused to write.
    """
    tensors = {**parameters.named(), "X": ws.X, "Y": ws.Y}
    write_arrays(path, tensors, {"exported": "parameters and examples for a gradient"})


def write_arrays(path: Path, tensors: Mapping[str, Array], header: dict[str, Any]) -> None:
    """Write arrays by name, and, in a safetensors file, a header.

    Raises:
        SystemRefusedError: the system refused to write.
    """
    if path.suffix.lower() == NPZ_SUFFIX:
        buffer = io.BytesIO()
        np.savez(buffer, **{name: np.asarray(array, order="C") for name, array in tensors.items()})  # type: ignore[arg-type]
        write(path, buffer.getvalue())
    else:
        write_tensors(path, dict(tensors), header)


@dataclass(frozen=True)
class GivenGradients:
    """The arrays dW1, db1, … that a file holds, how it names them, and what is wrong with the ones that are no use."""

    arrays: Mapping[str, Array]
    naming: Naming
    problems: Mapping[str, DataError]


def read_gradients(path: Path, layout: Layout, m: int) -> GivenGradients:
    """The gradients in a file, for layers of this layout and m examples; its other arrays are ignored.

    Shapes that a known mistake gives (dW transposed, db summed over the wrong axis or not at all) are accepted;
    an array that is missing, not of finite floats or misshapen is among the problems.

    Raises:
        DataError: the file is absent or malformed, or its layers are not the network's.
        SystemRefusedError: the system refused to read.
    """
    file = open_array_file(path)
    naming = recognise(file, layout, "d")
    arrays, problems = {}, {}
    for name in naming.names:
        try:
            arrays[name] = _checked(name, naming, file, layout.sizes, m)
        except DataError as error:
            problems[name] = error
    return GivenGradients(arrays, naming, problems)


def _checked(name: str, naming: Naming, file: ArrayFile, sizes: tuple[int, ...], m: int) -> Array:
    """An array of the file.

    Raises:
        DataError: it is missing, no array of finite floats, or misshapen.
    """
    theirs, where, (kind, layer) = naming.names[name], str(file.path), layer_of(name)
    require_name(file, theirs, naming.names.values())
    declared = file.declared(theirs)
    if declared.dtype.kind != "f":
        raise DataError(f"array {theirs!r} holds {declared.dtype.name}, not floats", where=where, hint=FLOATS_HINT)
    fan_in, n = sizes[layer - 1], sizes[layer]
    needed: tuple[int, ...] = (1,)
    fitting = declared.shape in ((), (1,), (1, 1))
    if kind == "dW":
        needed, fitting = (fan_in, n) if naming.turned else (n, fan_in), declared.shape in ((n, fan_in), (fan_in, n))
    elif kind == "db":
        needed, fitting = (n,), _is_bias_shape(declared.shape, n, m)
    if not fitting:
        raise DataError(f"array {theirs!r} has shape {declared.shape}, not {needed}", where, SAME_CONFIG_HINT)
    _require_finite(theirs, file.load(theirs), where)
    return naming.load(name, file)


def _require_finite(name: str, array: Array, where: str) -> None:
    """Refuse an array with a number that is not finite.

    Raises:
        DataError: it has one.
    """
    places = np.argwhere(~np.isfinite(array))
    if len(places):
        index = tuple(places[0].tolist())
        raise DataError(
            f"array {name!r} is {array[index]} at {list(index)}",
            where=where,
            hint="find what overflows or divides by 0 in the program that computed it",
        )


def _is_bias_shape(shape: tuple[int, ...], n: int, m: int) -> bool:
    """Whether a correct db or one with a known mistake can have the shape: a vector in any form, or unsummed."""
    size = int(np.prod(shape))
    vector = size in (n, m, 1) and size == max(shape, default=1)
    return vector or shape in ((n, m), (m, n))

"""Initial parameters from a file of tensors: read, checked, and compared with the run that they are from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.data.encoding.features import Features
from bpcli.data.encoding.targets import Targets
from bpcli.errors import DataError
from bpcli.nn import Array
from bpcli.nn.layers import describe_layer
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.storage.text import to_json

MODEL = "model.safetensors"
"""The model's file in a run folder."""


@dataclass(frozen=True)
class Origin:
    """Where parameters come from: their model's header, None if it is no run's, and words for a framework's names.

    ``file`` is the file that was read, ``digest`` its SHA-256.
    """

    header: dict[str, Any] | None
    naming: str
    file: Path
    digest: str


def read_initial_parameters(path: Path, parameters: Parameters) -> Origin:
    """Copy the parameters of a safetensors or NPZ file, or of a run folder's model, into ``parameters``.

    Arrays of other names, such as the examples of an export, are ignored; layers more than the network has are not.

    Raises:
        DataError: the file is absent or malformed, or its tensors do not fit the network.
        SystemRefusedError: the system refused to read.
    """
    from bpcli.training.array_files import open_array_file
    from bpcli.training.array_names import is_own_name, recognise

    file = path / MODEL if path.is_dir() else path
    if not file.exists():
        raise DataError("no such file", where=str(file), hint="name a run folder, a safetensors or an NPZ file")
    found = open_array_file(file)
    naming = recognise(found, parameters.layout, "")
    if naming.framework:
        tensors = {own: naming.load(own, found) for own, theirs in naming.names.items() if theirs in found.names}
    else:
        tensors = {name: found.load(name) for name in found.names if is_own_name(name)}
    fill_parameters(parameters, tensors, file, naming.names)
    of_model = found.header is not None and "features" in found.header
    return Origin(found.header if of_model else None, naming.words, file, found.digest)


def differences_of_origin(
    header: dict[str, Any] | None, network: Network, features: Features, targets: Targets
) -> list[str]:
    """In what the run that trained the parameters differs from the experiment that starts from them, in words.

    ``header`` is that of the parameters' file. Parameters fit any columns and classes of the same number, so
    a difference may be a mistake. A file without bp's header has none.
    """
    if header is None:
        return []
    layers = [describe_layer(layer) for layer in network.layers]
    return [
        what
        for what, theirs, ours in (
            ("activations", [header.get("hidden"), header.get("output")], [layers[:-1], layers[-1]]),
            ("columns, categories or scaling", header.get("features"), features.to_json()),
            ("targets", header.get("targets"), targets.to_json()),
        )
        if to_json(theirs) != to_json(ours)
    ]


def fill_parameters(
    parameters: Parameters, tensors: dict[str, Array], file: Path, names: Mapping[str, str] | None = None
) -> None:
    """Copy W1, b1, … into ``parameters``; b may be (n,), (n, 1) or (1, n), and one number in any shape.

    ``names`` are the file's, for messages.

    Raises:
        DataError: a tensor is missing, unknown, misshapen or not finite.
    """
    needed, called = parameters.named(), names or {}
    layers, listed = "-".join(map(str, parameters.layout.sizes)), ", ".join(called.get(name, name) for name in needed)
    for name in [*needed, *tensors]:
        if name not in tensors or name not in needed:
            problem = "missing" if name in needed else "more than the network has"
            raise DataError(
                f"tensor {called.get(name, name)!r} is {problem}",
                where=str(file),
                hint=f"layers {layers} need {listed}",
            )
    for name, array in needed.items():
        given, theirs = tensors[name], called.get(name, name)
        if array.ndim == 1 and given.size == array.size == max(given.shape, default=1):
            given = given.reshape(-1)
        if given.shape != array.shape or given.dtype.kind != "f":
            raise DataError(
                f"tensor {theirs!r} is {given.dtype} in shape {given.shape}, not floats in shape {array.shape}",
                where=str(file),
                hint=f"the network's layers are {layers}",
            )
        with np.errstate(over="ignore"):
            array[...] = given
        if not np.isfinite(array).all():
            beyond = np.isfinite(given).all()
            problem = f"too large for {array.dtype}" if beyond else "not finite"
            raise DataError(
                f"tensor {theirs!r} holds values that are {problem}",
                where=str(file),
                hint="set dtype: float64" if beyond else "find what made them so: no network starts from them",
            )

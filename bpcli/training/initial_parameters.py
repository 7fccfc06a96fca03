"""Initial parameters from a file of tensors W1, b1, …: read, checked, and compared with the run they are from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bpcli import storage
from bpcli.data.encoding.features import Features
from bpcli.data.encoding.targets import Targets
from bpcli.errors import DataError
from bpcli.nn import Array
from bpcli.nn.layers import describe_layer
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters

MODEL = "model.safetensors"
"""The model's file in a run folder."""


def read_initial_parameters(path: Path, parameters: Parameters) -> dict[str, Any] | None:
    """Copy the tensors of a safetensors file, or of a run folder's model, into ``parameters``; bp's header, if any.

    Raises:
        DataError: the file is absent or malformed, or its tensors do not fit the network.
    """
    file = path / MODEL if path.is_dir() else path
    tensors, header = storage.read_tensors(file)
    fill_parameters(parameters, tensors, file)
    return header


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
            ("activations", [*header.get("hidden", []), header.get("output")], layers),
            ("columns, categories or scaling", header.get("features"), features.to_json()),
            ("targets", header.get("targets"), targets.to_json()),
        )
        if storage.to_json(theirs) != storage.to_json(ours)
    ]


def fill_parameters(parameters: Parameters, tensors: dict[str, Array], file: Path) -> None:
    """Copy W1, b1, … into ``parameters``; b may be (n,) or (n, 1).

    Raises:
        DataError: a tensor is missing, unknown, misshapen or not finite.
    """
    needed = parameters.named()
    layers = "-".join(map(str, parameters.sizes))
    for name in [*needed, *tensors]:
        if name not in tensors or name not in needed:
            problem = "missing" if name in needed else "more than the network has"
            raise DataError(
                f"tensor {name!r} is {problem}", where=str(file), hint=f"layers {layers} need {', '.join(needed)}"
            )
    for name, array in needed.items():
        given = tensors[name]
        if array.ndim == 1 and given.shape == (*array.shape, 1):
            given = given[:, 0]
        if given.shape != array.shape or given.dtype.kind != "f":
            raise DataError(
                f"tensor {name!r} is {given.dtype} in shape {given.shape}, not floats in shape {array.shape}",
                where=str(file),
                hint=f"the network's layers are {layers}",
            )
        with np.errstate(over="ignore"):
            array[...] = given
        if not np.isfinite(array).all():
            raise DataError(
                f"tensor {name!r} holds values that are not finite in {array.dtype}",
                where=str(file),
                hint="train it again",
            )

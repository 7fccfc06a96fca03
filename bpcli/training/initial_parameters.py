"""Where training starts from: parameters taken from a file of tensors W1, b1 and so on."""

from __future__ import annotations

from pathlib import Path

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


def read_weights(path: Path, parameters: Parameters) -> None:
    """Fill ``parameters`` from a safetensors file or a run folder's model.

    Raises:
        DataError: the file is absent or malformed, or its tensors are other ones.
    """
    file = path / MODEL if path.is_dir() else path
    tensors, _ = storage.read_tensors(file)
    fill(parameters, tensors, file)


def other_than(path: Path, network: Network, features: Features, targets: Targets) -> list[str]:
    """In what a run whose weights are taken over differs from the experiment that takes them.

    Weights fit any columns and classes of the same number, so a difference is
    worth telling; a file without bp's header tells nothing.
    """
    _, header = storage.read_tensors(path / MODEL if path.is_dir() else path)
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


def fill(parameters: Parameters, tensors: dict[str, Array], file: Path) -> None:
    """Copy W1, b1, … into ``parameters``; b may be (n,) or (n, 1).

    Raises:
        DataError: a tensor is missing, left over, misshapen or not finite.
    """
    wanted = parameters.named()
    layers = "-".join(map(str, parameters.sizes))
    for name in [*wanted, *tensors]:
        if name not in tensors or name not in wanted:
            problem = "missing" if name in wanted else "more than the network has"
            raise DataError(
                f"tensor {name!r} is {problem}", where=str(file), hint=f"layers {layers} need {', '.join(wanted)}"
            )
    for name, array in wanted.items():
        given = tensors[name]
        if given.shape == (*array.shape, 1) and name.startswith("b"):
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

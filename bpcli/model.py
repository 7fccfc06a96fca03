"""A trained model: the network, its parameters, and how examples are encoded for it.

``model.safetensors`` holds the tensors ``W1``, ``b1``, … and, as one JSON header,
all that predicting needs. Weights alone may come from any safetensors file with
those tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import choices, storage
from bpcli.data import features as feature_room
from bpcli.data import targets as target_room
from bpcli.data.features import Features
from bpcli.data.raw import Format
from bpcli.data.targets import Targets
from bpcli.errors import DataError
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters, count

FILE = "model.safetensors"
"""The model's file in a run folder."""

VERSION = 1
"""The version of the header's form."""


@dataclass(frozen=True)
class Model:
    """What it takes to turn examples of a file into predictions."""

    network: Network
    parameters: Parameters
    features: Features
    targets: Targets
    form: Format

    @property
    def dtype(self) -> np.dtype:
        """The precision it computes in."""
        return self.parameters.theta.dtype


def save(path: Path, model: Model) -> None:
    """Write ``model.safetensors``."""
    network = model.network
    header = {
        "version": VERSION,
        "layers": list(network.sizes),
        "hidden": [choices.describe(ACTIVATIONS, activation) for activation in network.hidden],
        "output": choices.describe(ACTIVATIONS, network.head.activation),
        "loss": choices.describe(LOSSES, network.head.loss),
        "features": model.features.to_json(),
        "targets": model.targets.to_json(),
        "format": {**vars(model.form), "missing": list(model.form.missing)},
    }
    storage.write_tensors(path, model.parameters.named(), header)


def load(path: Path) -> Model:
    """Read ``model.safetensors``, or the one in a run folder.

    Raises:
        DataError: the file is absent, malformed or not a bp model.
    """
    file = path / FILE if path.is_dir() else path
    tensors, header = storage.read_tensors(file)
    if header is None:
        raise DataError("the file holds tensors but no bp model", where=str(file), hint="name a run folder")
    version = header.get("version") if isinstance(header, dict) else None
    if version != VERSION:
        raise DataError(
            f"the header is of version {version!r}, not {VERSION}", where=str(file), hint="use the bp that wrote it"
        )
    try:
        network = _network(header)
        features = feature_room.from_json(header["features"])
        targets = target_room.from_json(header["targets"])
        saved = header["format"]
        form = Format(saved["delimiter"], saved["header"], tuple(saved["missing"]))
        dtype = np.result_type(*(array.dtype for array in tensors.values()), np.float32)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"the model's header is malformed ({error!r})", where=str(file), hint="copy the file again"
        ) from error
    parameters = Parameters(network.sizes, np.zeros(count(network.sizes), dtype))
    fill(parameters, tensors, file)
    if (features.size, targets.outputs) != (network.sizes[0], network.sizes[-1]):
        raise DataError("the model's encoding and its network differ in size", where=str(file), hint="copy it again")
    return Model(network, parameters, features, targets, form)


def _network(header: dict[str, Any]) -> Network:
    hidden = tuple(choices.build(ACTIVATIONS, activation) for activation in header["hidden"])
    head = join(choices.build(ACTIVATIONS, header["output"]), choices.build(LOSSES, header["loss"]))
    sizes = tuple(int(size) for size in header["layers"])
    if len(sizes) != len(hidden) + 2 or min(sizes) < 1:
        raise ValueError(f"layers {sizes} with {len(hidden)} hidden activations")
    return Network(sizes, hidden, head)


def read_weights(path: Path, parameters: Parameters) -> None:
    """Fill ``parameters`` from a safetensors file or a run folder's model.

    Raises:
        DataError: the file is absent or malformed, or its tensors are other ones.
    """
    file = path / FILE if path.is_dir() else path
    tensors, _ = storage.read_tensors(file)
    fill(parameters, tensors, file)


def other_than(path: Path, network: Network, features: Features, targets: Targets) -> list[str]:
    """In what a run whose weights are taken over differs from the experiment that takes them.

    Weights fit any columns and classes of the same number, so a difference is
    worth telling; a file without bp's header tells nothing.
    """
    _, header = storage.read_tensors(path / FILE if path.is_dir() else path)
    if header is None:
        return []
    activations = [choices.describe(ACTIVATIONS, activation) for activation in network.activations]
    return [
        what
        for what, theirs, ours in (
            ("activations", [*header.get("hidden", []), header.get("output")], activations),
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

"""A trained model and its file: the network, its parameters, and the encoding of its examples.

``model.safetensors`` holds the tensors ``W1``, ``b1``, …, with what activations own, and one JSON header with
everything else that a prediction needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcli import choices
from bpcli.data.encoding.features import Features, features_from_json
from bpcli.data.encoding.targets import Targets, targets_from_json
from bpcli.data.files.dataset import Format
from bpcli.errors import ConfigError, DataError
from bpcli.experiment import Experiment
from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.runs.model_header import NETWORK_KEYS, describe_network, format_from_json, network_from_json
from bpcli.runs.series import require_no_series
from bpcli.storage.strict_json import MalformedError, Saved
from bpcli.storage.tensors import read_tensors, write_tensors
from bpcli.training.initial_parameters import MODEL, fill_parameters

VERSION = 2
"""The version of the header's layout."""

NEEDED_KEYS = ("version", *NETWORK_KEYS, "features", "targets", "format")
OPTIONAL_KEYS = ("plugins", "sample_weight")


@dataclass(frozen=True)
class Model:
    """Everything that turns the examples of a file into predictions.

    ``form`` is the format of table files, ``weight_column`` the column with the weights of examples.
    """

    network: Network
    parameters: Parameters
    features: Features
    targets: Targets
    form: Format
    weight_column: str | None = None

    @property
    def dtype(self) -> np.dtype:
        """The precision of the computation."""
        return self.parameters.theta.dtype


def model_of(experiment: Experiment, theta: Array) -> Model:
    """The model that an experiment gives with parameters θ, (P,)."""
    parameters, loaded = experiment.network.parameters(theta), experiment.loaded
    column = loaded.request.weights.column
    return Model(experiment.network, parameters, loaded.features, loaded.targets, experiment.form, column)


def save_model(path: Path, model: Model) -> None:
    """Write ``model.safetensors``."""
    network = model.network
    header = {
        "version": VERSION,
        **describe_network(network),
        "features": model.features.to_json(),
        "targets": model.targets.to_json(),
        "format": {**vars(model.form), "missing": list(model.form.missing)},
    }
    if choices.PLUGINS:
        header["plugins"] = dict(choices.PLUGINS)
    if model.weight_column is not None:
        header["sample_weight"] = model.weight_column
    write_tensors(path, model.parameters.named(), header)


def load_model(path: Path) -> Model:
    """Read a model file; ``path`` is the file or the run folder that it lies in.

    Raises:
        ConfigError: it is a config.
        DataError: the file is absent, malformed or not a bp model, or the folder holds a series.
    """
    if path.suffix.lower() in (".yaml", ".yml") and path.is_file():
        raise ConfigError(
            "this is a config, not a run", where=str(path), hint=f"name the run folder that bp train {path} prints"
        )
    require_no_series(path)
    file = path / MODEL if path.is_dir() else path
    tensors, header = read_tensors(file)
    if header is None:
        raise DataError("the file holds tensors but no bp model", where=str(file), hint="name a run folder")
    version = header.get("version") if isinstance(header, dict) else None
    if version != VERSION:
        raise DataError(
            f"the header is of version {version!r}, not {VERSION}", where=str(file), hint="use the bp that wrote it"
        )
    try:
        keys = Saved(header).keys(NEEDED_KEYS, OPTIONAL_KEYS)
        _require_plugins({name: each.text() for name, each in _optional(keys, "plugins").items()}, file)
        network = network_from_json(keys)
        features = features_from_json(keys["features"])
        targets = targets_from_json(keys["targets"], network.head.loss.targets)
        form = format_from_json(keys["format"])
        weight_column = keys["sample_weight"].text() if "sample_weight" in keys else None
        _require_sizes(keys, network, features, targets)
    except MalformedError as error:
        raise DataError(f"the model's header is malformed: {error}", str(file), "copy the file again") from error
    dtype = np.result_type(*(array.dtype for array in tensors.values()), np.float32)
    parameters = _parameters(network, dtype, file)
    fill_parameters(parameters, tensors, file)
    return Model(network, parameters, features, targets, form, weight_column)


def _optional(keys: Mapping[str, Saved], name: str) -> Mapping[str, Saved]:
    return keys[name].mapping() if name in keys else {}


def _require_sizes(keys: Mapping[str, Saved], network: Network, features: Features, targets: Targets) -> None:
    """The encoding has as many inputs and outputs as the network.

    Raises:
        MalformedError: it has not.
    """
    for name, ours, theirs in (
        ("features", features.size, network.sizes[0]),
        ("targets", targets.outputs, network.sizes[-1]),
    ):
        if ours != theirs:
            what = "inputs" if name == "features" else "outputs"
            keys[name].refuse(f"make {ours} {what}, and the network has {theirs}")


def _parameters(network: Network, dtype: np.dtype, file: Path) -> Parameters:
    """Parameters to fill; their number is the header's word, and may be any.

    Raises:
        DataError: they are more than memory.
    """
    try:
        return network.parameters(np.zeros(network.layout.count, dtype))
    except (MemoryError, ValueError) as error:
        message = f"a network of {network.layout.count:,} parameters is larger than memory"
        raise DataError(message, where=str(file), hint="copy the file again") from error


def _require_plugins(needed: Mapping[str, str], file: Path) -> None:
    """The files of choices with which the model was trained are loaded, and the same.

    Raises:
        ConfigError: one is not loaded.
        DataError: one is another than in training.
    """
    for name, digest in needed.items():
        if name not in choices.PLUGINS:
            raise ConfigError(
                f"the model was trained with the choices of {name}", where=str(file), hint=f"add --plugin {name}"
            )
        if choices.PLUGINS[name] != digest:
            raise DataError(
                f"{name} is not the file that the model was trained with (SHA-256 {digest[:12]}…)",
                where=str(file),
                hint="restore it: another formula would give other predictions",
            )

"""The network that a resolved config describes, and its first parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bpcli.config.schema import Config
from bpcli.data.loading import Loaded
from bpcli.errors import ConfigError
from bpcli.nn.activations import Softmax
from bpcli.nn.heads import join
from bpcli.nn.layers import Dense, Layer
from bpcli.nn.network import Network, initial
from bpcli.nn.parameters import Parameters
from bpcli.streams import stream
from bpcli.training.initial_parameters import differences_of_origin, read_initial_parameters


def network_of(config: Config, inputs: int, outputs: int) -> Network:
    """The network of a resolved config, of n_0 inputs and n_L outputs.

    Raises:
        ConfigError: a layer of softmax has one unit.
    """
    hidden, output, initializer = config.network.hidden, config.network.output, config.network.initializer
    assert output is not None, "resolution does not leave it open"
    assert initializer is not None, "resolution does not leave it open"
    layers = (*hidden, Dense(outputs, output, initializer))
    for index, layer in enumerate(hidden):
        _refuse_lonely_softmax(layer, f"network.hidden.{index}", "give it more units")
    _refuse_lonely_softmax(layers[-1], "network.output", "sigmoid with binary_cross_entropy has one output")
    return Network(inputs, layers, join(output, config.loss))


def _refuse_lonely_softmax(layer: Layer, key: str, hint: str) -> None:
    if isinstance(layer.activation, Softmax) and layer.units == 1:
        raise ConfigError("a softmax of one unit is always 1, so nothing below it can learn", key=key, hint=hint)


def initial_parameters(config: Config, network: Network, loaded: Loaded) -> Parameters:
    """The initial parameters: drawn, or W and b of a file; a warning tells of what else differed there.

    The file's SHA-256 joins those of the data.
    """
    parameters = initial(network, np.dtype(config.dtype), stream(config.seed, "initial weights"))
    if config.network.weights is not None:
        path = Path(config.network.weights)
        origin = read_initial_parameters(path, parameters)
        loaded.digests[str(origin.file)] = origin.digest
        if origin.naming:
            loaded.warnings.other.append(f"{path} is {origin.naming}")
        other = differences_of_origin(origin.header, network, loaded.features, loaded.targets)
        if other:
            loaded.warnings.other.append(
                f"the weights of {path} were learned with other {'; '.join(other)}: only W and b are taken over"
            )
    return parameters

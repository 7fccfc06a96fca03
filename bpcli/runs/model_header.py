"""The header of a model file: the network and the encoding as plain data, and read back strictly.

Each part is read by the room that describes it; the settings of activations, losses and layers
are checked as those of a config.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from bpcli.choices import describe
from bpcli.config.described import read_choice, read_layer
from bpcli.config.registries import KINDS
from bpcli.data.files.dataset import Format
from bpcli.data.files.numerals import DecimalMark, ThousandsMark
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.heads import join
from bpcli.nn.layers import MOST_UNITS, Dense, describe_layer
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network
from bpcli.storage.strict_json import Saved

NETWORK_KEYS = ("layers", "hidden", "output", "loss")


def describe_network(network: Network) -> dict[str, Any]:
    """The keys of the header that say what the network is."""
    return {
        "layers": list(network.sizes),
        "hidden": [describe_layer(layer) for layer in network.layers[:-1]],
        "output": describe(ACTIVATIONS, network.head.activation),
        "loss": describe(LOSSES, network.head.loss),
    }


def network_from_json(keys: Mapping[str, Saved]) -> Network:
    """The network that :func:`describe_network` described.

    Raises:
        MalformedError: they describe none.
    """
    sizes = tuple(size.count(1, MOST_UNITS) for size in keys["layers"].items())
    hidden = keys["hidden"].items()
    if len(sizes) != len(hidden) + 2:
        keys["layers"].refuse(f"has {len(sizes)} sizes, not {len(hidden) + 2} as for {len(hidden)} hidden layers")
    layers = [read_layer(each, units) for each, units in zip(hidden, sizes[1:-1], strict=True)]
    output, loss = read_choice(KINDS["activations"], keys["output"]), read_choice(KINDS["losses"], keys["loss"])
    return Network(sizes[0], (*layers, Dense(sizes[-1], output)), join(output, loss))


def format_from_json(saved: Saved) -> Format:
    """The format of table files.

    Raises:
        MalformedError: it describes none.
    """
    keys = saved.keys(vars(Format()))
    delimiter = None if keys["delimiter"].value is None else _delimiter(keys["delimiter"])
    decimal = keys["decimal"].one_of(get_args(DecimalMark))
    thousands = None if keys["thousands"].value is None else keys["thousands"].one_of(get_args(ThousandsMark))
    if decimal == thousands:
        keys["thousands"].refuse("is the decimal mark too")
    return Format(delimiter, keys["header"].truth(), keys["missing"].texts(), decimal, thousands)


def _delimiter(saved: Saved) -> str:
    mark = saved.text()
    if len(mark) != 1 or mark in '\0\r\n"':
        saved.refuse(f"is {mark!r}, not one character")
    return mark

"""Why can a document not express a network? What the one needs, and what the other has instead.

Each function finds one kind of clash, or nothing, which is the empty string.
"""

from __future__ import annotations

from typing import Any

from bpcli.explaining.documents.steps import activation_names, named
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network


def clash(needed: str, found: str) -> str:
    """What the document needs and what the network has."""
    return f"the document needs {needed}, the network has {found}"


def of_loss(network: Network, *needed: type[Any]) -> str:
    """The clash where the loss is none of those that the document derives."""
    loss = network.head.loss
    if isinstance(loss, needed):
        return ""
    wanted = [name for name, kind in LOSSES.items() if kind in needed]
    return clash(f"loss {' or '.join(wanted)}", f"loss {named(LOSSES, loss)}")


def of_output(network: Network, needed: str) -> str:
    """The clash where the output's activation is not the ``needed`` one."""
    output = activation_names(network)[-1]
    return "" if output == needed else clash(f"output {needed}", f"output {output}")


def of_softmax(network: Network, letter: str, layers: range) -> str:
    """The clash where units of one of ``layers`` act on one another; ``letter`` is the document's for an activation."""
    names = activation_names(network)
    found = [l for l in layers if names[l] == "softmax"]
    return clash(f"{letter} to act on each unit by itself", f"softmax in layer {found[0]}") if found else ""


def hidden_layers(network: Network) -> range:
    """The hidden layers' numbers."""
    return range(1, len(network.sizes) - 1)


def all_layers(network: Network) -> range:
    """The numbers of all layers that compute."""
    return range(1, len(network.sizes))

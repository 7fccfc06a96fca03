"""Why a document cannot express a network: what the document needs, and what the network has instead.

Each function looks for one kind of clash; the empty string means that there is none.
"""

from __future__ import annotations

from bpcli.choices import name_of
from bpcli.explaining.documents.steps import activation_names
from bpcli.nn.losses import LOSSES, Loss
from bpcli.nn.network import Network


def clash(needed: str, found: str) -> str:
    """What the document needs and what the network has."""
    return f"the document needs {needed}, the network has {found}"


def derives(loss: Loss, *derived: type[Loss]) -> bool:
    """Whether a loss is one of those that a document derives, of targets as they are."""
    return isinstance(loss, derived) and getattr(loss, "label_smoothing", None) is None


def of_loss(network: Network, *derived: type[Loss]) -> str:
    """The clash where the loss is none of those that the document derives."""
    loss = network.head.loss
    if derives(loss, *derived):
        return ""
    if isinstance(loss, derived):
        return clash("targets as they are", "smoothed ones (label_smoothing)")
    names = [name for name, kind in LOSSES.items() if kind in derived]
    return clash(f"loss {' or '.join(names)}", f"loss {name_of(LOSSES, loss)}")


def of_joint_outputs(network: Network) -> str:
    """The clash where the loss is not a sum over outputs."""
    loss = network.head.loss
    return "" if loss.elementwise else clash("a cost of each output by itself", f"loss {name_of(LOSSES, loss)}")


def of_output(network: Network, needed: str) -> str:
    """The clash where the output's activation is not the ``needed`` one."""
    output = activation_names(network)[-1]
    return "" if output == needed else clash(f"output {needed}", f"output {output}")


def of_joint_units(network: Network, letter: str, layers: range) -> str:
    """The clash where an activation of ``layers`` is not elementwise; ``letter`` is the document's for activations."""
    for l in layers:
        if not network.activations[l - 1].elementwise:
            return clash(f"{letter} to act on each unit by itself", f"{activation_names(network)[l]} in layer {l}")
    return ""


def hidden_layers(network: Network) -> range:
    """The hidden layers' numbers."""
    return range(1, len(network.sizes) - 1)


def all_layers(network: Network) -> range:
    """The numbers of all layers that compute."""
    return range(1, len(network.sizes))

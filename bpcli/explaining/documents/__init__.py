"""The standard notation, and five derivations of backpropagation: notation, equations and steps of each.

A :class:`~bpcli.explaining.trace.Trace` holds what the engine computed; a
document has its own numbering of layers, orientation of weights, reductions and
sign for the same arrays. Where a document has a slip, the right equation is shown
with a note.
"""

from __future__ import annotations

from bpcli.choices import name_of
from bpcli.errors import ConfigError, did_you_mean
from bpcli.explaining.documents import binary, biswas, brawer, general, half_squared_error, standard
from bpcli.explaining.documents.steps import Document
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.layers import LAYERS, Dense
from bpcli.nn.network import Network

DOCUMENTS: dict[str, Document] = {
    document.name: document
    for document in (
        standard.DOCUMENT,
        binary.DOCUMENT,
        biswas.DOCUMENT,
        brawer.DOCUMENT,
        general.DOCUMENT,
        half_squared_error.DOCUMENT,
    )
}

WHERE = "command line"


def objection_to(document: Document, network: Network) -> str:
    """Why a document cannot express ``network``; empty where it can."""
    for l, layer in enumerate(network.layers, start=1):
        if not isinstance(layer, Dense):
            return f"layer {l} is a {name_of(LAYERS, layer)} one"
        if layer.activation.owned and not document.complete:
            name, names = name_of(ACTIVATIONS, layer.activation), " and ".join(layer.activation.owned)
            return f"{name} in layer {l} learns its {names}, where the document's parameters are W and b alone"
    return document.objection(network)


def expressing(network: Network, *, weighted: bool) -> list[str]:
    """The names of the documents that can express ``network``, and weights of examples where those are ``weighted``."""
    return [
        name
        for name, document in DOCUMENTS.items()
        if not objection_to(document, network) and (document.complete or not weighted)
    ]


def choose(name: str | None, network: Network) -> Document:
    """The document called ``name``, by default the standard notation.

    Raises:
        ConfigError: there is no such document, or it cannot express the network.
    """
    name = standard.DOCUMENT.name if name is None else name
    if name not in DOCUMENTS:
        raise ConfigError(f"there is no document {name!r}", where=WHERE, hint=did_you_mean(name, DOCUMENTS))
    objection = objection_to(DOCUMENTS[name], network)
    if objection:
        hint = f"documents that can: {', '.join(expressing(network, weighted=False)) or 'none'}"
        raise ConfigError(f"document {name} cannot express this network: {objection}", where=WHERE, hint=hint)
    return DOCUMENTS[name]

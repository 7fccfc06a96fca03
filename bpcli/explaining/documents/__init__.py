"""Five derivations of backpropagation: the notation, the equations and the steps of each.

A :class:`~bpcli.explaining.trace.Trace` holds what the engine computed; a
document tells it in its own words, with its own numbering of layers, orientation
of weights, reductions and sign. Where a document has a slip, the right equation
stands there with a note.
"""

from __future__ import annotations

from bpcli.errors import ConfigError, did_you_mean
from bpcli.explaining.documents import binary, biswas, brawer, general, half_squared_error
from bpcli.explaining.documents.steps import Document
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError
from bpcli.nn.network import Network

DOCUMENTS: dict[str, Document] = {
    document.name: document
    for document in (
        binary.DOCUMENT,
        biswas.DOCUMENT,
        brawer.DOCUMENT,
        general.DOCUMENT,
        half_squared_error.DOCUMENT,
    )
}

PREFERRED: dict[type, tuple[str, ...]] = {
    BinaryCrossEntropy: ("binary", "brawer", "general"),
    CrossEntropy: ("biswas", "general"),
    HalfSquaredError: ("half-squared-error", "general"),
}
"""By loss: the document that derives it, then those that can too."""

WHERE = "command line"


def expressing(network: Network) -> list[str]:
    """The names of the documents that can express ``network``."""
    return [name for name, document in DOCUMENTS.items() if not document.objection(network)]


def choose(name: str | None, network: Network) -> Document:
    """The document called ``name``, by default the first that suits the loss and can express ``network``.

    Raises:
        ConfigError: there is no such document, or it cannot express the network.
    """
    able = expressing(network)
    if name is None:
        preferred = [known for known in PREFERRED.get(type(network.head.loss), ()) if known in able]
        if not preferred:
            raise ConfigError("no document can express this network", where=WHERE, hint=_objections(network))
        return DOCUMENTS[preferred[0]]
    if name not in DOCUMENTS:
        raise ConfigError(f"there is no document {name!r}", where=WHERE, hint=did_you_mean(name, DOCUMENTS))
    objection = DOCUMENTS[name].objection(network)
    if objection:
        hint = f"documents that can: {', '.join(able) or 'none'}"
        raise ConfigError(f"document {name} cannot express this network: {objection}", where=WHERE, hint=hint)
    return DOCUMENTS[name]


def _objections(network: Network) -> str:
    """What keeps each document that derives the loss from it."""
    names = PREFERRED.get(type(network.head.loss), tuple(DOCUMENTS))
    return "; ".join(f"{name}: {DOCUMENTS[name].objection(network)}" for name in names)

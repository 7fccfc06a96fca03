"""What the documents' vocabularies share: the rule's settings, a layer's function, one example of several."""

from __future__ import annotations

from dataclasses import replace

from bpcli.explaining.trace import Trace
from bpcli.nn.optimizers.rule import greek_settings


def constants(trace: Trace) -> dict[str, float]:
    """The learning rate, the rule's settings, and the number of the update where it has a symbol."""
    number = {trace.step_symbol: trace.number} if trace.step_symbol else {}
    return {r"\eta": trace.learning_rate, **number, **greek_settings(trace.optimizer)}


def letter_of(letter: str, trace: Trace, l: int) -> str:
    """A document's one letter for every activation; with the layer's number where the layers' activations differ."""
    return letter if len(set(trace.network.activations)) == 1 else f"{letter}_{{{l}}}"


def of_first_example(trace: Trace) -> Trace:
    """What a document of one example reads of a trace: the first example and the parameters."""
    A, Z, dZ, dA = ([array[:, :1] for array in arrays] for arrays in (trace.A, trace.Z, trace.dZ, trace.dA))
    slopes = [None if slope is None else slope[:, :1] for slope in trace.slopes]
    jacobians = [None if jacobian is None else jacobian[:1] for jacobian in trace.jacobians]
    Y, terms = trace.Y[..., :1], trace.terms[:1]
    return replace(trace, Y=Y, A=A, Z=Z, dZ=dZ, dA=dA, slopes=slopes, jacobians=jacobians, terms=terms)

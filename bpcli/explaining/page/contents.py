"""What the page holds, as plain data: the tape, every notation's steps on it, bp's own numbers, and the examples.

Steps, quantities and constants are kept once each, however many variants of the network share them, and are referred
to by their places.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpcli.explaining import documents
from bpcli.explaining.documents.steps import Document
from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.explained import Explanation
from bpcli.explaining.page.engine import Quantity, new_theta, own_numbers, quantities
from bpcli.explaining.page.examples import examples_of, names_of
from bpcli.explaining.page.inputs import Inputs, inputs_of, values_of
from bpcli.explaining.page.limits import require_fit, require_shown
from bpcli.explaining.page.programs import Program, programs
from bpcli.explaining.page.step_data import TEXTS, Owner, array_data, step_data
from bpcli.explaining.page.symbols import steps_by_symbol
from bpcli.explaining.page.variants import Variant, activations_of, variants
from bpcli.explaining.recording.tape import CONSTANT, OPERANDS, OPERATIONS, Tape
from bpcli.explaining.rendering import shared_text
from bpcli.explaining.rendering.mathml import elements, prose
from bpcli.explaining.trace import Trace
from bpcli.nn.normal import CENTRE, FAR, POWERS, STEPS


@dataclass
class Kept:
    """Things by their place, each once."""

    things: list[Any] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def place(self, thing: Any) -> int:
        """Where the thing is, from now on."""
        key = json.dumps(thing, sort_keys=True)
        if key not in self.places:
            self.places[key] = len(self.things)
            self.things.append(thing)
        return self.places[key]


def contents(explained: Explanation) -> dict[str, Any]:
    """The page of an explanation's first update.

    Raises:
        ConfigError: the page cannot show it.
    """
    update, built = explained.updates[0], explained.experiment
    require_fit(update.trace)
    tape = Tape()
    book = _Book(inputs_of(update.trace, tape), tape)
    found = [book.variant(variant) for variant in variants(update.trace, built.recipe)]
    require_shown(explained.document.name, found[0]["documents"])
    return {
        "source": explained.source,
        "data": shared_text.data_file(explained),
        "introduction": shared_text.introduction(explained)[2:4],
        "trained": explained.trained,
        "document": explained.document.name,
        "tape": written(tape),
        "normal": {"powers": list(POWERS), "centre": CENTRE, "far": FAR, "steps": STEPS},
        "inputs": _places(book.inputs),
        "values": values_of(update.trace).tolist(),
        "texts": book.texts.things,
        "textual": list(TEXTS),
        "steps": book.steps.things,
        "quantities": book.quantities.things,
        "documents": {name: _described(documents.DOCUMENTS[name]) for name in _named(found)},
        "variants": found,
        "own": book.own,
        "ownQuantities": own_numbers(update.trace, book.first),
        "network": _network(update.trace, explained),
        "names": names_of(built.loaded, update.trace.network),
        "examples": examples_of(built.loaded, update, built.network),
    }


def _named(found: Iterable[dict[str, Any]]) -> list[str]:
    """The documents that can express one of the variants, in the registry's order."""
    every = {name for variant in found for name in variant["documents"]}
    return [name for name in documents.DOCUMENTS if name in every]


class _Book:
    """What variants and documents have in common.

    ``own`` are bp's numbers of the first variant's steps, ``first`` are its quantities.
    """

    def __init__(self, inputs: Inputs, tape: Tape) -> None:
        self.inputs, self.tape = inputs, tape
        self.steps, self.quantities, self.texts = Kept(), Kept(), Kept()
        self.own: dict[str, Any] = {}
        self.first: tuple[Quantity, ...] = ()

    def variant(self, variant: Variant) -> dict[str, Any]:
        """A variant's quantities, and its steps in every notation that can express it."""
        every = quantities(variant.trace, self.inputs, self.tape)
        self.first = self.first or every
        found = {
            name: steps
            for name in documents.expressing(variant.trace.network, weighted=variant.trace.weights is not None)
            if (steps := self._steps(documents.DOCUMENTS[name], variant, new_theta(every, self.tape)))
        }
        own = [self.quantities.place({"name": one.name, "layer": one.layer, **array_data(one.places)}) for one in every]
        names = activations_of(variant.trace.network)
        return {"activation": variant.activation, "activations": names, "quantities": own, "documents": found}

    def _steps(self, document: Document, variant: Variant, after: Any) -> list[int]:
        """A document's steps; none where one has no numbers on the page."""
        try:
            with np.errstate(all="ignore"):
                found = programs(document, variant.trace, self.inputs, self.tape, after)
        except EquationError:
            return []
        owner = steps_by_symbol([one.step for one in found.steps], found.evaluator)
        if not variant.activation:
            self.own[document.name] = [np.ravel(one.step.value).tolist() for one in found.steps]
        return [self.steps.place(self._step(one, place, owner)) for place, one in enumerate(found.steps)]

    def _step(self, program: Program, place: int, owner: Owner) -> dict[str, Any]:
        """A step's words and formulas, by their places, and the places of its numbers."""
        found = step_data(program, place, owner)
        return {key: self.texts.place(value) if key in TEXTS else value for key, value in found.items()}


def written(tape: Tape) -> dict[str, Any]:
    """The tape's operations by number, and their operands; a constant's operand is its place among the constants."""
    constants: dict[float, int] = {}
    counts = [OPERANDS.get(name, 1) for name in OPERATIONS]
    codes, operands = [], list[int]()
    for name, given, *others in tape.operations:
        codes.append(OPERATIONS.index(name))
        first = constants.setdefault(given, len(constants)) if name == CONSTANT else given
        operands += [first, *others][: counts[codes[-1]]]
    return {
        "operations": list(OPERATIONS),
        "counts": counts,
        "codes": codes,
        "operands": operands,
        "constants": list(constants),
    }


def _places(inputs: Inputs) -> dict[str, Any]:
    """Where each array of inputs begins, and its shape."""
    found, place = {}, 0
    arrays = {"X": inputs.X, "targets": inputs.targets, "theta": inputs.theta, "rate": 0, "step": 0}
    for name, array in (*arrays.items(), *((f"memory {name}", one) for name, one in inputs.memory.items())):
        shape = list(np.shape(array))
        found[name] = {"first": place, "shape": shape}
        place += int(np.prod(shape))
    if inputs.weights is not None:
        found["weights"] = {"first": place, "shape": list(inputs.weights.shape)}
    return found


def _described(document: Document) -> dict[str, Any]:
    return {
        "title": document.title,
        "expresses": document.expresses,
        "conventions": [prose(line) for line in document.conventions],
        "notation": [[elements(symbol), prose(meaning)] for symbol, meaning in document.notation],
    }


def _network(trace: Trace, explained: Explanation) -> dict[str, Any]:
    head = trace.network.head
    return {
        "sizes": list(trace.network.sizes),
        "m": trace.m,
        "loss": explained.choices["loss"]["name"],
        "rule": explained.choices["optimizer"]["name"],
        "mode": trace.mode,
        "examples": head.loss.examples,
        "targets": {
            "classes": head.loss.targets.class_indices,
            "shares": head.loss.targets.shares,
            "low": head.loss.targets.low,
            "high": head.loss.targets.high,
            "excluded": head.loss.targets.bounds_excluded,
        },
        "owned": [len(activation.owned) for activation in trace.network.activations],
    }

"""How much is shown of an update: names, arithmetic, the derivation, mistakes in print."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bpcli.errors import ConfigError
from bpcli.experiment import Experiment
from bpcli.explaining.arithmetic import with_arithmetic
from bpcli.explaining.derivations import DERIVATIONS, derive
from bpcli.explaining.documents.steps import DerivationStep, Document
from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.explained import DIGITS, ExplainedUpdate
from bpcli.nn.expressions import FormulaError

WHERE = "command line"

MOST_PARAMETERS = 10_000
"""The largest network whose derivation is evaluated: each of its slopes takes a forward pass, about a minute in all."""


@dataclass(frozen=True)
class Detail:
    """How much is shown of an update, and of how many.

    ``arithmetic`` is whether equations are written out entry by entry: None those that are small, True the first
    entries of large ones too. Numbers have ``digits``. ``steps`` is how often the examples are gone through.
    ``errata`` is whether a document's mistakes in print are named.
    """

    derivation: bool = False
    arithmetic: bool | None = None
    digits: int = DIGITS
    steps: int = 1
    errata: bool = False


@dataclass(frozen=True)
class Names:
    """What the network's inputs and outputs are called in the data."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def beside(self, step: DerivationStep, last: int) -> tuple[str, ...]:
        """The names of a step's rows, where they are inputs or outputs; a bias node has none."""
        of_outputs = step.key == "targets" or (step.key == "activation" and step.layer == last)
        names = self.inputs if step.key == "inputs" else self.outputs if of_outputs else ()
        rows = step.value.shape[0] if step.value.ndim else 0
        if names and rows == len(names) + 1:
            return ("", *names)
        return names if rows == len(names) else ()


def detailed(document: Document, update: ExplainedUpdate, names: Names, detail: Detail) -> ExplainedUpdate:
    """The update with all that was asked for of it."""
    last = max(step.layer or 0 for step in update.steps if step.key == "activation")
    steps = update.steps
    if detail.arithmetic is not False:
        vocabulary = DERIVATIONS[document.name].vocabulary(update.trace)
        steps = with_arithmetic(steps, vocabulary, detail.digits, large=bool(detail.arithmetic))
    named = tuple(replace(step, names=names.beside(step, last)) for step in steps)
    found = replace(update, steps=named)
    found = _with_derivation(document, found) if detail.derivation else found
    if detail.errata:
        return found
    slips = document.slips | DERIVATIONS[document.name].slips
    return replace(found, steps=tuple(_without(step, slips) for step in found.steps))


def _without(step: DerivationStep, notes: frozenset[str]) -> DerivationStep:
    return replace(step, notes=tuple(note for note in step.notes if note not in notes))


def refuse_large(built: Experiment) -> None:
    """Raise where the slopes by every parameter would take too long."""
    size = built.parameters.theta.size
    if size > MOST_PARAMETERS:
        problem = f"--derive takes the slope by each parameter, and the network has {size}"
        hint = f"choose a network of at most {MOST_PARAMETERS}, such as network.hidden=[8], or leave out --derive"
        raise ConfigError(problem, where=WHERE, hint=hint)


def _with_derivation(document: Document, update: ExplainedUpdate) -> ExplainedUpdate:
    """The update's steps with the document's displayed equations before the update itself."""
    try:
        found, omitted = derive(document.name, update.trace)
    except (EquationError, FormulaError) as error:
        raise ConfigError(f"--derive cannot evaluate {error}", where=WHERE, hint="leave out --derive") from error
    first = next(place for place, step in enumerate(update.steps) if step.stage == "update")
    return replace(update, steps=(*update.steps[:first], *found, *update.steps[first:]), omitted=omitted)

"""A recorded program made shorter, its results the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bpcli.training.compiled.operations import Dot, Each, OfNumbers, Operation
from bpcli.training.compiled.recorder import apart, same
from bpcli.training.compiled.recording import Program
from bpcli.training.compiled.symbols import Symbol

DTHETA = "dtheta"


@dataclass(frozen=True)
class FusedLoop:
    """Operations entry by entry over arrays of one shape, done in one walk; ``stored`` names what is kept of them."""

    shape: tuple[Any, ...]
    steps: tuple[Each, ...]
    stored: frozenset[str]


def simplified(program: Program) -> list[Operation | FusedLoop]:
    """The steps that matter, those that can be done together grouped."""
    steps = _accumulated(list(program.steps), program.symbols)
    needed, later = _needed(steps, program)
    return _grouped(needed, later, program.symbols)


def _accumulated(steps: list[Operation], symbols: dict[str, Symbol]) -> list[Operation]:
    """Where θ ← θ − dθ, and dθ is products alone, each product is taken off its part of θ at once; so with any vector.

    The products then come last, as backward still needs the W that they change,
    and dθ is never stored: one pass over memory instead of three.
    """
    concerned = [step for step in steps if DTHETA in _touched(step, symbols)]
    if not concerned or concerned[-1] != Each(concerned[-1].out, "subtract", (concerned[-1].out, DTHETA)):
        return steps
    products, update = [step for step in concerned if isinstance(step, Dot)], concerned[-1]
    vector = symbols[update.out]
    if len(products) < len(concerned) - 1:
        return steps
    after = steps[steps.index(update) + 1 :]
    if any(vector.name in _touched(step, symbols) for step in after) or not _steady(products, steps, symbols):
        return steps
    moved = [replace(product, out=_same_part(vector, symbols[product.out]).name, factor=1.0) for product in products]
    return [step for step in steps if step not in concerned] + list(moved)


def _touched(step: Operation, symbols: dict[str, Symbol]) -> set[str]:
    """The blocks that a step reads or writes."""
    return {_root(name, symbols) for name in (step.out, *step.reads)}


def _steady(products: list[Dot], steps: list[Operation], symbols: dict[str, Symbol]) -> bool:
    """Whether what products read is not written between them and the end."""
    return not any(
        _root(step.out, symbols) in {_root(name, symbols) for name in product.reads}
        for product in products
        for step in steps[steps.index(product) + 1 :]
    )


def _same_part(vector: Symbol, part: Symbol) -> Symbol:
    """The part of a vector in the place of this part of dθ."""
    if part.of is None or part.view is None:
        return vector
    parent = _same_part(vector, part.of)
    return part.recorder.view(parent, part.view, part.shape, contiguous=part.contiguous)


def _root(name: str, symbols: dict[str, Symbol]) -> str:
    return symbols[name].root if name in symbols else name


def _needed(steps: list[Operation], program: Program) -> tuple[list[Operation], list[frozenset[str]]]:
    """The steps whose results matter, and beside each the roots and numbers that are needed after it."""
    symbols = program.symbols
    live = {*program.results, *program.kept}
    kept: list[Operation] = []
    later: list[frozenset[str]] = []
    for step in reversed(steps):
        root = _root(step.out, symbols)
        if root not in live:
            continue
        kept.append(step)
        later.append(frozenset(live))
        if root not in program.kept and _overwrites(step, symbols):
            live.discard(root)
        live |= {_root(name, symbols) for name in step.reads}
    return kept[::-1], later[::-1]


def _overwrites(step: Operation, symbols: dict[str, Symbol]) -> bool:
    """Whether all that was in the written block is gone, for numbers always."""
    return step.out not in symbols or (step.replaces and symbols[step.out].whole)


def _grouped(
    steps: list[Operation], later: list[frozenset[str]], symbols: dict[str, Symbol]
) -> list[Operation | FusedLoop]:
    found: list[Operation | FusedLoop] = []
    run: list[Each] = []
    needed: frozenset[str] = frozenset()

    def close() -> None:
        if run:
            stored = frozenset(name for name in {step.out for step in run} if symbols[name].root in needed)
            found.append(FusedLoop(symbols[run[0].out].shape, tuple(run), stored))
            run.clear()

    for step, after in zip(steps, later, strict=True):
        if isinstance(step, Each):
            if run and not _together(run, step, symbols):
                close()
            run.append(step)
            needed = after
        elif isinstance(step, OfNumbers):  # needs nothing of the run, so it can go before it
            found.append(step)
        else:
            close()
            found.append(step)
    close()
    return found


def _together(run: list[Each], step: Each, symbols: dict[str, Symbol]) -> bool:
    """Whether a step can join a walk: the same shape, and no block seen in two ways one of which is written."""
    if not same(symbols[step.out].shape, symbols[run[0].out].shape):
        return False
    written = {one.out for one in run} | {step.out}
    seen = written | {name for one in (*run, step) for name in one.reads if name in symbols}
    of_one_block = (
        (symbols[name], symbols[other])
        for name in written
        for other in seen
        if name != other and symbols[name].root == symbols[other].root
    )
    return all(apart(one, other) for one, other in of_one_block)

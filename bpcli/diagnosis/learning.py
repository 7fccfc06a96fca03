"""Can the network learn: can it learn twenty examples by heart, and how large are its updates beside its weights."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np

from bpcli.data.files.pages import Pages
from bpcli.data.sources import Examples, Source
from bpcli.diagnosis.chance import chance_loss
from bpcli.diagnosis.findings import Finding, ok
from bpcli.diagnosis.rehearsal import Rehearsal
from bpcli.errors import DivergedError
from bpcli.nn import Array, IndexArray
from bpcli.nn.optimizers import Adam
from bpcli.nn.schedules import Constant
from bpcli.training.recipe import Plan

EXAMPLES, UPDATES, RATE = 20, 1200, 0.02
"""How many examples are learned by heart, in so many updates of Adam, at this learning rate."""

LEARNED = 0.1
"""By heart is below this share of the loss of one answer for all."""

ROOM = 2
"""Parameters for each example from which on a network with a hidden layer should have room for them."""

SMALL, LARGE, HUGE = 1e-5, 3e-2, 0.3
"""The ratio of an update to a weight should be around 1e-3: below and above the first two it is a note."""


class _Chosen:
    """Some examples of a source."""

    def __init__(self, source: Source, chosen: IndexArray) -> None:
        self.source, self.chosen, self.size = source, chosen, len(chosen)

    @property
    def pages(self) -> Pages | None:
        """Those of the source."""
        return self.source.pages

    def gather(self, indices: IndexArray, out: Array) -> None:
        """Write examples into ``out``."""
        self.source.gather(self.chosen[indices], out)


def overfits(rehearsal: Rehearsal) -> Finding:
    """Whether twenty examples are learned by heart, without penalties, noise and dropout."""
    examples, network = rehearsal.examples, rehearsal.network
    chosen = np.linspace(0, examples.size - 1, min(EXAMPLES, examples.size)).astype(np.intp)
    few = _few(rehearsal, chosen)
    layers = tuple(replace(layer, dropout=0.0) if layer.noisy else layer for layer in network.layers)  # type: ignore[type-var]
    bare = replace(network, layers=layers)
    plan = Plan(1, len(chosen), shuffle=False, seed=0)
    recipe = replace(rehearsal.recipe, network=bare, optimizer=Adam(learning_rate=RATE), plan=plan, schedule=Constant())
    recipe = replace(recipe, penalties=(), clip=None, input_noise=None)
    state, steps = rehearsal.start(recipe, few)
    first = rehearsal.passed(state.theta, chosen)
    reference = chance_loss(rehearsal, first) or rehearsal.loss_of(rehearsal.passed(state.theta, chosen))
    order = np.arange(len(chosen))
    updates = rehearsal.affordable(UPDATES, len(chosen))
    try:
        for _ in range(updates):
            steps.run(order, len(chosen), inf)
            state.begin_epoch(0)
    except DivergedError:
        pass
    best = rehearsal.loss_of(rehearsal.passed(state.theta, chosen))
    figures = f"{len(chosen)} examples: the loss falls from {reference:.4g}, of one answer for all, to {best:.4g}"
    if best <= LEARNED * reference or reference == 0:
        return ok(figures)
    meaning = (
        "a network that cannot learn twenty examples by heart cannot learn more of them: it is too small, its inputs "
        "or first weights are unsuitable, or equal inputs have different targets"
    )
    return Finding(
        "problem" if network.layers[:-1] else "note",
        figures,
        meaning,
        "network.hidden: more units; data.scale: standard; look at the rows",
    )


def _few(rehearsal: Rehearsal, chosen: IndexArray) -> Examples:
    """Some training examples, without weights."""
    examples = rehearsal.examples
    return Examples(_Chosen(examples.features, chosen), _Chosen(examples.targets, chosen))


def update_ratios(rehearsal: Rehearsal) -> Finding:
    """The size of the last update of a short training beside the weights, by layer."""
    if not rehearsal.takes_steps:
        return ok("the rule makes no steps")
    trained = rehearsal.trained
    if trained.diverged:
        return Finding(
            "problem",
            f"after {trained.updates} updates {trained.diverged}",
            "the steps are too large, so that each undoes more than the one before has gained",
            "lower optimizer.learning_rate: see the suggested range below",
        )
    after, before = (rehearsal.network.parameters(theta).W[1:] for theta in (trained.theta, trained.before))
    ratios = [_norm(new - old) / max(_norm(old), 1e-30) for new, old in zip(after, before, strict=True)]
    figures = f"after {trained.updates} updates, by layer: " + ", ".join(f"{ratio:.1e}" for ratio in ratios)
    low, high = min(ratios), max(ratios)
    if high > LARGE:
        return Finding(
            "problem" if high > HUGE else "note",
            figures,
            "an update changes weights by about a thousandth where training goes well; larger ones jump over minima",
            "lower optimizer.learning_rate, or a schedule that does",
        )
    if low < SMALL:
        return Finding(
            "problem" if high == 0 else "note",
            figures,
            "an update changes weights by about a thousandth where training goes well; smaller ones hardly move them",
            "raise optimizer.learning_rate; relu instead of sigmoid, where lower layers move least",
        )
    return ok(figures)


def _norm(W: Array) -> float:
    return float(np.linalg.norm(W.astype(np.float64)))

"""The steps of a case, on random examples."""

from __future__ import annotations

from math import inf

import numpy as np

from benchmarks.scaling.cases import Case
from bpcli.data.sources import ClassIndices, Examples, Rows
from bpcli.nn.activations import Relu, Softmax
from bpcli.nn.heads import join
from bpcli.nn.losses import CrossEntropy
from bpcli.nn.metrics import METRICS, tallies_for
from bpcli.nn.network import dense, initial
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.tallies import Judging
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.state import start

LEARNING_RATE = 1e-4
"""So small that nothing diverges: what is learned does not matter here."""


class CaseSteps:
    """The steps of a case, on random examples, the same on every rank."""

    def __init__(self, case: Case, ranks: Ranks = ALONE) -> None:
        rng = np.random.default_rng(0)
        network = dense(case.sizes, tuple(Relu() for _ in case.sizes[1:-1]), join(Softmax(), CrossEntropy()))
        size, classes = case.steps * case.batch_size, case.sizes[-1]
        examples = Examples(
            Rows(rng.random((size, case.sizes[0]), np.float32)), ClassIndices(rng.integers(0, classes, size))
        )
        optimizer = OPTIMIZERS[case.rule](learning_rate=LEARNING_RATE)
        recipe = Recipe(network, optimizer, Plan(1, case.batch_size, shuffle=False, seed=0))
        theta = initial(network, np.dtype(np.float32), rng).theta
        tallies = tallies_for({"accuracy": METRICS["accuracy"]()}, Judging(classes, "largest"))
        self.case, self.state, self.order = case, start(recipe, theta, tallies), np.arange(size)
        self.steps = case.computed_by.steps(recipe, self.state, examples, ranks)
        for _ in self.steps.prepare(case.batch_size):
            pass

    def run(self) -> None:
        """Take the case's number of steps, from where the last ones ended."""
        self.state.position = 0
        self.steps.run(self.order, self.case.batch_size, inf)

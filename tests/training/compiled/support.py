"""Programs run without a compiler, line by line in Python, beside the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpcli import choices
from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.nn import Array
from bpcli.nn.heads import join
from bpcli.nn.losses import Loss
from bpcli.nn.network import Network, dense
from bpcli.nn.optimizers import OPTIMIZERS, GradientDescent, Optimizer
from bpcli.nn.tallies import Decisions, Judging, Residuals, Tallies
from bpcli.training.compiled.kernels import Kernel
from bpcli.training.compiled.program import Program
from bpcli.training.compiled.source import Source, step_source
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import TrainingState, start
from bpcli.training.steps import Steps
from tests.nn.support import activation, loss

PLAN = Plan(epochs=1, batch_size=4, shuffle=True, seed=0)
"""Any plan: a task gets its batches as arguments."""

N = 11
"""Examples: batches of 4 leave 3, batches of 5 leave 1."""

INTERPRETED = """
FASTMATH = {}

def njit(**options):
    return lambda function: function

ROOM = 1

def product(left, right, out, room):
    np.dot(left, right, out)

def accumulate(factor, left, right, out, room):
    out += factor * (left @ right)

exp_of_single, tanh_of_single = np.exp, np.tanh

def flat(array):
    return array.reshape(-1)

def vector(room, place, n):
    return flat(room)[place:place + n]

def matrix(room, place, n, m):
    return flat(room)[place:place + n * m].reshape(n, m)

def space(kind, lengths):
    return np.empty(sum(lengths), kind), np.cumsum([0, *lengths])

def put(rows, k, array):
    rows[k] = array

def take(array, rows, k):
    array[:] = rows[k]

def report(words, place):
    words[place] = 1

def inner(left, right, zero):
    return zero + np.dot(left, right)

def arg_max_of_columns(matrix, out, room):
    out[:] = np.argmax(matrix, axis=0)

def total(vector):
    return np.sum(vector, dtype=np.float64)

def product_of_vector(left, vector, out):
    out[...] = left @ vector

def accumulate_of_vector(factor, left, vector, out):
    out += factor * (left @ vector)

def parts_of(length, room):
    return 3

def entries_of(number, count, length):
    start, stop = length * number // count, length * (number + 1) // count
    return start, stop - start

def part_of(function, given):
    return function

def placed(given):
    return given

def do_loop(part, given, count, room):
    for number in range(count):
        part(number, given, 0)

total_of_examples = total
product_along_rows = product_of_examples = product
"""


def run_in_python(source: Source) -> dict[str, Any]:
    """What a module of compiled code defines, as plain Python."""
    lines = [line for line in source.text.splitlines() if not line.startswith("from ")]
    place: dict[str, Any] = {"np": np}
    exec(INTERPRETED, place)
    for routine in source.routines.values():
        exec(routine, place)
    exec("\n".join(lines), place)
    return place


def interpreted(program: Program, write: Callable[[Program], Source] = step_source) -> Kernel:
    """The program's source as plain Python."""
    place = run_in_python(write(program))
    return Kernel(place["arrays"], place["run"], fresh=False)


@dataclass
class Task:
    """A network, a rule and examples."""

    network: Network
    optimizer: Optimizer = field(default_factory=lambda: GradientDescent(0.3))
    dtype: str = "float64"
    tallies: Callable[[int], Tallies] = lambda n: Tallies([Decisions(Judging(n, "largest"))])
    size: int = N
    features: float = 1.0

    def examples(self) -> Examples:
        rng, kind = np.random.default_rng(5), np.dtype(self.dtype)
        n = self.network.sizes[-1]
        X = (self.features * rng.normal(0, 1, (self.size, self.network.sizes[0]))).astype(kind)
        if self.network.head.loss.targets.class_indices:
            return Examples(Rows(X), ClassIndices(rng.integers(0, n, self.size)))
        numbers = rng.integers(0, 2, (n, self.size))
        if self.network.head.loss.targets.bounds_excluded:
            numbers += 1
        return Examples(Rows(X), Columns(numbers.astype(kind)))

    def state(self) -> TrainingState:
        theta = np.random.default_rng(6).normal(0, 0.7, self.network.layout.count).astype(self.dtype)
        return start(self.recipe(), theta, self.tallies(self.network.sizes[-1]))

    def recipe(self, plan: Plan = PLAN) -> Recipe:
        return Recipe(self.network, self.optimizer, plan)

    def trained(
        self, kind: Callable[[Recipe, TrainingState, Examples], Steps], batch_size: int, epochs: int = 2
    ) -> TrainingState:
        """The state in the middle of an epoch, all its sums in it."""
        state, examples = self.state(), self.examples()
        steps = kind(self.recipe(), state, examples)
        list(steps.prepare(batch_size))
        rng = np.random.default_rng(7)
        for _ in range(epochs):
            state.position = 0
            steps.run(rng.permutation(examples.size), batch_size, np.inf)
        return state


def task(
    output: str = "softmax",
    of: Loss | None = None,
    hidden: tuple[str, ...] = ("tanh",),
    optimizer: str = "gradient_descent",
    widths: tuple[int, ...] = (4, 5, 3),
    **more: Any,
) -> Task:
    head = join(activation(output), of or loss("cross_entropy"))
    rule: Optimizer = choices.build(OPTIMIZERS, {"name": optimizer, "learning_rate": 0.3})
    return Task(dense(widths, tuple(activation(name) for name in hidden), head), rule, **more)


def residuals(n: int) -> Tallies:
    return Tallies([Residuals(Judging(n, "residuals"))])


def labels(n: int) -> Tallies:
    return Tallies([Decisions(Judging(n, "threshold"))])


def numbers(state: TrainingState) -> dict[str, Array]:
    counters = {name: np.array(value) for name, value in state.counters().items()}
    return {**state.tensors(), **counters}


def agree(one: TrainingState, other: TrainingState, tolerance: float) -> None:
    """Compare all that training keeps, to a tolerance relative to each array's largest number."""
    found, expected = numbers(one), numbers(other)
    for name, array in expected.items():
        scale = max(1.0, float(np.abs(array).max(initial=0)))
        np.testing.assert_allclose(found[name], array, rtol=0, atol=tolerance * scale, err_msg=name)
